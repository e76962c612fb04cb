"""Filling the session's volume in the background: the latest series wins, the window never waits."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from PySide6.QtCore import QObject, Signal

from ...cancel import Cancel
from ...errors import Cancelled, MedReasonError
from ...volume.ct import CtVolume
from ...volume.load import Loader
from ...volume.series import Series
from ..session import Session

log = logging.getLogger(__name__)

_BATCH_S: Final = 1 / 30  # arrived slices are told this often at most


class VolumeLoading(QObject):
    """Loads whatever series the session turns to, from the slice the reader looks at outwards.

    One thread per series; turning to another series stops the one before, and nothing of it arrives any more.
    """

    _begun = Signal(object)  # a Loader
    _arrived = Signal(object, object)  # its volume, indices
    _failed = Signal(object, str)  # series, a sentence
    finished = Signal()  # the series shown has arrived whole

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._cancel = Cancel()
        self._loader: Loader | None = None
        self._threads: list[threading.Thread] = []
        session.series_changed.connect(self._open)
        session.slice_changed.connect(self._follow)
        self._begun.connect(self._begin)
        self._arrived.connect(self._arrive)
        self._failed.connect(session.fail_series)

    @property
    def running(self) -> bool:
        """Whether a thread is at work, be it one that was told to stop."""
        return any(thread.is_alive() for thread in self._threads)

    def close(self, timeout_s: float = 10.0) -> None:
        """Stop loading and wait for the threads."""
        self._cancel.request()
        for thread in self._threads:
            thread.join(timeout_s)

    def _open(self) -> None:
        self._cancel.request()
        self._loader = None
        series = self._session.series
        if series is None:
            return
        self._cancel = Cancel()
        first = self._session.slice_index if self._session.acquired_plane else None
        explained = self._session.explained_slices(series.identity.series_uid)
        arguments = (series, first, explained, self._cancel)
        thread = threading.Thread(target=self._run, args=arguments, name="volume loading", daemon=True)
        self._threads = [*(old for old in self._threads if old.is_alive()), thread]
        thread.start()

    def _run(self, series: Series, first: int | None, explained: frozenset[int], cancel: Cancel) -> None:
        """In the thread: load, and tell the window through queued signals."""
        try:
            loader = Loader(series, first, cancel)
            self._begun.emit(loader)
            self._fill(loader, explained)
        except Cancelled:
            pass
        except MedReasonError as error:
            self._failed.emit(series, str(error))
        except Exception as error:  # the thread's boundary; a traceback could hold a patient's name
            log.error("Loading a series failed: %s", type(error).__name__)  # noqa: TRY400
            self._failed.emit(series, "This series could not be loaded, because of a fault in the program.")

    def _fill(self, loader: Loader, explained: frozenset[int]) -> None:
        batch: list[int] = []
        told = 0.0
        for index in loader:
            if index in explained:  # hashed here, so that the window finds its answers without waiting
                loader.volume.key(index)
            batch.append(index)
            if time.monotonic() - told >= _BATCH_S:
                self._arrived.emit(loader.volume, tuple(batch))
                batch, told = [], time.monotonic()
        self._arrived.emit(loader.volume, tuple(batch))

    def _begin(self, loader: Loader) -> None:
        if loader.volume.series is self._session.series:
            self._loader = loader
            self._session.set_volume(loader.volume)
            self._follow()  # the slice shown may be another one by now

    def _arrive(self, volume: CtVolume, indices: tuple[int, ...]) -> None:
        if volume is not self._session.volume:
            return
        self._session.slices_arrived(volume, indices)
        if self._loader is not None and self._loader.progress[0] == self._loader.progress[1]:
            self._loader = None
            self.finished.emit()

    def _follow(self) -> None:
        if self._loader is not None and self._session.acquired_plane:
            self._loader.want(self._session.slice_index)
