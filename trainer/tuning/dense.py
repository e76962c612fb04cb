"""Dense targets for the vision tower: what each merged patch shows of the lesion, and where it lies.

Language loss alone teaches a small tower from scratch almost nothing about places. So it is first taught
per merged patch (28 x 28 pixels): the finding it shows, the lesion's outline in 4 x 4 cells, the lesion's
box as offsets and as the digits in which it will be written, and where the patch itself lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from medreason_viewer.errors import DataSetError
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.engine.patches import MERGED
from medreason_viewer.reasoning.zoom import Composite

from ..data.dataset import DataSet
from ..examples.items import Item

CELLS: Final = 4
TARGET_NAMES: Final = ("finding", "cells", "box_model", "boxed")
_GRID: Final = 24  # the widest image in merged patches
_DIGITS: Final = 3
_UNKNOWN: Final = -100  # the finding of a patch that no answer class names; cross entropy leaves it out
_OTHER_PARTS: Final = {"cells": CELLS * CELLS, "offsets": 4, "digits": 4 * _DIGITS * 10, "place": 2 * _GRID}
_SEEN_SHARE: Final = 0.08  # of a patch's area; less counts for a lesion smaller than that
_BACKGROUND_WEIGHT: Final = 0.15
_DIGIT_WEIGHTS: Final = (1.0, 1.0, 0.4)


@dataclass(frozen=True, slots=True, eq=False)
class DenseTarget:
    """Targets of one image of ``down`` by ``across`` merged patches.

    Attributes
    ----------
    finding : array of int64, shape (down, across)
        0 for none, else 1 + the place among the findings; -100 for one that is not among them.
    cells : array of float32, shape (down, across, 16)
        Share of each cell that the lesion covers.
    box_model : array of float32, shape (4,)
        The lesion's box in model pixels; zeros without one.
    boxed : array of bool, shape (down, across)
        Patches that should know the box: those of the lesion, outside the inset.
    """

    finding: NDArray[np.int64]
    cells: NDArray[np.float32]
    box_model: NDArray[np.float32]
    boxed: NDArray[np.bool_]


def findings_of(manifest: Manifest) -> tuple[str, ...]:
    """The answer classes that name something to be seen."""
    return tuple(name for name in manifest.answer_classes if name != manifest.no_finding)


def refuse_unmarked(data: DataSet) -> None:
    """Refuse a data set that has no lesion mask for some slice to learn from.

    Raises
    ------
    DataSetError
        That names the first such row.
    """
    for index in data.to_learn():
        case = data.cases[index]
        unmarked = case.box_slice is not None and case.mask_from == "none"
        if case.pixels != "hu" or unmarked or not case.whole:
            raise DataSetError(
                f"{data.row(index)}: it has no lesion mask, so the vision tower cannot be taught on it: "
                "fine-tune without a warm-up."
            )


def target_of(data: DataSet, index: int, item: Item, findings: Sequence[str]) -> DenseTarget:
    """The targets for an example made from one slice of a data set."""
    case = data.cases[index]
    box = case.box_slice.as_tuple() if case.box_slice else None
    return target(item, data.mask(index), label_of(case.finding, findings), box)


def label_of(finding: str, findings: Sequence[str]) -> int:
    """The number of a finding, from 1 on; that of an unknown one for any that is not among them."""
    return findings.index(finding) + 1 if finding in findings else _UNKNOWN


def stacked(targets: Sequence[DenseTarget]) -> dict[str, Tensor]:
    """Targets of images of one size as tensors, by the names that :class:`DenseHeads` takes."""
    return {
        name: torch.from_numpy(np.stack([getattr(each, name) for each in targets])) for name in TARGET_NAMES
    }


def target(item: Item, mask: NDArray[np.bool_], label: int, box: tuple[float, ...] | None) -> DenseTarget:
    """The targets for an example's picture, inset included.

    Parameters
    ----------
    mask : array of bool, shape (row, col)
        The lesion on the slice.
    label : int
        Of its finding: see :func:`label_of`.
    box : tuple of float or None
        Its box in slice pixels.
    """
    height, width = item.image.shape[:2]
    seen = _resized(mask, height, width)
    inset = np.zeros((height, width), np.bool_)
    if item.composite is not None:
        _draw_inset(seen, inset, mask, item.composite)
    cells = _blocks(seen, MERGED // CELLS)
    share = _blocks(seen, MERGED)
    shown = share > min(_SEEN_SHARE, float(share.max()) * 0.5)
    down, across = share.shape
    grouped = cells.reshape(down, CELLS, across, CELLS).transpose(0, 2, 1, 3).reshape(down, across, -1)
    outside = _blocks(inset.astype(np.float32), MERGED) < 0.5
    scale = (width / mask.shape[1], height / mask.shape[0]) * 2
    corners = np.zeros(4) if box is None else np.array(box) * scale
    return DenseTarget(
        np.where(shown, label, 0).astype(np.int64),
        grouped.astype(np.float32),
        corners.astype(np.float32),
        shown & outside & (box is not None),
    )


def _resized(mask: NDArray[np.bool_], height: int, width: int) -> NDArray[np.float32]:
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    resized = picture.resize((width, height), Image.Resampling.BOX)
    return np.asarray(resized, dtype=np.float32) / np.float32(255)


def _draw_inset(
    seen: NDArray[np.float32], inset: NDArray[np.bool_], mask: NDArray[np.bool_], picture: Composite
) -> None:
    if picture.crop_slice is None or picture.inset_model is None:
        return
    left, top, right, bottom = (int(value) for value in picture.inset_model.as_tuple())
    x0, y0, x1, y1 = (int(value) for value in picture.crop_slice.as_tuple())
    seen[top:bottom, left:right] = _resized(mask[y0:y1, x0:x1], bottom - top, right - left)
    inset[top:bottom, left:right] = True


def _blocks(picture: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    rows, cols = picture.shape
    means = picture.reshape(rows // side, side, cols // side, side).mean((1, 3))
    return np.asarray(means, dtype=np.float32)


def features_of(seen: Any) -> Tensor:
    """The merged patches of a vision tower's output, shape (patch, hidden), for any number of images."""
    merged = seen.pooler_output
    return merged if isinstance(merged, Tensor) else torch.cat(list(merged))


class DenseHeads(nn.Module):
    """Linear heads on the merged patches: for training only, no bundle holds them.

    Parameters
    ----------
    findings : int
        How many findings there are to tell apart.
    """

    def __init__(self, hidden: int, findings: int) -> None:
        super().__init__()
        self._parts = {"finding": 1 + findings, **_OTHER_PARTS}
        self.read = nn.Linear(hidden, sum(self._parts.values()))
        weight = torch.ones(1 + findings)
        weight[0] = _BACKGROUND_WEIGHT
        self.register_buffer("weight", weight, persistent=False)

    def forward(
        self, features: Tensor, finding: Tensor, cells: Tensor, box_model: Tensor, boxed: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss, and what it is made of, for images of one size.

        Parameters
        ----------
        features : Tensor, shape (image * down * across, hidden)
        finding, cells, box_model, boxed : Tensor
            As :class:`DenseTarget`, stacked.
        """
        images, down, across = finding.shape
        sizes = list(self._parts.values())
        said = torch.split(self.read(features).view(images, down, across, -1), sizes, -1)
        read = dict(zip(self._parts, said, strict=True))
        assert isinstance(self.weight, Tensor)
        parts = {
            "finding": functional.cross_entropy(
                read["finding"].flatten(0, 2), finding.flatten(), weight=self.weight
            ),
            "cells": functional.binary_cross_entropy_with_logits(read["cells"], cells) * CELLS,
            "place": _place_loss(read["place"]),
        }
        if bool(boxed.any()):
            truth = box_model[:, None, None].expand(images, down, across, 4)
            parts["offsets"] = 5 * _offset_loss(read["offsets"], truth, boxed)
            parts["digits"] = _digit_loss(read["digits"][boxed], truth[boxed])
        return torch.stack(list(parts.values())).sum(), parts


def load_heads(file: Path) -> DenseHeads:
    """The heads in a file of safetensors that a warm-up wrote."""
    held = load_file(file)
    outputs, hidden = held["read.weight"].shape
    heads = DenseHeads(hidden, outputs - 1 - sum(_OTHER_PARTS.values()))
    heads.load_state_dict(held)
    return heads


def _centres(down: int, across: int) -> Tensor:
    """Centres (x, y, x, y) of the merged patches in model pixels, shape (down, across, 4)."""
    y, x = torch.meshgrid(torch.arange(down), torch.arange(across), indexing="ij")
    return (torch.stack([x, y, x, y], -1) + 0.5) * MERGED


def _offset_loss(said: Tensor, truth: Tensor, boxed: Tensor) -> Tensor:
    down, across = said.shape[1:3]
    wanted = (truth - _centres(down, across)) / (across * MERGED)
    return functional.smooth_l1_loss(said[boxed], wanted[boxed], beta=0.02)


def _digit_loss(said: Tensor, truth: Tensor) -> Tensor:
    """Cross entropy of each digit of each corner, the last one less, for it asks for single pixels."""
    whole = truth.round().long()
    loss = said.new_zeros(())
    by_digit = said.view(len(said), 4, _DIGITS, 10)
    for place, weight in enumerate(_DIGIT_WEIGHTS):
        digit = whole // 10 ** (_DIGITS - 1 - place) % 10
        loss = loss + weight * functional.cross_entropy(by_digit[:, :, place].flatten(0, 1), digit.flatten())
    return loss / 2


def _place_loss(said: Tensor) -> Tensor:
    images, down, across = said.shape[:3]
    x, y = torch.split(said, _GRID, -1)
    cols = torch.arange(across).expand(images, down, across)
    rows = torch.arange(down)[:, None].expand(images, down, across)
    along = functional.cross_entropy(x.flatten(0, 2), cols.flatten())
    return (along + functional.cross_entropy(y.flatten(0, 2), rows.flatten())) / 4
