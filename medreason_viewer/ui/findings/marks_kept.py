"""Measurements and key images to the journal and back, each under the key of its very image."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject

from ...drawing.overlay import Angle, Distance, Measurement
from ...findings.journal import KeyImageMarked, Measured, Quantity, Views, new_id
from ...findings.journal.subject import Event
from ...volume.ct import CtVolume, ImageKey
from ...volume.series import Series
from ...volume.slices import PlaneName3, image_key, native_plane, plane_count, plane_image
from ..archive.errands import Errands
from ..session import Session
from ..viewport.latest import LatestWins
from ..viewport.marks import Place
from .link import JournalLink
from .restoring import subject_of

_PLANES: tuple[PlaneName3, ...] = ("axial", "coronal", "sagittal")
Mark = Measured | KeyImageMarked


@dataclass(frozen=True, slots=True)
class _Found:
    """A mark, and where it lies in the volume."""

    mark: Mark
    plane_name: PlaneName3
    index: int


class MarkKeeping(QObject):
    """Hashes pixels off the GUI thread: what belongs to other pixels is not shown.

    Marks on files without UIDs are written like others, but the window does not bring them back.
    """

    def __init__(self, session: Session, link: JournalLink, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._link = session, link
        self._ids: dict[tuple[Place, Measurement], str] = {}
        self._marks: list[Mark] = []
        self._unwritten: deque[Event] = deque()
        self._tell = session.message.emit
        self._errands, self._worker = Errands(self), LatestWins("kept marks", self)
        session.measured.connect(self._measured)
        session.key_images.toggled.connect(self._toggled)
        session.scan_changed.connect(self._ids.clear)
        session.series_changed.connect(self._forget)
        session.volume_changed.connect(self._look)
        session.volume_progress.connect(self._progressed)

    def close(self) -> None:
        """Wait for what is still being hashed, and hand it over."""
        self._worker.close()
        self._errands.close()
        for event in self._unwritten:
            self._write(event)

    def _measured(self, before: tuple[Measurement, ...], after: tuple[Measurement, ...]) -> None:
        """One mark that went and one that came are one mark that changed."""
        gone = [mark for mark in before if mark not in after]
        new = [mark for mark in after if mark not in before]
        place, volume = self._session.place, self._session.volume
        if volume is None:
            return
        ids = [self._ids.pop((place, mark), "") or new_id() for mark in gone]
        if len(gone) == len(new) == 1:
            self._ids[place, new[0]] = ids[0]
            gone = []
        for mark, mark_id in zip(gone, ids, strict=False):
            self._keep(volume, place, partial(_measurement, mark, mark_id, removed=True))
        for mark in new:
            mark_id = self._ids.setdefault((place, mark), new_id())
            self._keep(volume, place, partial(_measurement, mark, mark_id))

    def _toggled(self, series: Series, plane_name: PlaneName3, index: int, marked: bool) -> None:
        volume = self._session.volume
        if volume is not None and series is volume.series:
            place = id(series), plane_name, index
            self._keep(volume, place, partial(_key_image, marked=marked))

    def _keep(self, volume: CtVolume, place: Place, made: Callable[[CtVolume, Place], Event]) -> None:
        """The key is worked out in a thread; one after the other, so that a mark's last event is its last."""
        self._errands.run(partial(self._made, made, volume, place), self._write_next, self._tell)

    def _made(self, made: Callable[[CtVolume, Place], Event], volume: CtVolume, place: Place) -> None:
        self._unwritten.append(made(volume, place))

    def _write_next(self, _done: None) -> None:
        self._write(self._unwritten.popleft())

    def _write(self, event: Event) -> None:
        self._link.write(event, lambda _receipt: None, self._tell)

    # What is kept of the series shown

    def _forget(self) -> None:
        self._marks = []
        self._worker.cancel()

    def _look(self) -> None:
        volume = self._session.volume
        if volume is not None and (of := subject_of(volume.series)) is not None:

            def marks(journal: Views) -> list[Mark]:
                return [*journal.measurements(of), *journal.key_images(of)]

            self._link.ask(marks, partial(self._found, volume.series))

    def _found(self, series: Series, marks: list[Mark]) -> None:
        if series is self._session.series:
            self._marks = marks
            self._recognise()

    def _progressed(self, loaded: int, total: int) -> None:
        if loaded == total:
            self._recognise()

    def _recognise(self) -> None:
        volume = self._session.volume
        if volume is not None and self._marks:
            job = partial(places_of, volume, tuple(self._marks))
            self._worker.run(job, partial(self._show, volume), self._session.message.emit)

    def _show(self, volume: CtVolume, found: list[_Found]) -> None:
        session = self._session
        if volume is not session.volume:
            return
        for each in found:
            mark, place = each.mark, (id(volume.series), each.plane_name, each.index)
            if mark in self._marks:
                self._marks.remove(mark)
            if isinstance(mark, KeyImageMarked):
                session.key_images.restore(volume.series, each.plane_name, each.index)
            elif (drawn := _drawn(mark)) is not None:
                self._ids[place, drawn] = mark.mark_id
                session.restore_measurement(place, drawn)


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


def _measurement(
    mark: Measurement, mark_id: str, volume: CtVolume, place: Place, *, removed: bool = False
) -> Measured:
    image = plane_image(volume, place[1], place[2])
    spacing_mm = image.plane.spacing_mm if image.plane else None
    key = image_key(volume, image)
    if isinstance(mark, Distance):
        length = Quantity("length", mark.length(spacing_mm), "mm" if spacing_mm else "px")
        points = (mark.start_slice, mark.end_slice)
        return Measured(mark_id, key, place[2], "distance", points, (length,), removed=removed)
    angle = Quantity("angle", mark.degrees(spacing_mm), "deg")
    corners = (mark.start_slice, mark.vertex_slice, mark.end_slice)
    return Measured(mark_id, key, place[2], "angle", corners, (angle,), removed=removed)


def _key_image(volume: CtVolume, place: Place, *, marked: bool) -> KeyImageMarked:
    return KeyImageMarked(image_key(volume, plane_image(volume, place[1], place[2])), place[2], marked)


def _drawn(mark: Measured) -> Measurement | None:
    """As it is drawn; None for a tool that this version does not know."""
    match mark.tool, mark.points_slice:
        case "distance", (start, end):
            return Distance(start, end)
        case "angle", (start, vertex, end):
            return Angle(start, vertex, end)
    return None
