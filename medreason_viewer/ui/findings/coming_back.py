"""What the journal keeps of the series that a viewport shows: on its very image, or nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QObject

from ...findings.journal import NO_UIDS, Subject, Views
from ...findings.journal.views import About
from ...volume.ct import CtVolume
from ...volume.series import Series
from ..viewport.latest import LatestWins
from ..viewport.viewport import Viewport
from .link import JournalLink

Item = TypeVar("Item")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Kept(Generic[Item, Found]):
    """One kind of thing that is kept.

    Attributes
    ----------
    read : callable
        Everything that the journal has of it about a series; runs on the journal's thread.
    recognise : callable
        Of those, the ones whose image is loaded and has the very key that they name, each with what is found
        of it; hashes pixels, in a thread.
    show : callable
        Shows what was recognised.
    """

    read: Callable[[Views, About], list[Item]]
    recognise: Callable[[CtVolume, tuple[Item, ...]], list[tuple[Item, Found]]]
    show: Callable[[CtVolume, list[Found]], None]


class ComingBack(QObject):
    """Reads the journal for the series of a viewport; compares whole keys, pixels among them, in a thread.

    Of a file without UIDs the pixels alone say which it is: whatever is kept of any such file is compared.
    """

    def __init__(self, shown: Viewport, link: JournalLink, kept: Kept[Any, Any], parent: QObject) -> None:
        super().__init__(parent)
        self._shown, self._link, self._kept = shown, link, kept
        self._items: list[Any] = []
        self._worker = LatestWins("kept", self)
        shown.series_changed.connect(self._forget)
        shown.volume_changed.connect(self._look)
        shown.volume_progress.connect(self._progressed)

    def close(self) -> None:
        """Wait for the thread."""
        self._worker.close()

    def _forget(self) -> None:
        self._items = []
        self._worker.cancel()

    def _look(self) -> None:
        volume = self._shown.volume
        if volume is not None:
            of, read = subject_of(volume.series) or NO_UIDS, self._kept.read
            self._link.ask(lambda journal: read(journal, of), partial(self._read, volume.series))

    def _read(self, series: Series, items: list[Any]) -> None:
        if series is self._shown.series:
            self._items = items
            self._recognise()

    def _progressed(self, loaded: int, total: int) -> None:
        if loaded == total:
            self._recognise()

    def _recognise(self) -> None:
        volume = self._shown.volume
        if volume is not None and self._items:
            job = partial(self._kept.recognise, volume, tuple(self._items))
            self._worker.run(job, partial(self._show, volume), self._shown.session.message.emit)

    def _show(self, volume: CtVolume, found: list[tuple[Any, Any]]) -> None:
        if volume is self._shown.volume:
            shown = {id(item) for item, _ in found}
            self._items = [item for item in self._items if id(item) not in shown]
            self._kept.show(volume, [each for _, each in found])


def subject_of(series: Series) -> Subject | None:
    """The series by its UIDs; None where it has none."""
    found = series.identity
    if not found.series_uid:
        return None
    return Subject(found.patient_key, found.study_uid, found.series_uid)
