"""RTSTRUCT: closed planar contours, filled on the slices they refer to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pydicom

from medreason_viewer.findings.dicom.contours import RTSTRUCT_CLASS, Contour, filled, structures

from .images import Library, Place
from .intake import Intake
from .marked import Form, Marked, Mask, objection, place_of


def regions(path: Path, library: Library, intake: Intake) -> Iterator[Marked]:
    """The regions of interest of a structure set with their masks on the library's images.

    Contours of one region on one slice are combined by exclusive or, so that an inner one is a hole.
    """
    try:
        dataset = pydicom.dcmread(path)
        found = list(structures(dataset))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        intake.problem(path.name, f"it cannot be read as a structure set ({error})")
        return
    patient = str(dataset.get("PatientID", ""))
    for region in found:
        where = f"{path.name}, region {region.number} {region.name!r}"
        masks = _Masks(patient, library, intake)
        for contour in region.contours:
            masks.add(contour, f"{where}, contour {contour.number}")
        yield Marked(where, region.name, list(masks.by_slice.values()))


STRUCTURES: Final = Form("DICOM structure sets", "DICOM structure set", (RTSTRUCT_CLASS,), regions)


class _Masks:
    """The masks of one region, filled contour by contour."""

    def __init__(self, patient: str, library: Library, intake: Intake) -> None:
        self._patient, self._library, self._intake = patient, library, intake
        self.by_slice: dict[tuple[int, int], tuple[Place, Mask]] = {}

    def add(self, contour: Contour, where: str) -> None:
        """Fill one contour into them; what is wrong with it is a problem."""
        if not contour.closed:
            self._intake.drop("contour that encloses no area")
            return
        points = contour.points_mm
        place = place_of(contour.references, points.mean(axis=0), "", self._library)
        problem = objection(place, self._patient, points)
        if place is None or place.frame.plane is None or problem:
            self._intake.problem(where, problem)
            return
        outline = np.array([place.frame.plane.to_slice(point) for point in points])
        inside = filled(outline, place.series.rows, place.series.cols)
        key = id(place.series), place.index
        before = self.by_slice[key][1] if key in self.by_slice else np.zeros_like(inside)
        self.by_slice[key] = place, before ^ inside
