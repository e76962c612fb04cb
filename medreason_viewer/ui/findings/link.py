"""The journal as a window meets it: handed over at once, answered on the GUI thread."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from ...errors import MedReasonError
from ...findings.journal import Journal, JournalWriter, Receipt
from ...findings.journal.subject import Event

T = TypeVar("T")
_FAULT: Final = "This could not be saved, because of a fault in the program."
log = logging.getLogger(__name__)


class JournalLink(QObject):
    """Passes on to the journal's thread what is to be kept or read, and brings back how it went.

    Signals
    -------
    pending_changed
        More or less than before is on its way to the disk.
    refused : str
        The journal did not open: nothing can be kept, and why.
    """

    pending_changed = Signal()
    refused = Signal(str)
    _ended = Signal(object)

    def __init__(self, writer: JournalWriter, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._writer, self._closed = writer, False
        self._ended.connect(self._run, Qt.ConnectionType.QueuedConnection)
        writer.opened.add_done_callback(partial(self._settle, _nothing, self.refused.emit))

    @property
    def pending(self) -> int:
        """How many events are not on the disk yet."""
        return self._writer.pending

    def write(self, event: Event, then: Callable[[Receipt], object], failed: Callable[[str], object]) -> None:
        """Have an event written; ``then`` once it is on the disk, else ``failed`` with a sentence."""
        self._hand_over(self._writer.write, event, then, failed)
        self.pending_changed.emit()

    def ask(
        self,
        question: Callable[[Journal], T],
        then: Callable[[T], object],
        failed: Callable[[str], object] = lambda _text: None,
    ) -> None:
        """Read from the journal, after all that was handed over before."""
        self._hand_over(self._writer.ask, question, then, failed)

    def close(self, timeout_s: float) -> bool:
        """Write what is pending, at most so long; nothing is called back any more."""
        self._closed = True
        return self._writer.close(timeout_s)

    def _hand_over(
        self,
        give: Callable[[Any], Future[Any]],
        what: object,
        then: Callable[[Any], object],
        failed: Callable[[str], object],
    ) -> None:
        try:
            future = give(what)
        except MedReasonError as error:
            failed(str(error))
            return
        future.add_done_callback(partial(self._settle, then, failed))

    def _settle(
        self, then: Callable[[Any], object], failed: Callable[[str], object], future: Future[Any]
    ) -> None:
        """On the journal's thread."""
        if self._closed:
            return
        error = future.exception()
        call = partial(then, future.result()) if error is None else partial(failed, _words(error))
        self._ended.emit(call)

    @Slot(object)
    def _run(self, call: Callable[[], object]) -> None:
        if not self._closed:
            self.pending_changed.emit()
            call()


def _nothing(_result: object) -> None:
    """The journal is open."""


def _words(error: BaseException) -> str:
    if isinstance(error, MedReasonError):
        return str(error)
    log.error("The journal's thread failed: %s", type(error).__name__)  # its text could name a patient
    return _FAULT
