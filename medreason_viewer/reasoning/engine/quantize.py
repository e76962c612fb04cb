"""A model folder quantised once, so that loading it only reads: ``medreason models quantize``.

The result is what transformers would save after loading the folder in NF4, written tensor by tensor: the
language model's linear layers in bitsandbytes' layout, all else as it was.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path
from typing import Any, Final

import torch
from bitsandbytes.functional import QuantState, dequantize_4bit
from safetensors import safe_open
from torch import Tensor

from ...cancel import Cancel
from ...errors import BundleError, ModelError
from ..bundles.bundle import Manifest, file_entries, verify, write_manifest
from ..bundles.files import Progress
from .four_bit import BLOCK, STATE, UNQUANTISED, on_the_fly, quantise_nf4
from .model_config import read_model_config
from .new_folder import check_room, copy_rest, refuse_nonsense, written_beside
from .tensor_file import TensorFile, TensorSpec
from .weights import SINGLE_NAME, check_weights, weight_files

# The language model's linear layers, under the published names and under those of transformers.
LINEAR: Final = re.compile(
    r"model\.(?:language_model\.)?layers\.\d+\.(?:self_attn|mlp)\.(?:q|k|v|o|gate|up|down)_proj\.weight"
)
LINEARS_A_LAYER: Final = 7
_TABLES: Final = {"quant_map": 16, "nested_quant_map": 256}  # values of each, float32
_SCALES_BLOCK: Final = 256
_ERROR: Final = 0.2  # of a layer's values, in parts of their norm; normal values have 0.09


def quantise_bundle(
    bundle: Path,
    out: Path,
    *,
    device: str = "cpu",
    checking: Progress | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Manifest:
    """Write a bundle's weights in NF4 into a new folder, with all its other files.

    Parameters
    ----------
    bundle : Path
        A bundle, or a Hugging Face folder of a Qwen2.5-VL; verified first.
    out : Path
        A folder that does not exist yet; it appears, whole, when all is written and checked.
    device : {"cpu", "cuda"}
        Where to compute.
    checking, progress : callable, optional
        Told bytes done and bytes in all: of verifying the bundle, then of quantising it.
    cancel : Cancel, optional
        Heard between two tensors.

    Raises
    ------
    BundleError
        With one sentence: nonsense asked, a damaged bundle, no room, or a layer that 4 bits do not hold.
    ModelError
        If there is no such device.
    Cancelled
        If the user stopped it; nothing is left behind.
    """
    cancel = cancel or Cancel()
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError("There is no GPU that PyTorch can use; quantise on the CPU.")
    refuse_nonsense(bundle, out)
    manifest = verify(bundle, progress=checking, cancel=cancel)
    config = read_model_config(bundle)
    if "quantization_config" in config:
        raise BundleError(f"{manifest.name} is quantised already; use it as it is.")
    work = _Work(bundle, config)
    with written_beside(out) as partial:
        check_room(partial, work.nbytes, bundle)
        copy_rest(bundle, partial)
        work.write(partial / SINGLE_NAME, device, progress, cancel)
        check_weights(partial)
        _write_config(partial / "config.json", config)
        manifest = dataclasses.replace(manifest, files=file_entries(partial, cancel=cancel))
        write_manifest(partial, manifest)
    return manifest


def _write_config(path: Path, config: dict[str, Any]) -> None:
    """``config.json`` with the settings that transformers reads for a model quantised beforehand."""
    settings = {
        "quant_method": "bitsandbytes",
        "load_in_4bit": True,
        "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_use_double_quant": True,
        "bnb_4bit_quant_storage": "uint8",
        "bnb_4bit_compute_dtype": "bfloat16",
        "llm_int8_skip_modules": list(UNQUANTISED),
    }
    path.write_text(json.dumps(config | {"quantization_config": settings}, indent=2) + "\n", "utf-8")


class _Work:
    """The tensors of a bundle, and what becomes of each."""

    def __init__(self, bundle: Path, config: dict[str, Any]) -> None:
        self._source: dict[str, Path] = {}
        self._specs: list[TensorSpec] = []
        self._late: list[str] = []
        for path in weight_files(bundle):
            with safe_open(path, "pt") as file:
                for name in file.keys():  # noqa: SIM118 (not a dict)
                    self._source[name] = path
                    kept = file.get_slice(name)
                    self._plan(TensorSpec(name, kept.get_dtype(), tuple(kept.get_shape())))
        text = config.get("text_config") or config
        expected, found = text["num_hidden_layers"] * LINEARS_A_LAYER, len(self._late)
        if expected != found:
            raise BundleError(
                f"{found} layers would be quantised where the model has {expected}; it was left as it is."
            )

    def _plan(self, spec: TensorSpec) -> None:
        if not LINEAR.fullmatch(spec.name):
            self._specs.append(spec)
            return
        values = math.prod(spec.shape)
        scales = -(-values // BLOCK)
        of_scales = -(-scales // _SCALES_BLOCK)
        self._specs += [
            TensorSpec(spec.name, "U8", ((values + 1) // 2, 1)),
            TensorSpec(f"{spec.name}.absmax", "U8", (scales,)),
            TensorSpec(f"{spec.name}.nested_absmax", "F32", (of_scales,)),
            *(TensorSpec(f"{spec.name}.{table}", "F32", (size,)) for table, size in _TABLES.items()),
        ]
        self._late.append(spec.name.removesuffix("weight") + STATE)

    @property
    def nbytes(self) -> int:
        """Bytes of the weights once written."""
        return sum(spec.nbytes for spec in self._specs)

    def write(self, path: Path, device: str, progress: Progress | None, cancel: Cancel) -> None:
        """Write every tensor, one in memory at a time."""
        total, done = sum(source.stat().st_size for source in set(self._source.values())), 0
        with TensorFile(path, self._specs, self._late) as file:
            for name, source in self._source.items():
                cancel.check()
                with safe_open(source, "pt") as opened:  # mapped anew each time, so that memory is given back
                    tensor = opened.get_tensor(name)
                self._put(file, name, tensor, device)
                done += tensor.nbytes
                if progress is not None:
                    progress(min(done, total), total)

    def _put(self, file: TensorFile, name: str, tensor: Tensor, device: str) -> None:
        if not LINEAR.fullmatch(name):
            file.put(name, _bytes(tensor))
            return
        parts = quantise_nf4(tensor, device)
        _check_layer(name, tensor, parts, device)
        for part, values in parts.items():
            file.put(name.removesuffix("weight") + part, _bytes(values))


def _bytes(tensor: Tensor) -> memoryview:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data


def _check_layer(name: str, weight: Tensor, parts: dict[str, Tensor], device: str) -> None:
    """Make sure that the layer is what loading would have made of it, and that 4 bits hold its values.

    The comparison with loading takes the first rows alone where the layer is large.
    """
    rows = weight[: max(1, (1 << 20) // weight.shape[1])]
    expected = on_the_fly(rows, device)["weight"]
    if not torch.equal(parts["weight"][: len(expected)], expected):
        raise BundleError(
            f"{name} comes out otherwise than when it is quantised while loading; nothing was written."
        )
    stored = {part.removeprefix("weight."): value for part, value in parts.items() if part != "weight"}
    state = QuantState.from_dict(stored, device=torch.device(device))
    found = dequantize_4bit(parts["weight"].to(device), state).float().cpu()
    norm = float(weight.float().norm())
    error = float((found - weight.float()).norm()) / norm if norm else 0.0
    if not error < _ERROR:
        raise BundleError(
            f"{name} cannot be held in 4 bits (it would be off by {error:.0%}); nothing was written."
        )
