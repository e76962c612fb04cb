"""Memory while measuring: how much is taken at most, how fast it is copied, how much a token reads."""

from __future__ import annotations

import threading
import time
from typing import Any, Final

import psutil
import torch
from torch import nn

_BLOCK_BYTES: Final = {"cuda": 2**30, "cpu": 2**27}  # beyond any cache
_COPIES: Final = 5
_SAMPLE_S: Final = 0.05


class PeakMemory:
    """The most memory taken inside a ``with`` block.

    Attributes
    ----------
    nbytes : int
        On a machine with a GPU what PyTorch allocated there, its context left out; else the process's
        proportional share of memory, looked at every 50 ms.
    """

    def __init__(self) -> None:
        self.nbytes = 0
        self._stop = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> PeakMemory:
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        else:
            self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        if torch.cuda.is_available():
            self.nbytes = torch.cuda.max_memory_allocated()
        else:
            self._stop.set()
            self._watch.join()

    def _look(self) -> None:
        process = psutil.Process()
        while not self._stop.wait(_SAMPLE_S):
            used = process.memory_full_info()
            self.nbytes = max(self.nbytes, getattr(used, "pss", used.rss))


def copy_bytes_per_s(kind: str) -> float:
    """Bytes read and written a second when a large tensor is copied on that kind of device; best of five."""
    source = torch.ones(_BLOCK_BYTES[kind] // 4, device=kind)
    target = torch.empty_like(source)
    best = 0.0
    for _ in range(_COPIES):
        _wait(kind)
        started = time.perf_counter()
        target.copy_(source)
        _wait(kind)
        best = max(best, 2 * source.nbytes / (time.perf_counter() - started))
    return best


def _wait(kind: str) -> None:
    if kind == "cuda":
        torch.cuda.synchronize()


def bytes_per_token(model: Any, context: int) -> int:
    """Bytes of the tensors that one token of text reads: layers, head, and keys and values of the context."""
    text = model.config.text_config
    heads = text.num_key_value_heads * (text.hidden_size // text.num_attention_heads)
    value_bytes = model.lm_head.weight.element_size()
    cache = 2 * text.num_hidden_layers * heads * value_bytes * context
    language = model.model.language_model
    read = (language.layers, language.norm, model.lm_head)
    return sum(map(held_bytes, read)) + int(cache)


def held_bytes(module: nn.Module) -> int:
    """Bytes of a module's distinct tensors, scales and tables of 4-bit weights included."""
    found = {}
    for weight in [*module.parameters(), *module.buffers()]:
        found[weight.data_ptr()] = weight.nbytes
        if (state := getattr(weight, "quant_state", None)) is not None:
            for tensor in (state.absmax, state.code, state.state2.absmax, state.state2.code):
                found[tensor.data_ptr()] = tensor.nbytes
    return sum(found.values())
