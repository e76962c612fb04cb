"""Thumbnails of the middle slices, made by a thread of their own once the series in view has loaded.

However many series are compressed, one child process decodes them all, one after the other.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from ...cancel import Cancel
from ...drawing.image import slice_image
from ...errors import Cancelled, MedReasonError
from ...volume.decode import DecodePool
from ...volume.load import load_volume
from ...volume.series import Series
from ...volume.window import to_grey
from ..session import Session
from ..viewport.first_window import automatic_window

log = logging.getLogger(__name__)

_SIDE: Final = 128  # pixels: twice the size shown, for screens of high density
_LARGEST: Final = 4096 * 4096  # pixels of a slice; what claims to be larger gets no thumbnail if compressed


class Thumbnails(QObject):
    """Makes one thumbnail after another for the session's scan, of the series that are in sight first.

    Signals
    -------
    made : Series, QImage
        A thumbnail is there.
    """

    made = Signal(object, object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._cancel = Cancel()
        self._thread: threading.Thread | None = None
        self._ending: list[threading.Thread] = []
        self._wanted: frozenset[int] = frozenset()
        session.scan_changed.connect(self.cancel)
        session.volume_progress.connect(self._start_when_loaded)

    def want(self, in_sight: Iterable[Series]) -> None:
        """Make those of these series next."""
        self._wanted = frozenset(map(id, in_sight))

    def cancel(self) -> None:
        """Make no more; those of the next scan start afresh."""
        self._cancel.request()
        if self._thread is not None:
            self._ending = [*(old for old in self._ending if old.is_alive()), self._thread]
        self._thread = None

    def close(self) -> None:
        """Stop and wait for the threads."""
        self.cancel()
        for thread in self._ending:
            thread.join(5)

    def _start_when_loaded(self, loaded: int, total: int) -> None:
        scan = self._session.scan
        if loaded < total or self._thread is not None or scan is None:
            return
        self._cancel = Cancel()
        arguments = (scan.series, self._cancel)
        self._thread = threading.Thread(target=self._run, args=arguments, name="thumbnails", daemon=True)
        self._thread.start()

    def _run(self, all_series: tuple[Series, ...], cancel: Cancel) -> None:
        waiting = list(all_series)
        with _one_decoder(all_series) as pool:
            while waiting and not cancel.requested:
                series = waiting.pop(self._next(waiting))
                try:
                    image = thumbnail(series, cancel, pool)
                except Cancelled:
                    return
                except (MedReasonError, OSError):
                    log.info("a series has no thumbnail: its middle slice cannot be read")
                    continue
                if not cancel.requested:
                    self.made.emit(series, image)

    def _next(self, waiting: list[Series]) -> int:
        """Which of those that wait is next: the first in sight, else the first."""
        wanted = self._wanted
        return next((i for i, series in enumerate(waiting) if id(series) in wanted), 0)


def _one_decoder(all_series: Iterable[Series]) -> DecodePool:
    """A pool of one process, which starts only if a slice is compressed, for slices of all sizes."""
    sizes = ((series.rows, series.cols) for series in all_series)
    fitting = (size for size in sizes if size[0] * size[1] <= _LARGEST)
    rows, cols = max(fitting, key=lambda size: size[0] * size[1], default=(1, 1))
    return DecodePool(rows, cols, workers=1)


def thumbnail(series: Series, cancel: Cancel | None = None, pool: DecodePool | None = None) -> QImage:
    """The middle slice, about 128 pixels wide, in the window the file names or one that fits.

    Raises
    ------
    MedReasonError
        If the slice cannot be read.
    """
    middle = series.frames[len(series.frames) // 2]
    volume = load_volume(replace(series, frames=(middle,)), cancel, pool)
    if not volume.loaded[0]:
        raise MedReasonError(volume.failed.get(0, "The slice could not be read."))
    hu = volume.hu(0)
    step = max(1, max(hu.shape) // _SIDE)
    grey = to_grey(hu[::step, ::step], automatic_window(hu, middle.window))
    return slice_image(255 - grey if series.inverted else grey)
