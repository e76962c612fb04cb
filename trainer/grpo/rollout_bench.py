"""``medreason-train bench``: a prompt read once for its group, in rollouts and training, beside stock."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from transformers import GenerationConfig

from medreason_viewer.reasoning import prompt, zoom
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.volume.phantom import sample_slice

from ..tuning import architecture
from . import reading_bench
from .chat_processor import ChatProcessor
from .rollouts import prefilled

GROUPS: Final = (4, 8, 16)
TOKENS: Final = 40
_WARM_UPS: Final = 1


@dataclass(frozen=True, slots=True)
class Bench:
    """What to measure: completions of a fixed length, greedy, one prompt a group.

    Raises
    ------
    ValueError
        If a number is not positive.
    """

    groups: tuple[int, ...] = GROUPS
    tokens: int = TOKENS
    repeats: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.groups or min(*self.groups, self.tokens, self.repeats) < 1:
            raise ValueError("groups, tokens and repeats must be at least 1")


def random_demo(folder: Path, manifest: Manifest, seed: int = 0) -> Any:
    """A model of the demo's shape with random weights, and its tokenizer in the folder."""
    texts = [manifest.prompt.reason, manifest.prompt.locate, *manifest.answer_classes]
    tokenizer = architecture.train_tokenizer(texts * 4)
    model = architecture.build_model(tokenizer, seed=seed)
    tokenizer.save_pretrained(folder)
    return model


def measure(model: Any, folder: Path, manifest: Manifest, bench: Bench) -> dict[str, Any]:
    """Seconds of both ways for each group size, taken in turns; the ratio is that of the medians.

    Parameters
    ----------
    model : Qwen2_5_VLForConditionalGeneration
    folder : Path
        Holds ``tokenizer.json``.

    Returns
    -------
    dict
        ``rollout_ratio``, ``ours_s`` and ``stock_s`` {group size: value}; ``tokens_equal``, whether both ways
        gave the same tokens every time; ``reading_ratio``, ``reading_ours_s``, ``reading_stock_s`` likewise
        of taking the completions' log-probabilities with their gradients, and ``reading_difference``, the
        largest by which those of both ways differ; ``tokens``, ``prompt_tokens``, ``repeats``, ``device``.
    """
    model.eval()
    processor = ChatProcessor(folder)
    model.model.visual.requires_grad_(False)  # as GRPO trains by default
    found: dict[str, Any] = {"rollout_ratio": {}, "ours_s": {}, "stock_s": {}, "tokens_equal": True}
    found |= {"reading_ratio": {}, "reading_ours_s": {}, "reading_stock_s": {}, "reading_difference": 0.0}
    for group in bench.groups:
        inputs = _inputs(processor, manifest, group, bench.seed, model.device)
        times, equal, said = _in_turns(model, inputs, processor, bench)
        _add_reading(found, model, inputs, said, bench)
        ours, stock = statistics.median(times[True]), statistics.median(times[False])
        found["tokens_equal"] &= equal
        found["rollout_ratio"][str(group)] = round(ours / stock, 4)
        found["ours_s"][str(group)], found["stock_s"][str(group)] = round(ours, 5), round(stock, 5)
    return {
        **found,
        "tokens": bench.tokens,
        "prompt_tokens": int(inputs["input_ids"].shape[1]),
        "repeats": bench.repeats,
        "device": torch.cuda.get_device_name() if model.device.type == "cuda" else "cpu",
    }


def _in_turns(
    model: Any, inputs: dict[str, Tensor], processor: ChatProcessor, bench: Bench
) -> tuple[dict[bool, list[float]], bool, Tensor]:
    """Seconds of each repeat, shared and not, whether both always gave the same tokens, and those."""
    times: dict[bool, list[float]] = {True: [], False: []}
    equal = True
    for turn in range(_WARM_UPS + bench.repeats):
        runs = {shared: _timed(model, inputs, processor, bench.tokens, shared) for shared in (False, True)}
        equal &= torch.equal(runs[True][1], runs[False][1])
        for shared, (seconds, _) in runs.items():
            times[shared] += [seconds] if turn >= _WARM_UPS else []
    return times, equal, runs[True][1].to(model.device)


def _add_reading(
    found: dict[str, Any], model: Any, inputs: dict[str, Tensor], said: Tensor, bench: Bench
) -> None:
    given, prompt_tokens = reading_bench.completed(inputs, said), inputs["input_ids"].shape[1]
    times: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(_WARM_UPS + bench.repeats):
        runs = {way: reading_bench.timed(model, given, prompt_tokens, shared=way) for way in (False, True)}
        apart = float((runs[True][1] - runs[False][1]).abs().max())
        found["reading_difference"] = max(found["reading_difference"], apart)
        for way, (seconds, _) in runs.items():
            times[way] += [seconds] if turn >= _WARM_UPS else []
    group = str(len(said))
    ours, stock = statistics.median(times[True]), statistics.median(times[False])
    found["reading_ratio"][group] = round(ours / stock, 4)
    found["reading_ours_s"][group], found["reading_stock_s"][group] = round(ours, 5), round(stock, 5)


def _inputs(
    processor: ChatProcessor, manifest: Manifest, group: int, seed: int, device: torch.device
) -> dict[str, Tensor]:
    """One phantom's *reason* prompt, once for each completion of the group."""
    shown = sample_slice(np.random.default_rng(seed), matrix=256)
    image = zoom.composite(shown.hu.astype(np.float64), shown.box_slice, manifest).image
    messages = [
        {**message, "content": [_filled(part, image) for part in message["content"]]}
        for message in prompt.reason_messages(manifest)
    ]
    made = processor.apply_chat_template([messages] * group, tokenize=True)
    made["attention_mask"] = [[1] * len(row) for row in made["input_ids"]]
    return {name: torch.as_tensor(value).to(device) for name, value in made.items()}


def _filled(part: dict[str, Any], image: Any) -> dict[str, Any]:
    return {**part, "image": image} if part["type"] == "image" else part


def _timed(
    model: Any, inputs: dict[str, Tensor], processor: ChatProcessor, tokens: int, shared: bool
) -> tuple[float, Tensor]:
    stops: Sequence[int] = sorted(processor.chat.stop_ids)
    how = GenerationConfig(  # type: ignore[no-untyped-call]
        max_new_tokens=tokens,
        min_new_tokens=tokens,
        do_sample=False,
        eos_token_id=list(stops),
        pad_token_id=int(processor.tokenizer.pad_token_id),
        suppress_tokens=list(processor.chat.never_said),
        disable_compile=True,  # as TRL sets it
    )
    began = time.perf_counter()
    given = prefilled(model, inputs) if shared else inputs
    with torch.no_grad():
        said: Tensor = model.generate(**given, generation_config=how)
    if said.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - began, said.cpu()
