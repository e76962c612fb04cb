"""Events to the journal one after the other; what cannot be written waits until the reader tries again."""

from __future__ import annotations

from collections import deque

from PySide6.QtCore import QObject, Signal

from ...findings.journal import Event
from .link import JournalLink


class SteadyWriting(QObject):
    """A queue to the journal, of what is no finding.

    Attributes
    ----------
    problem : str
        Why the first that waits could not be written; empty while all goes well.

    Signals
    -------
    changed
        More or less waits, or a problem came or went.
    message : str
        Why something could not be written.
    """

    changed = Signal()
    message = Signal(str)

    def __init__(self, link: JournalLink, parent: QObject) -> None:
        super().__init__(parent)
        self._link, self.problem = link, ""
        self._waiting: deque[Event] = deque()
        self._at_work = False

    @property
    def unsaved(self) -> int:
        """How many are not on the disk."""
        return len(self._waiting)

    def write(self, event: Event) -> None:
        """Have an event written, after those before."""
        self._waiting.append(event)
        self._go_on()
        self.changed.emit()

    def retry(self) -> None:
        """Try again to write what could not be written."""
        self.problem = ""
        self._go_on()
        self.changed.emit()

    def hand_over(self) -> None:
        """Give the journal all that is left, at the end: nobody waits any more for how it goes."""
        for event in list(self._waiting)[1 if self._at_work else 0 :]:
            self._link.write(event, lambda _receipt: None, lambda _text: None)
        self._waiting.clear()

    def _go_on(self) -> None:
        if self._waiting and not self.problem and not self._at_work:
            self._at_work = True
            self._link.write(self._waiting[0], self._written, self._failed)

    def _written(self, _receipt: object) -> None:
        self._at_work = False
        self._waiting.popleft()
        self._go_on()
        self.changed.emit()

    def _failed(self, text: str) -> None:
        self._at_work, self.problem = False, text
        self.message.emit(text)
        self.changed.emit()
