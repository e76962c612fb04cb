"""Filling the volumes of the viewports in the background: the latest series wins, the window never waits."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Qt, Signal

from ...cancel import Cancel
from ...errors import Cancelled, MedReasonError
from ...volume.load import Loader
from ...volume.series import Series
from .viewport import Viewport

if TYPE_CHECKING:
    from ..session import Session

log = logging.getLogger(__name__)

_BATCH_S: Final = 1 / 30  # arrived slices are told this often at most
_ASK_S: Final = 0.05  # how often one that waits for its turn looks whether it is still wanted


@dataclass(eq=False)
class _Load:
    """One series on its way into memory, and afterwards what it became, for as long as it is shown."""

    series: Series
    first: int | None
    explained: frozenset[int]
    cancel: Cancel = field(default_factory=Cancel)
    turn: threading.Event = field(default_factory=threading.Event)
    loader: Loader | None = None
    over: bool = False


class VolumeLoading(QObject):
    """Loads whatever series the viewports turn to, each from the slice the reader looks at outwards.

    One thread per series. Viewports on the same series share its volume; a series that no viewport shows any
    more is stopped, nothing of it arrives, and its memory is free. The series of the active viewport comes
    first: of the others, only the first image does not wait for it.
    """

    _begun = Signal(object)
    _arrived = Signal(object, object)  # a load, indices
    _failed = Signal(object, str)  # a load, a sentence
    finished = Signal()  # a series has arrived whole

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._loads: list[_Load] = []
        self._threads: list[threading.Thread] = []
        for viewport in session.every_viewport:
            viewport.series_changed.connect(partial(self._open, viewport))
            viewport.slice_changed.connect(partial(self._follow, viewport))
        session.activated.connect(self._share_out)
        # Queued in any case, so that all who follow a viewport know its series before its volume.
        self._begun.connect(self._begin, Qt.ConnectionType.QueuedConnection)
        self._arrived.connect(self._arrive)
        self._failed.connect(self._fail)

    @property
    def running(self) -> bool:
        """Whether a thread is at work, be it one that was told to stop."""
        return any(thread.is_alive() for thread in self._threads)

    def close(self, timeout_s: float = 10.0) -> None:
        """Stop loading and wait for the threads."""
        for load in self._loads:
            load.cancel.request()
        for thread in self._threads:
            thread.join(timeout_s)

    # On the GUI thread

    def _open(self, viewport: Viewport) -> None:
        self._stop_unseen(viewport)
        if viewport.series is None:
            return
        if (shared := self._load_of(viewport.series)) is not None:
            self._begun.emit(shared)
            return
        series = viewport.series
        first = viewport.slice_index if viewport.acquired_plane else None
        load = _Load(series, first, self._session.explained_slices(series.identity.series_uid))
        self._loads.append(load)
        self._share_out()
        thread = threading.Thread(target=self._run, args=(load,), name="volume loading", daemon=True)
        self._threads = [*(old for old in self._threads if old.is_alive()), thread]
        thread.start()

    def _stop_unseen(self, turned: Viewport) -> None:
        """Let go of what only the viewport showed that has turned; a series it turns to again loads again."""
        others = [viewport for viewport in self._session.every_viewport if viewport is not turned]
        kept = [load for load in self._loads if any(other.series is load.series for other in others)]
        for load in self._loads:
            if load not in kept:
                load.cancel.request()
        self._loads = kept
        self._share_out()

    def _load_of(self, series: Series | None) -> _Load | None:
        return next((load for load in self._loads if load.series is series), None)

    def _share_out(self) -> None:
        """Let the series of the active viewport go first."""
        first = self._load_of(self._session.active.series)
        for load in self._loads:
            if first is None or first.over or load is first:
                load.turn.set()
            else:
                load.turn.clear()

    def _begin(self, load: _Load) -> None:
        if load in self._loads and load.loader is not None:
            for viewport in self._session.every_viewport:
                if viewport.volume is not load.loader.volume:
                    viewport.set_volume(load.loader.volume)
                    self._follow(viewport)  # the slice shown may be another one by now

    def _arrive(self, load: _Load, indices: tuple[int, ...]) -> None:
        if load not in self._loads or load.loader is None:
            return
        self._session.slices_arrived(load.loader.volume, indices)
        done, total = load.loader.progress
        if done == total and not load.over:
            load.over = True
            self._share_out()
            self.finished.emit()

    def _fail(self, load: _Load, text: str) -> None:
        if load in self._loads:
            self._loads.remove(load)  # another viewport that turns to it may have more luck
            self._share_out()
            self._session.fail_series(load.series, text)

    def _follow(self, viewport: Viewport) -> None:
        load = self._load_of(viewport.series) if viewport.acquired_plane else None
        if load is not None and load.loader is not None and not load.over:
            load.loader.want(viewport.slice_index)

    # In the thread of a load

    def _run(self, load: _Load) -> None:
        """Load, and tell the window through queued signals."""
        try:
            loader = Loader(load.series, load.first, load.cancel)
            load.loader = loader
            self._begun.emit(load)
            self._fill(load, loader)
        except Cancelled:
            pass
        except MedReasonError as error:
            self._failed.emit(load, str(error))
        except Exception as error:  # the thread's boundary; a traceback could hold a patient's name
            log.error("Loading a series failed: %s", type(error).__name__)  # noqa: TRY400
            self._failed.emit(load, "This series could not be loaded, because of a fault in the program.")

    def _fill(self, load: _Load, loader: Loader) -> None:
        batch: list[int] = []
        told = 0.0
        with closing(iter(loader)) as indices:
            for index in indices:
                if index in load.explained:  # hashed here, so that the window finds its answers at once
                    loader.volume.key(index)
                batch.append(index)
                if time.monotonic() - told >= _BATCH_S:
                    self._arrived.emit(load, tuple(batch))
                    batch, told = [], time.monotonic()
                while not load.turn.wait(_ASK_S):
                    load.cancel.check()
        self._arrived.emit(load, tuple(batch))
