"""Short work off the GUI thread that must all be done, in order: files, the keyring, the queue on disk."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from ...errors import MedReasonError

log = logging.getLogger(__name__)

FAULT: Final = "This did not work, because of a fault in the program."
_Result = TypeVar("_Result")
_Job = Callable[[], Callable[[], None]]


class Errands(QObject):
    """Runs jobs one after the other, in a thread that is there once there was one; none is dropped."""

    _done = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._done.connect(self._report, Qt.ConnectionType.QueuedConnection)

    def run(
        self, job: Callable[[], _Result], then: Callable[[_Result], None], failed: Callable[[str], None]
    ) -> None:
        """Do ``job`` in the thread; then, in this one, ``then`` with its result, or ``failed`` with words."""
        if self._closed:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="archive errands", daemon=True)
            self._thread.start()
        self._jobs.put(partial(_outcome, job, then, failed))

    def close(self) -> None:
        """Do what was asked for, and end; nobody is told any more."""
        self._closed = True
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._done.emit(job())

    def _report(self, then: Callable[[], None]) -> None:
        if not self._closed:
            then()


def _outcome(
    job: Callable[[], _Result], then: Callable[[_Result], None], failed: Callable[[str], None]
) -> Callable[[], None]:
    try:
        return partial(then, job())
    except MedReasonError as error:
        return partial(failed, str(error))
    except OSError as error:
        return partial(failed, f"This could not be written or read ({error.strerror or 'no reason given'}).")
    except Exception as error:  # the thread's boundary; a traceback could hold a patient's name
        log.error("An errand failed: %s", type(error).__name__)  # noqa: TRY400
        return partial(failed, FAULT)
