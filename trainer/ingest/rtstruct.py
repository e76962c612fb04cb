"""RTSTRUCT: closed planar contours, filled on the slices they refer to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from medreason_viewer.errors import DataSetError

from . import marked
from .build import Origin
from .draft import Draft
from .images import Library, Place
from .intake import Intake
from .marked import Choice, Marked, Mask

RTSTRUCT_CLASS: Final = "1.2.840.10008.5.1.4.1.1.481.3"
_CLOSED: Final = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")


@dataclass(frozen=True, slots=True)
class RtSource:
    """A folder of DICOM, and structure sets of it.

    Attributes
    ----------
    structures : Path
        A file, or a folder in which they lie; may be the images' own.
    """

    images: Path
    structures: Path
    choice: Choice
    licence: str
    name: str = "DICOM structure sets"

    def drafts(self, intake: Intake) -> Iterator[Draft]:
        """See :class:`~.gather.Source`."""
        files = marked.files_of_class(self.structures, (RTSTRUCT_CLASS,))
        if not files:
            raise DataSetError(f"There is no DICOM structure set at {self.structures}.")
        library = Library(self.images)
        found = (region for path in files for region in regions(path, library, intake))
        origin = Origin(self.name, self.licence)
        yield from marked.drafts(found, library, self.choice, origin, intake)


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
        masks: dict[tuple[int, int], tuple[Place, Mask]] = {}
        for count, contour in enumerate(item.get("ContourSequence", ()), start=1):
            _add(contour, f"{where}, contour {count}", patient, masks, library, intake)
        yield Marked(where, label, list(masks.values()))


def _add(
    contour: Dataset,
    where: str,
    patient: str,
    masks: dict[tuple[int, int], tuple[Place, Mask]],
    library: Library,
    intake: Intake,
) -> None:
    """Fill one contour into the masks; what is wrong with it is a problem."""
    if contour.get("ContourGeometricType") not in _CLOSED:
        intake.drop("contour that encloses no area")
        return
    points = np.array(contour.ContourData, np.float64).reshape(-1, 3)
    place = _place(contour, points, library)
    plane = place.frame.plane if place else None
    if place is None or plane is None:
        intake.problem(where, "no image of the folder lies there")
        return
    if place.patient.split("\\")[0] != patient:
        intake.problem(where, "it is of another patient than the image it refers to")
        return
    if np.abs((points - plane.origin_mm) @ plane.normal).max() > library.half_step_mm(place):
        intake.problem(where, "it does not lie in the plane of the image it refers to")
        return
    outline = np.array([plane.to_slice(point) for point in points])
    inside = filled(outline, place.series.rows, place.series.cols)
    key = id(place.series), place.index
    before = masks[key][1] if key in masks else np.zeros_like(inside)
    masks[key] = place, before ^ inside


def _place(contour: Dataset, points: NDArray[np.float64], library: Library) -> Place | None:
    images = contour.get("ContourImageSequence")
    if images:
        frame = images[0].get("ReferencedFrameNumber") or 1
        return library.find(str(images[0].ReferencedSOPInstanceUID), int(frame))
    return library.nearest(points.mean(axis=0), "")


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
