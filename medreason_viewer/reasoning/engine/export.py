"""A model folder for a server: 4-bit weights as vLLM and others read them (compressed-tensors, W4A16).

The language model's linear layers are rounded to 4-bit integers, symmetric, a scale for each group of up to
128 values along a row; of a few scales the one with the least squared error is taken. No data are looked at,
so nothing is fitted to a set. Vision tower and ``lm_head`` stay as they are. The packing is the
compressed-tensors library's own. AWQ is not written: its point is a calibration for which there is no library
that is kept and knows today's transformers.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from ...cancel import Cancel
from ...errors import BundleError
from ..bundles.bundle import Manifest, verify
from ..bundles.files import Progress
from .model_config import read_adapter_config, read_model_config
from .new_folder import refuse_nonsense
from .rewriting import Rewriting, check_held
from .tensor_file import TensorSpec

QUANTIZATION: Final = "w4a16 (compressed-tensors)"
_GROUPS: Final = (128, 64, 32)  # which vLLM's kernels know
_SHRINK: Final = tuple(1.0 - step / 20 for step in range(9))  # of the scale that holds the largest value
_HALF_RANGE: Final = 7.5  # of the integers -8 to 7
_ERROR: Final = 0.25  # of a layer's values, in parts of their norm; normal values have 0.09 to 0.11
_FEWEST_PIXELS: Final = 784  # one token's


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes
    ----------
    manifest : Manifest
        The new folder's, by which the viewer asks the server.
    adapter : Path or None
        The folder of the bundle's LoRA adapter, to be served by a name of its own.
    rank : int
        The adapter's; 0 without one.
    worst_error : float
        Of all layers, in parts of the norm of its values.
    """

    manifest: Manifest
    adapter: Path | None
    rank: int
    worst_error: float


def export_bundle(
    bundle: Path, out: Path, *, progress: Progress | None = None, cancel: Cancel | None = None
) -> Exported:
    """Write a bundle into a new folder for a server.

    Parameters
    ----------
    bundle : Path
        A bundle, or a Hugging Face folder of a Qwen2.5-VL, that is not quantised yet; verified first.
    out : Path
        A folder that does not exist yet; it appears, whole, when all is written.
    progress : callable, optional
        Told bytes done and bytes in all; first of the verifying, then of the writing.

    Raises
    ------
    BundleError
        With one sentence: nonsense asked, a damaged bundle, one that is quantised already, no room, a layer
        that 4 bits do not hold, or a library that is missing.
    Cancelled
        If the user stopped it; nothing is left behind.
    """
    refuse_nonsense(bundle, out)
    _import_library()
    manifest = verify(bundle, progress=progress, cancel=cancel)
    config = read_model_config(bundle)
    if "quantization_config" in config:
        raise BundleError(
            f"{manifest.name} is quantised already, and rounding twice would cost quality: "
            "export the folder that it was made from."
        )
    work = _Packed(bundle, config, manifest.image.max_pixels)
    manifest = work.into(out, dataclasses.replace(manifest, quantization=QUANTIZATION), progress, cancel)
    adapter = out / manifest.adapter if manifest.adapter else None
    rank = int(read_adapter_config(adapter).get("r", 0)) if adapter else 0
    return Exported(manifest, adapter, rank, work.worst_error)


def _import_library() -> Any:
    """compressed-tensors, which is not installed by default."""
    try:
        import compressed_tensors.compressors as library
    except ImportError:
        raise BundleError(
            'Exporting takes a library that is not installed: pip install "medreason-viewer[export]".'
        ) from None
    return library


def _take_images_as_they_are(path: Path, most_pixels: int) -> None:
    """Let the server scale no image: the viewer sends each at the size that the model shall see.

    No more pixels than that, for servers set memory aside for the largest image.
    """
    values = json.loads(path.read_text("utf-8")) if path.exists() else {}
    values |= {
        "size": {"shortest_edge": _FEWEST_PIXELS, "longest_edge": most_pixels},
        "min_pixels": _FEWEST_PIXELS,
        "max_pixels": most_pixels,
    }
    path.write_text(json.dumps(values, indent=2) + "\n", "utf-8")


class _Packed(Rewriting):
    """In the layout of compressed-tensors."""

    def __init__(self, bundle: Path, config: dict[str, Any], most_pixels: int) -> None:
        super().__init__(bundle, config)
        self._most_pixels = most_pixels
        self._group = _group_size([spec.shape[1] for spec in self.linear])
        self._scheme = _scheme(self._group)
        self.worst_error = 0.0

    @property
    def settings(self) -> dict[str, Any]:
        """As the library writes them."""
        from compressed_tensors.quantization import QuantizationConfig

        settings = QuantizationConfig(
            config_groups={"group_0": self._scheme},
            format="pack-quantized",
            quantization_status="compressed",
            ignore=["lm_head", "re:.*visual.*"],
        )
        return dict(settings.model_dump(mode="json", exclude_none=True))

    def packed(self, spec: TensorSpec) -> list[TensorSpec]:
        """Eight values in an integer, their scales, and the shape."""
        rows, cols = spec.shape
        return [
            TensorSpec(f"{spec.name}_packed", "I32", (rows, cols // 8)),
            TensorSpec(f"{spec.name}_scale", "BF16", (rows, cols // self._group)),
            TensorSpec(f"{spec.name}_shape", "I64", (2,)),
        ]

    def parts(self, name: str, weight: Tensor) -> dict[str, Tensor]:
        """As the library packs it, with the best of a few scales."""
        parts, found = pack(weight, self._group, self._scheme)
        self.worst_error = max(self.worst_error, check_held(name, weight.float(), found, _ERROR))
        return parts

    def finish(self, partial: Path) -> None:
        """Let the server scale no image."""
        _take_images_as_they_are(partial / "preprocessor_config.json", self._most_pixels)


def pack(weight: Tensor, group: int, scheme: Any) -> tuple[dict[str, Tensor], Tensor]:
    """A layer's weights in 4 bits.

    Returns
    -------
    dict of str to Tensor
        ``weight_packed`` (int32), ``weight_scale`` (bfloat16) and ``weight_shape`` (int64).
    Tensor
        The values that these stand for, float32.
    """
    packer = _import_library().PackedQuantizationCompressor
    exact = weight.float()
    scale = best_scale(exact, group)
    parts = packer.compress({"weight": exact, "weight_scale": scale.float()}, scheme)
    found = packer.decompress(parts, scheme)["weight"]
    kept = {
        "weight_packed": parts["weight_packed"],
        "weight_scale": scale,
        "weight_shape": parts["weight_shape"].to(torch.int64),
    }
    return kept, found


def best_scale(weight: Tensor, group: int) -> Tensor:
    """The scale of each group that leaves the least squared error, of a few.

    Parameters
    ----------
    weight : Tensor, float32, shape (rows, cols)

    Returns
    -------
    Tensor, bfloat16, shape (rows, cols / group)
    """
    values = weight.reshape(len(weight), -1, group)
    widest: Tensor = values.abs().amax(-1).clamp_min(torch.finfo(torch.bfloat16).tiny) / _HALF_RANGE
    best: Tensor = widest.bfloat16()
    least = torch.full_like(widest, math.inf)
    for shrink in _SHRINK:
        scale = (widest * shrink).bfloat16()
        wide = scale.float().unsqueeze(-1)
        off = ((values / wide).round_().clamp_(-8, 7).mul_(wide) - values).square_().sum(-1)
        better = off < least
        best, least = torch.where(better, scale, best), torch.where(better, off, least)
    return best


def _group_size(widths: list[int]) -> int:
    fits = [group for group in _GROUPS if all(width % group == 0 for width in widths)]
    if not fits:
        raise BundleError(f"The model's layers cannot be cut into groups of {_GROUPS[-1]} values.")
    return fits[0]


def _scheme(group: int) -> Any:
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme

    weights = QuantizationArgs(num_bits=4, type="int", symmetric=True, strategy="group", group_size=group)
    return QuantizationScheme(targets=["Linear"], weights=weights)
