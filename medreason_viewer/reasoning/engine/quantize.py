"""A model folder quantised once, so that loading it only reads: ``medreason models quantize``.

The result is what transformers would save after loading the folder in NF4, written tensor by tensor: the
language model's linear layers in bitsandbytes' layout, all else as it was.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import torch
from bitsandbytes.functional import QuantState, dequantize_4bit
from torch import Tensor

from ...cancel import Cancel
from ...errors import BundleError, ModelError
from ..bundles.bundle import Manifest, verify
from ..bundles.files import Progress
from .four_bit import BLOCK, STATE, UNQUANTISED, on_the_fly, quantise_nf4
from .model_config import read_model_config
from .new_folder import refuse_nonsense
from .rewriting import Rewriting, check_held
from .tensor_file import TensorSpec

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
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError("There is no GPU that PyTorch can use; quantise on the CPU.")
    refuse_nonsense(bundle, out)
    manifest = verify(bundle, progress=checking, cancel=cancel)
    config = read_model_config(bundle)
    if "quantization_config" in config:
        raise BundleError(f"{manifest.name} is quantised already; use it as it is.")
    return _Nf4(bundle, config, device).into(out, manifest, progress, cancel)


class _Nf4(Rewriting):
    """In the layout of bitsandbytes."""

    def __init__(self, bundle: Path, config: dict[str, Any], device: str) -> None:
        super().__init__(bundle, config)
        self._device = device

    @property
    def settings(self) -> dict[str, Any]:
        """What transformers reads for a model quantised beforehand."""
        return {
            "quant_method": "bitsandbytes",
            "load_in_4bit": True,
            "bnb_4bit_quant_type": "nf4",
            "bnb_4bit_use_double_quant": True,
            "bnb_4bit_quant_storage": "uint8",
            "bnb_4bit_compute_dtype": "bfloat16",
            "llm_int8_skip_modules": list(UNQUANTISED),
        }

    def packed(self, spec: TensorSpec) -> list[TensorSpec]:
        """Values, their scales, the scales of those, and two tables."""
        values = math.prod(spec.shape)
        scales = -(-values // BLOCK)
        of_scales = -(-scales // _SCALES_BLOCK)
        return [
            TensorSpec(spec.name, "U8", ((values + 1) // 2, 1)),
            TensorSpec(f"{spec.name}.absmax", "U8", (scales,)),
            TensorSpec(f"{spec.name}.nested_absmax", "F32", (of_scales,)),
            *(TensorSpec(f"{spec.name}.{table}", "F32", (size,)) for table, size in _TABLES.items()),
        ]

    def late(self) -> list[str]:
        """The settings of each layer."""
        return [spec.name.removesuffix("weight") + STATE for spec in self.linear]

    def parts(self, name: str, weight: Tensor) -> dict[str, Tensor]:
        """As bitsandbytes quantises it."""
        parts = quantise_nf4(weight, self._device)
        _check_layer(name, weight, parts, self._device)
        return parts


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
    check_held(name, weight.float(), found, _ERROR)
