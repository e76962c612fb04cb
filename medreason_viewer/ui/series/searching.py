"""Looking for something on disk off the GUI thread: progress, a cancel that is heard, the last wish wins."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Qt, Signal, Slot

from ...cancel import Cancel
from ...errors import Cancelled, MedReasonError
from ...volume.scan import Progress

log = logging.getLogger(__name__)

_INTERVAL_S: Final = 0.05  # a folder of 3,000 files must not queue 3,000 repaints
_LAST_WORDS_S: Final = 5.0


class Searching(QObject):
    """One search at a time; each has a thread of its own, for a disk that hangs must not hold up the next.

    Parameters
    ----------
    fault : str
        What the reader is told where a search fails because of a mistake in the program.

    Signals
    -------
    started, progressed, finished, failed, ended
        A search began (for what, in words); files seen and their number; what came of it; a sentence why
        nothing did; it is over, in whichever way.
    """

    started = Signal(str)
    progressed = Signal(int, int)
    finished = Signal(object)
    failed = Signal(str)
    ended = Signal()
    _outcome = Signal(object, object, str)

    def __init__(self, fault: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._fault = fault
        self._cancel: Cancel | None = None
        self._thread: threading.Thread | None = None
        self._outcome.connect(self._receive, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether a search is under way."""
        return self._cancel is not None

    def search(self, what: str, job: Callable[[Cancel, Progress], object]) -> None:
        """Do ``job`` in a thread instead of whatever is searched for; it hears the cancel, and tells."""
        self.cancel()
        self._cancel = Cancel()
        arguments = (job, self._cancel)
        self._thread = threading.Thread(target=self._run, args=arguments, name="searching", daemon=True)
        self.started.emit(what)
        self._thread.start()

    def cancel(self) -> None:
        """Search no further; what is open stays open."""
        if self._cancel is not None:
            self._cancel.request()
            self._cancel = None
            self.ended.emit()

    def close(self) -> None:
        """Stop and wait for the thread."""
        self.cancel()
        if self._thread is not None:
            self._thread.join(_LAST_WORDS_S)

    def _run(self, job: Callable[[Cancel, Progress], object], cancel: Cancel) -> None:
        try:
            self._outcome.emit(cancel, job(cancel, self._teller(cancel)), "")
        except Cancelled:
            return
        except MedReasonError as error:
            self._outcome.emit(cancel, None, str(error))
        except Exception as error:  # the thread's boundary; a traceback may name a patient's path
            log.error("a search failed: %s", type(error).__name__)  # noqa: TRY400
            self._outcome.emit(cancel, None, self._fault)

    def _teller(self, cancel: Cancel) -> Progress:
        """Passes on a count at most every few hundredths of a second."""
        last = 0.0

        def tell(done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= _INTERVAL_S and not cancel.requested:
                last = now
                self.progressed.emit(done, total)

        return tell

    @Slot(object, object, str)
    def _receive(self, cancel: Cancel, outcome: object, problem: str) -> None:
        if cancel is not self._cancel:
            return  # something else was asked for meanwhile
        self._cancel = None
        self.ended.emit()
        if problem:
            self.failed.emit(problem)
        else:
            self.finished.emit(outcome)
