"""Key images: the slices a reader marked, each under the identity of its series.

No widgets here, and no patient in a file or a log: beyond the program's run, the journal alone keeps marks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from ...volume.series import Identity, Series
from ...volume.slices import PlaneName3, native_plane

_Plane = tuple[Identity, PlaneName3]
_Slice = tuple[object, ...]  # what tells a slice from all others of its identity and plane


@dataclass(frozen=True, slots=True, eq=False)
class KeyImage:
    """Where a marked image is among the series that are open."""

    series: Series
    plane_name: PlaneName3
    index: int

    def is_at(self, series: Series | None, plane_name: PlaneName3, index: int) -> bool:
        """Whether it is that very image."""
        return self.series is series and (self.plane_name, self.index) == (plane_name, index)


class KeyImages(QObject):
    """Marks of the reader, by patient, study and series, plane, and SOP instance (a reformat: its number).

    A slice is found again by what it is, not by the place it had in a list: two series that share a series
    UID keep their marks apart, and a study that is opened a second time has its marks again.
    """

    changed = Signal()
    toggled = Signal(object, str, int, bool)  # series, plane, slice index; whether it is marked now

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._marks: dict[_Plane, set[_Slice]] = {}

    def toggle(self, series: Series, plane_name: PlaneName3, index: int) -> bool:
        """Mark an image, or take its mark away; returns whether it is marked now."""
        marks = self._marks.setdefault((series.identity, plane_name), set())
        name = _slice(series, plane_name, index)
        marks ^= {name}
        self.changed.emit()
        self.toggled.emit(series, plane_name, index, name in marks)
        return name in marks

    def restore(self, series: Series, plane_name: PlaneName3, index: int) -> None:
        """An image that was marked earlier is so again."""
        self._marks.setdefault((series.identity, plane_name), set()).add(_slice(series, plane_name, index))
        self.changed.emit()

    def marked(self, series: Series, plane_name: PlaneName3, index: int) -> bool:
        """Whether the reader marked that image."""
        marks = self._marks.get((series.identity, plane_name))
        return marks is not None and _slice(series, plane_name, index) in marks

    def indices(self, series: Series, plane_name: PlaneName3) -> tuple[int, ...]:
        """Slice indices of all marked images of one plane, ascending."""
        marks = self._marks.get((series.identity, plane_name))
        if not marks:
            return ()
        if plane_name == native_plane(series):
            return tuple(i for i in range(len(series.frames)) if _slice(series, plane_name, i) in marks)
        return tuple(sorted(int(str(mark[-1])) for mark in marks if mark[:-1] == _stack(series)))

    def among(self, series: Iterable[Series]) -> tuple[KeyImage, ...]:
        """Every marked image of some series in their order, and within a plane in the order of reading."""
        return tuple(
            KeyImage(one, plane_name, index)
            for one in series
            for plane_name in ("axial", "coronal", "sagittal")
            for index in _as_read(self.indices(one, plane_name), plane_name)
        )


def _as_read(indices: tuple[int, ...], plane_name: PlaneName3) -> tuple[int, ...]:
    return indices[::-1] if plane_name == "axial" else indices


def _slice(series: Series, plane_name: PlaneName3, index: int) -> _Slice:
    """UIDs may be missing, or the same in all files: the place in the patient tells slices apart as well."""
    if plane_name != native_plane(series):
        return (*_stack(series), index)
    frame = series.frames[index]
    where = frame.plane.origin_mm if frame.plane else index
    return frame.sop_uid or str(frame.path), frame.number, where


def _stack(series: Series) -> tuple[str, int]:
    """What tells stacks of one series UID apart, such as the phases of a scan."""
    first = series.frames[0]
    return first.sop_uid or str(first.path), len(series.frames)
