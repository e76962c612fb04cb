"""Which slice of a series a drawn region belongs to; none, rather than another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from ....volume.series import Series
from ..coordinates import Outline, slice_points

_SAME_MM: Final = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Placing:
    """The slices of a series by their instance and by where they lie.

    Attributes
    ----------
    problems : list of str
        Why something was not drawn, as clauses without a full stop.
    """

    series: Series
    problems: list[str] = field(default_factory=list)

    def of_references(self, references: Iterable[Dataset]) -> Iterator[int]:
        """The slices that references name; an instance without a frame number means all its frames."""
        for reference in references:
            uid = str(reference.get("ReferencedSOPInstanceUID", ""))
            wanted = _frame_numbers(reference)
            for index, frame in enumerate(self.series.frames):
                if uid and frame.sop_uid == uid and (not wanted or frame.number in wanted):
                    yield index

    def in_space(
        self, points_mm: NDArray[np.float64], frame_of_reference: str, references: Iterable[Dataset] = ()
    ) -> int | None:
        """The slice in whose plane points lie; of those named by references, if any are.

        Parameters
        ----------
        points_mm : array of float64, shape (point, 3)
            LPS mm.
        frame_of_reference : str
            The object's own: it has to be the series'.
        """
        if not frame_of_reference or frame_of_reference != self.series.identity.frame_of_reference_uid:
            self.problems.append("it lies in another frame of reference than these images")
            return None
        references = list(references)
        candidates = list(self.of_references(references)) if references else range(len(self.series.frames))
        if not candidates:
            return None
        off = [self._off_plane_mm(index, points_mm) for index in candidates]
        nearest = int(np.argmin(off))
        if off[nearest] <= self._half_step_mm():
            return candidates[nearest]
        if references:
            self.problems.append("it does not lie in the plane of the image it refers to")
        return None

    def on_slice(self, index: int, points_mm: NDArray[np.float64]) -> Outline:
        """Points as slice pixels, rid of their distance from the plane."""
        plane = self.series.frames[index].plane
        assert plane is not None  # or it would not have been found
        return tuple(plane.to_slice(point) for point in points_mm)

    def _off_plane_mm(self, index: int, points_mm: NDArray[np.float64]) -> float:
        plane = self.series.frames[index].plane
        if plane is None:
            return float("inf")
        return float(np.abs((points_mm - np.asarray(plane.origin_mm)) @ plane.normal).max())

    def _half_step_mm(self) -> float:
        spacing = self.series.spacing_mm
        return (spacing[0] if spacing and spacing[0] > 0 else 1.0) / 2 + _SAME_MM


def _frame_numbers(reference: Dataset) -> frozenset[int]:
    value = reference.get("ReferencedFrameNumber")
    if value in (None, ""):
        return frozenset()
    return frozenset(int(number) for number in (value if hasattr(value, "__iter__") else [value]))


def pairs(data: object) -> Outline:
    """Graphic data, a flat list of columns and rows, as slice pixels."""
    return slice_points(np.array(data, np.float64).reshape(-1, 2))
