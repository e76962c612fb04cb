"""Scanning a path off the GUI thread: progress, a cancel that is heard, and the last path asked for wins."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Qt, Signal, Slot

from ...cancel import Cancel
from ...errors import Cancelled, MedReasonError
from ...plugins.reading import ScanPath
from ...volume.scan import scan
from ...volume.series import Scan, Series

log = logging.getLogger(__name__)

_INTERVAL_S: Final = 0.05  # a folder of 3,000 files must not queue 3,000 repaints
_UNEXPECTED: Final = "This could not be opened because of a fault in the program; nothing was changed."


class Opening(QObject):
    """One scan at a time.

    Attributes
    ----------
    scan_path : callable
        As :func:`~medreason_viewer.volume.scan.scan`; plug-ins may have a part in it.

    Signals
    -------
    started, progressed, finished, failed, ended
        A scan began (the path's name); files seen and their number; the scan; a sentence why not; it is over,
        in whichever way.
    """

    started = Signal(str)
    progressed = Signal(int, int)
    finished = Signal(object)
    failed = Signal(str)
    ended = Signal()
    _outcome = Signal(object, object)

    def __init__(self, parent: QObject | None = None, scan_path: ScanPath = scan) -> None:
        super().__init__(parent)
        self.scan_path = scan_path
        self._cancel: Cancel | None = None
        self._thread: threading.Thread | None = None
        self._outcome.connect(self._receive, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether a scan is under way."""
        return self._cancel is not None

    def open(self, path: Path) -> None:
        """Scan ``path`` instead of whatever is being scanned."""
        self.cancel()
        self._cancel = Cancel()
        arguments = (path, self._cancel)
        self._thread = threading.Thread(target=self._run, args=arguments, name="scan", daemon=True)
        self.started.emit(path.name or str(path))
        self._thread.start()

    def cancel(self) -> None:
        """Stop the scan; what was open before stays open."""
        if self._cancel is not None:
            self._cancel.request()
            self._cancel = None
            self.ended.emit()

    def close(self) -> None:
        """Stop and wait for the thread."""
        self.cancel()
        if self._thread is not None:
            self._thread.join(5)

    def _run(self, path: Path, cancel: Cancel) -> None:
        try:
            self._outcome.emit(cancel, self.scan_path(path, cancel=cancel, progress=_Progress(self, cancel)))
        except Cancelled:
            return
        except MedReasonError as error:
            self._outcome.emit(cancel, str(error))
        except (
            Exception
        ) as error:  # the thread's boundary: the reader gets a sentence, the log no patient's path
            log.error("scan failed: %s", type(error).__name__)  # noqa: TRY400 - a traceback may name a patient
            self._outcome.emit(cancel, _UNEXPECTED)

    @Slot(object, object)
    def _receive(self, cancel: Cancel, outcome: Scan | str) -> None:
        if cancel is not self._cancel:
            return  # another path was asked for meanwhile
        self._cancel = None
        self.ended.emit()
        if isinstance(outcome, str):
            self.failed.emit(outcome)
        else:
            self.finished.emit(outcome)


class _Progress:
    """Passes on a count at most every few hundredths of a second."""

    def __init__(self, opening: Opening, cancel: Cancel) -> None:
        self._opening, self._cancel, self._last = opening, cancel, 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last >= _INTERVAL_S and not self._cancel.requested:
            self._last = now
            self._opening.progressed.emit(done, total)


def first_series(scan: Scan) -> Series | None:
    """The series to show first: of those that can be shown, CT before others, then the largest."""
    loadable = [series for series in scan.series if series.loadable]
    return max(loadable, key=_interest, default=None)


def _interest(series: Series) -> tuple[bool, int]:
    return series.identity.modality in ("CT", ""), len(series.frames)
