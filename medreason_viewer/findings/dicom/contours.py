"""The contours of a structure set, and their insides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

RTSTRUCT_CLASS: Final = "1.2.840.10008.5.1.4.1.1.481.3"
_CLOSED: Final = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """One contour of a region.

    Attributes
    ----------
    number : int
        Among its region's, from 1.
    points_mm : array of float64, shape (point, 3)
        LPS mm.
    references : tuple of Dataset
        The images it was drawn on, as the object names them; may be empty.
    closed : bool
        Whether it encloses an area.
    """

    number: int
    points_mm: NDArray[np.float64]
    references: tuple[Dataset, ...]
    closed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """One region of interest; ``frame_of_reference`` is empty where it names none."""

    number: int
    name: str
    frame_of_reference: str
    interpreter: str
    contours: tuple[Contour, ...]


def structures(dataset: Dataset) -> Iterator[Structure]:
    """The regions of a structure set that have contours.

    Raises
    ------
    whatever pydicom does where elements are missing or are not what they should be
    """
    regions = {int(item.ROINumber): item for item in dataset.StructureSetROISequence}
    interpreters = {
        int(item.ReferencedROINumber): str(item.get("ROIInterpreter", "") or "")
        for item in dataset.get("RTROIObservationsSequence", ())
    }
    for item in dataset.ROIContourSequence:
        number = int(item.ReferencedROINumber)
        region = regions.get(number, Dataset())
        yield Structure(
            number,
            str(region.get("ROIName", "")),
            str(region.get("ReferencedFrameOfReferenceUID", "")),
            interpreters.get(number, ""),
            tuple(_contours(item)),
        )


def _contours(item: Dataset) -> Iterator[Contour]:
    for number, contour in enumerate(item.get("ContourSequence", ()), start=1):
        points = np.array(contour.ContourData, np.float64).reshape(-1, 3)
        references = tuple(contour.get("ContourImageSequence") or ())
        yield Contour(number, points, references, contour.get("ContourGeometricType") in _CLOSED)


def filled(outline: NDArray[np.float64], rows: int, cols: int) -> NDArray[np.bool_]:
    """Pixels whose centres lie inside a closed polygon, by the even-odd rule; shape (row, col).

    Parameters
    ----------
    outline : array of float64, shape (point, 2)
        (x, y) in slice pixels; the last point need not repeat the first.
    """
    mask = np.zeros((rows, cols), np.bool_)
    x, y = outline[:, 0], outline[:, 1]
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    first, last = max(int(np.floor(y.min())), 0), min(int(np.ceil(y.max())), rows)
    for row in range(first, last):
        level = row + 0.5
        crossing = (y <= level) != (next_y <= level)
        share = (level - y[crossing]) / (next_y[crossing] - y[crossing])
        cuts = np.sort(x[crossing] + share * (next_x[crossing] - x[crossing]))
        for left, right in cuts.reshape(-1, 2):
            mask[row, max(int(np.ceil(left - 0.5)), 0) : max(int(np.ceil(right - 0.5)), 0)] = True
    return mask
