"""RTSTRUCT: closed planar contours, filled on the slices they refer to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from .images import Library, Place
from .intake import Intake
from .marked import Form, Marked, Mask, objection, place_of

RTSTRUCT_CLASS: Final = "1.2.840.10008.5.1.4.1.1.481.3"
_CLOSED: Final = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")


def regions(path: Path, library: Library, intake: Intake) -> Iterator[Marked]:
    """The regions of interest of a structure set with their masks on the library's images.

    Contours of one region on one slice are combined by exclusive or, so that an inner one is a hole.
    """
    try:
        structures = pydicom.dcmread(path)
        names = {int(item.ROINumber): str(item.ROIName) for item in structures.StructureSetROISequence}
        items = list(structures.ROIContourSequence)
    except (OSError, ValueError, AttributeError) as error:
        intake.problem(path.name, f"it cannot be read as a structure set ({error})")
        return
    patient = str(structures.get("PatientID", ""))
    for item in items:
        number = int(item.ReferencedROINumber)
        label = names.get(number, "")
        where = f"{path.name}, region {number} {label!r}"
        masks = _Masks(patient, library, intake)
        for count, contour in enumerate(item.get("ContourSequence", ()), start=1):
            masks.add(contour, f"{where}, contour {count}")
        yield Marked(where, label, list(masks.by_slice.values()))


STRUCTURES: Final = Form("DICOM structure sets", "DICOM structure set", (RTSTRUCT_CLASS,), regions)


class _Masks:
    """The masks of one region, filled contour by contour."""

    def __init__(self, patient: str, library: Library, intake: Intake) -> None:
        self._patient, self._library, self._intake = patient, library, intake
        self.by_slice: dict[tuple[int, int], tuple[Place, Mask]] = {}

    def add(self, contour: Dataset, where: str) -> None:
        """Fill one contour into them; what is wrong with it is a problem."""
        if contour.get("ContourGeometricType") not in _CLOSED:
            self._intake.drop("contour that encloses no area")
            return
        points = np.array(contour.ContourData, np.float64).reshape(-1, 3)
        place = place_of(contour.get("ContourImageSequence"), points.mean(axis=0), "", self._library)
        problem = objection(place, self._patient, points)
        if place is None or place.frame.plane is None or problem:
            self._intake.problem(where, problem)
            return
        outline = np.array([place.frame.plane.to_slice(point) for point in points])
        inside = filled(outline, place.series.rows, place.series.cols)
        key = id(place.series), place.index
        before = self.by_slice[key][1] if key in self.by_slice else np.zeros_like(inside)
        self.by_slice[key] = place, before ^ inside


def filled(outline: NDArray[np.float64], rows: int, cols: int) -> Mask:
    """Pixels whose centres lie inside a closed polygon, by the even-odd rule.

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
