"""From a mask or a box on a slice to its truth: box, side and size, measured as the viewer measures them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medreason_viewer.volume import measure
from medreason_viewer.volume.geometry import SliceBox, SlicePlane
from trainer.data.case import MaskOrigin


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """One slice: HU (int16) and padding, shape (row, col), and where it lies."""

    hu: NDArray[np.int16]
    padding: NDArray[np.bool_]
    plane: SlicePlane | None


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What the region of one slice is, with the mask that says so."""

    box_slice: SliceBox | None
    side: str
    size_mm: float | None
    mask: NDArray[np.bool_]
    mask_from: MaskOrigin


def nothing(pixels: Pixels) -> Truth:
    """A slice without a region."""
    return Truth(None, "", None, np.zeros(pixels.hu.shape, np.bool_), "none")


def of_mask(pixels: Pixels, labels: NDArray[np.integer] | NDArray[np.bool_]) -> Truth:
    """From a drawn mask: the box is around the largest of its lesions, the mask holds them all.

    Parameters
    ----------
    labels : array, shape (row, col), not empty
        A number above 0 for each lesion; a mask of True and False is taken apart into connected pieces.
    """
    mask = np.asarray(labels > 0, np.bool_)
    main = largest(labels)
    rows, cols = np.nonzero(main)
    box = SliceBox(cols.min(), rows.min(), cols.max() + 1, rows.max() + 1)
    box = SliceBox(*map(float, box.as_tuple()))
    size = measure.axes_mm(main, pixels.plane.spacing_mm)[0] if pixels.plane else None
    return Truth(box, _side(pixels, measure.mask_centre(main)), size, mask, "drawn")


def largest(labels: NDArray[np.integer] | NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The lesion with the most pixels, as a mask."""
    numbered = ndimage.label(labels)[0] if labels.dtype == np.bool_ or labels.max() == 1 else labels
    counts = np.bincount(numbered.ravel().astype(np.int64))
    counts[0] = 0
    return np.asarray(numbered == counts.argmax(), np.bool_)


def of_box(pixels: Pixels, box: SliceBox) -> Truth:
    """From a box alone: the lesion is what the viewer segments inside it, or else the whole box."""
    hu = pixels.hu.astype(np.float64)
    found = measure.segment_lesion(hu, pixels.padding, box)
    if found is not None and found.any():
        size = measure.axes_mm(found, pixels.plane.spacing_mm)[0] if pixels.plane else None
        return Truth(box, _side(pixels, measure.mask_centre(found)), size, found, "segmented")
    whole = np.zeros(hu.shape, np.bool_)
    whole[int(box.y0) : int(np.ceil(box.y1)), int(box.x0) : int(np.ceil(box.x1))] = True
    return Truth(box, _side(pixels, box.centre), _longer_mm(box, pixels.plane), whole, "box")


def _longer_mm(box: SliceBox, plane: SlicePlane | None) -> float | None:
    if plane is None:
        return None
    row_mm, col_mm = plane.spacing_mm
    return max((box.x1 - box.x0) * col_mm, (box.y1 - box.y0) * row_mm)


def _side(pixels: Pixels, centre: tuple[float, float]) -> str:
    hu = pixels.hu.astype(np.float64)
    return measure.body_side(hu, pixels.padding, pixels.plane, *centre) or ""


def best_slices(areas: dict[int, int], count: int) -> list[int]:
    """Which slices to take of a lesion: where it is largest, then others where it is at least half as large.

    Parameters
    ----------
    areas : dict of int to int
        Pixels of the lesion on each slice that shows it.
    count : int
        How many slices at most. Each further one lies as far as can be from those taken.
    """
    most = max(areas.values(), default=0)
    left = [index for index, area in areas.items() if area * 2 >= most > 0]
    taken = [max(left, key=lambda index: (areas[index], -index))] if left else []
    while len(taken) < min(count, len(left)):
        others = [index for index in left if index not in taken]
        taken.append(max(others, key=lambda index: min(abs(index - each) for each in taken)))
    return sorted(taken)
