"""Measurements and key images of the journal when their series is opened again: on their image or nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject

from ...drawing.overlay import Angle, Distance, Measurement
from ...findings.journal import KeyImageMarked, Measured, Views
from ...volume.ct import CtVolume, ImageKey
from ...volume.series import Series
from ...volume.slices import PlaneName3, image_key, native_plane, plane_count, plane_image
from ..viewport.latest import LatestWins
from ..viewport.viewport import Viewport
from .link import JournalLink
from .marks_kept import MarkKeeping
from .restoring import subject_of

_PLANES: tuple[PlaneName3, ...] = ("axial", "coronal", "sagittal")
Mark = Measured | KeyImageMarked


@dataclass(frozen=True, slots=True)
class _Found:
    """A mark, and where it lies in the volume."""

    mark: Mark
    plane_name: PlaneName3
    index: int


class MarksBack(QObject):
    """Reads the journal for the series of a viewport; compares whole keys, pixels among them, in a thread.

    Marks on files without UIDs are in the journal like others, but the window does not bring them back.
    """

    def __init__(self, shown: Viewport, link: JournalLink, keeping: MarkKeeping) -> None:
        super().__init__(keeping)
        self._shown, self._link, self._keeping = shown, link, keeping
        self._marks: list[Mark] = []
        self._worker = LatestWins("kept marks", self)
        shown.series_changed.connect(self._forget)
        shown.volume_changed.connect(self._look)
        shown.volume_progress.connect(self._progressed)

    def close(self) -> None:
        """Wait for the thread."""
        self._worker.close()

    def _forget(self) -> None:
        self._marks = []
        self._worker.cancel()

    def _look(self) -> None:
        volume = self._shown.volume
        if volume is not None and (of := subject_of(volume.series)) is not None:

            def marks(journal: Views) -> list[Mark]:
                return [*journal.measurements(of), *journal.key_images(of)]

            self._link.ask(marks, partial(self._found, volume.series))

    def _found(self, series: Series, marks: list[Mark]) -> None:
        if series is self._shown.series:
            self._marks = marks
            self._recognise()

    def _progressed(self, loaded: int, total: int) -> None:
        if loaded == total:
            self._recognise()

    def _recognise(self) -> None:
        volume = self._shown.volume
        if volume is not None and self._marks:
            job = partial(places_of, volume, tuple(self._marks))
            self._worker.run(job, partial(self._show, volume), self._shown.session.message.emit)

    def _show(self, volume: CtVolume, found: list[_Found]) -> None:
        if volume is not self._shown.volume:
            return
        for each in found:
            mark, place = each.mark, (id(volume.series), each.plane_name, each.index)
            if mark in self._marks:
                self._marks.remove(mark)
            if isinstance(mark, KeyImageMarked):
                self._keeping.take_key_image(volume, place)
            elif (drawn := _drawn(mark)) is not None:
                self._keeping.take(place, mark, drawn)


def places_of(volume: CtVolume, marks: tuple[Mark, ...]) -> list[_Found]:
    """Marks whose image is loaded and has the very key that the mark names; reformats once all is loaded."""
    found = []
    for mark in marks:
        for plane_name, index in _candidates(volume, mark.key, mark.slice_index):
            if image_key(volume, plane_image(volume, plane_name, index)) == mark.key:
                found.append(_Found(mark, plane_name, index))
                break
    return found


def _candidates(volume: CtVolume, key: ImageKey, slice_index: int) -> list[tuple[PlaneName3, int]]:
    native = native_plane(volume.series)
    if key.sop_uid:
        frames = enumerate(volume.series.frames)
        same = (index for index, frame in frames if frame.sop_uid == key.sop_uid)
        return [(native, index) for index in same if volume.loaded[index]]
    if not volume.loaded.all():
        return []
    others = (name for name in _PLANES if name != native)
    return [(name, slice_index) for name in others if slice_index < plane_count(volume, name)]


def _drawn(mark: Measured) -> Measurement | None:
    """As it is drawn; None for a tool that this version does not know."""
    match mark.tool, mark.points_slice:
        case "distance", (start, end):
            return Distance(start, end)
        case "angle", (start, vertex, end):
            return Angle(start, vertex, end)
    return None
