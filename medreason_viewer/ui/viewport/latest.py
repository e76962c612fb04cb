"""Work off the GUI thread of which only the newest counts: an older wish is dropped, with what it gives."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from ...errors import MedReasonError

log = logging.getLogger(__name__)

_FAULT: Final = "This could not be worked out, because of a fault in the program."
_Result = TypeVar("_Result")
_Job = Callable[[], Callable[[], None]]  # what is done in the thread gives what is done on the GUI thread


class LatestWins(QObject):
    """Runs one job at a time; the thread is there only while there is something to do.

    Parameters
    ----------
    name : str
        Of the thread.
    """

    _ended = Signal(int, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._lock = threading.Lock()
        self._ticket = 0
        self._waiting: tuple[int, _Job] | None = None
        self._working = False
        self._thread: threading.Thread | None = None
        self._ended.connect(self._end, Qt.ConnectionType.QueuedConnection)

    def run(
        self, job: Callable[[], _Result], then: Callable[[_Result], None], failed: Callable[[str], None]
    ) -> None:
        """Do ``job`` in the thread; then, in this one, ``then`` with its result, or ``failed`` with words.

        Whatever was asked for before is forgotten. Call it on the GUI thread.
        """
        with self._lock:
            self._ticket += 1
            self._waiting = self._ticket, partial(_outcome, job, then, failed)
            if self._working:
                return
            self._working = True
        self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether the newest job has yet to come to its end."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def cancel(self) -> None:
        """Forget what was asked for; what is at work ends unheard."""
        with self._lock:
            self._ticket += 1
            self._waiting = None

    def close(self) -> None:
        """Forget what was asked for, and wait for the thread."""
        self.cancel()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                task, self._waiting = self._waiting, None
                if task is None:
                    self._working = False
                    return
            ticket, job = task
            self._ended.emit(ticket, job())

    def _end(self, ticket: int, then: Callable[[], None]) -> None:
        if ticket == self._ticket:
            then()


def _outcome(
    job: Callable[[], _Result], then: Callable[[_Result], None], failed: Callable[[str], None]
) -> Callable[[], None]:
    """What is to be done once a job has been: it may fail in any way without ending its thread."""
    try:
        return partial(then, job())
    except MedReasonError as error:
        return partial(failed, str(error))
    except Exception as error:  # the thread's boundary; a traceback could hold a patient's name
        log.error("A job failed: %s", type(error).__name__)  # noqa: TRY400
        return partial(failed, _FAULT)
