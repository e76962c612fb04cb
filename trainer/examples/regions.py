"""Regions to be shown enlarged in training: near the truth, never the truth itself, or decoys away from it.

Were the region always the truth, the inset's mere presence and place would give the answer away.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from medreason_viewer.reasoning import zoom
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.volume.geometry import SliceBox

from ..data.dataset import DataSet

AIR_BELOW_HU: Final = -960.0
LEAST_IOU: Final = 0.3
"""Of a jittered region with the truth."""
_TRIES: Final = 40
_USUAL: Final = (0.2, 0.4, 0.35, 0.55)  # x0, y0, x1, y1 as parts of a slice, where no slice has a box


def some_box(data: DataSet, index: int, rng: np.random.Generator) -> SliceBox:
    """The box of some slice of the data set, brought to the size of the given one."""
    rows, cols = data.shape(index)
    for _ in range(_TRIES):
        other = int(rng.integers(len(data)))
        box = data.cases[other].box_slice
        if box is not None:
            return _scaled(box, data.shape(other), (rows, cols))
    x0, y0, x1, y1 = _USUAL
    return SliceBox(x0 * cols, y0 * rows, x1 * cols, y1 * rows)


def _scaled(box: SliceBox, size: tuple[int, int], to: tuple[int, int]) -> SliceBox:
    if size == to:
        return box
    down, across = to[0] / size[0], to[1] / size[1]
    x1, y1 = min(box.x1 * across, to[1]), min(box.y1 * down, to[0])
    return SliceBox(box.x0 * across, box.y0 * down, x1, y1)


def jittered(box: SliceBox, rows: int, cols: int, rng: np.random.Generator) -> SliceBox:
    """The box moved and stretched by chance, its intersection over union with itself at least 0.3."""
    width, height = box.x1 - box.x0, box.y1 - box.y0
    spread = rng.uniform(0.02, 0.35)
    for _ in range(_TRIES):
        dx0, dy0, dx1, dy1 = rng.normal(0.0, spread, 4) * (width, height, width, height)
        x0, y0 = max(box.x0 + dx0, 0.0), max(box.y0 + dy0, 0.0)
        x1, y1 = min(box.x1 + dx1, float(cols)), min(box.y1 + dy1, float(rows))
        if x1 - x0 >= 1 and y1 - y0 >= 1 and box.iou(moved := SliceBox(x0, y0, x1, y1)) >= LEAST_IOU:
            return moved
    return box


def beside(box: SliceBox, rows: int, cols: int, manifest: Manifest, rng: np.random.Generator) -> SliceBox:
    """The box moved as far as its inset still shows the whole lesion; a small one may miss it."""
    width, height = box.x1 - box.x0, box.y1 - box.y0
    reach = max(manifest.zoom.min_crop * min(rows, cols), manifest.zoom.context * max(width, height)) / 2
    for _ in range(_TRIES):
        x, y = rng.uniform(-reach, reach, 2) + box.centre
        x0, y0 = x - width / 2, y - height / 2
        if x0 < 0 or y0 < 0 or x0 + width > cols or y0 + height > rows:
            continue
        moved = SliceBox(x0, y0, x0 + width, y0 + height)
        crop = zoom.crop_for(moved, rows, cols, manifest.zoom)
        if crop.x0 <= box.x0 and crop.y0 <= box.y0 and box.x1 <= crop.x1 and box.y1 <= crop.y1:
            return moved
    return jittered(box, rows, cols, rng)


def decoy(
    hu: NDArray[np.float64],
    mask: NDArray[np.bool_],
    like: SliceBox,
    manifest: Manifest,
    rng: np.random.Generator,
) -> SliceBox | None:
    """A region whose inset shows nothing of the lesion: another's box, half the time in place, else moved.

    Parameters
    ----------
    like : SliceBox
        The lesion's box on some other slice of the data set.

    Returns
    -------
    SliceBox or None
        None where no place was found.
    """
    rows, cols = hu.shape
    in_place = rng.random() < 0.5
    for attempt in range(_TRIES):
        box = jittered(like, rows, cols, rng) if in_place and attempt < 3 else _moved(like, hu, rng)
        if box is None:
            continue
        crop = zoom.crop_for(box, rows, cols, manifest.zoom)
        if not mask[int(crop.y0) : int(crop.y1), int(crop.x0) : int(crop.x1)].any():
            return box
    return None


def _moved(like: SliceBox, hu: NDArray[np.float64], rng: np.random.Generator) -> SliceBox | None:
    """The box somewhere else, inside the body; None if this draw fell outside."""
    rows, cols = hu.shape
    width, height = like.x1 - like.x0, like.y1 - like.y0
    x, y = rng.uniform(0.1 * cols, 0.9 * cols), rng.uniform(0.15 * rows, 0.85 * rows)
    around = hu[max(int(y) - 1, 0) : int(y) + 2, max(int(x) - 1, 0) : int(x) + 2].mean()
    if around < AIR_BELOW_HU:
        return None
    x0, y0 = max(x - width / 2, 0.0), max(y - height / 2, 0.0)
    return SliceBox(x0, y0, min(x + width / 2, cols), min(y + height / 2, rows))
