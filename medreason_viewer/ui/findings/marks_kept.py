"""Measurements and key images to the journal, each under the key of its very image."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject

from ...drawing.overlay import Distance, Measurement
from ...findings.journal import Event, KeyImageMarked, Measured, Quantity, new_id
from ...volume.ct import CtVolume
from ...volume.series import Series
from ...volume.slices import PlaneName3, image_key, plane_image
from ..archive.errands import Errands
from ..session import Session
from ..viewport.grown import Grown
from ..viewport.marks import Place
from .steady import SteadyWriting

Drawn = tuple[Measurement, ...]


class MarkKeeping(QObject):
    """Writes every mark of the reader; hashes pixels off the GUI thread."""

    def __init__(self, session: Session, writing: SteadyWriting) -> None:
        super().__init__(writing)
        self._session, self._writing = session, writing
        self._ids: dict[tuple[Place, Measurement], str] = {}
        self._touched: set[Place] = set()  # whose mark as key image the reader has changed
        self._known: set[str] = set()
        self._unwritten: deque[Event] = deque()
        self._tell = session.message.emit
        self._errands = Errands(self)
        session.measured.connect(self._measured)
        session.key_images.toggled.connect(self._toggled)
        session.study_opened.connect(self._forget)
        session.scan_grown.connect(self._move)

    def _forget(self) -> None:
        self._ids, self._touched, self._known = {}, set(), set()

    def _move(self, grown: Grown) -> None:
        """The study has grown: each mark is at another place."""
        ids = {(grown.place(place), mark): mark_id for (place, mark), mark_id in self._ids.items()}
        self._ids = {(place, mark): mark_id for (place, mark), mark_id in ids.items() if place is not None}
        self._touched = {now for place in self._touched if (now := grown.place(place)) is not None}

    def close(self) -> None:
        """Wait for what is still being hashed, and hand it over."""
        self._errands.close()
        for event in self._unwritten:
            self._writing.write(event)

    def take(self, place: Place, mark: Measured, drawn: Measurement) -> None:
        """A measurement of the journal is shown; one that the reader has changed or removed since is not."""
        if mark.mark_id not in self._known:
            self._known.add(mark.mark_id)
            self._ids[place, drawn] = mark.mark_id
            self._session.restore_measurement(place, drawn)

    def take_key_image(self, volume: CtVolume, place: Place) -> None:
        """A key image of the journal is one again, unless the reader has said otherwise since."""
        if place not in self._touched:
            self._session.key_images.restore(volume.series, place[1], place[2])

    def _measured(
        self, place: Place, before: tuple[Measurement, ...], after: tuple[Measurement, ...]
    ) -> None:
        """One mark that went and one that came are one mark that changed."""
        gone = [mark for mark in before if mark not in after]
        new = [mark for mark in after if mark not in before]
        volume = self._session.volume_at(place)
        if volume is None:
            return
        ids = [self._ids.pop((place, mark), "") or new_id() for mark in gone]
        self._known.update(ids)
        if len(gone) == len(new) == 1:
            self._ids[place, new[0]] = ids[0]
            gone = []
        for mark, mark_id in zip(gone, ids, strict=False):
            self._keep(volume, place, partial(_measurement, mark, mark_id, removed=True))
        for mark in new:
            mark_id = self._ids.setdefault((place, mark), new_id())
            self._known.add(mark_id)
            self._keep(volume, place, partial(_measurement, mark, mark_id))

    def _toggled(self, series: Series, plane_name: PlaneName3, index: int, marked: bool) -> None:
        place = id(series), plane_name, index
        self._touched.add(place)
        if (volume := self._session.volume_at(place)) is not None:
            self._keep(volume, place, partial(_key_image, marked=marked))

    def _keep(self, volume: CtVolume, place: Place, made: Callable[[CtVolume, Place], Event]) -> None:
        """The key is worked out in a thread; one after the other, so that a mark's last event is its last."""
        self._errands.run(partial(self._made, made, volume, place), self._write_next, self._tell)

    def _made(self, made: Callable[[CtVolume, Place], Event], volume: CtVolume, place: Place) -> None:
        self._unwritten.append(made(volume, place))

    def _write_next(self, _done: None) -> None:
        self._writing.write(self._unwritten.popleft())


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
