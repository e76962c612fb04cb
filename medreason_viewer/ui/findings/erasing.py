"""*Erase from the journal*: one finding with all that was said of it, for good, once confirmed."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from ...findings.journal import Subject
from .book import FindingBook
from .link import JournalLink
from .reader import Reader

_ASKED: Final = "Erase this finding from the journal, for good?"
_MORE: Final = (
    "The answer, every verdict on it and what was read first are overwritten. That something was erased, "
    "when and by whom stays on record. Files that were exported, and backups, are not reached."
)
_WAITS: Final = "This finding is still being saved: erase it once that is done."


class Erasing(QObject):
    """Asks, erases, and takes the finding off the screen.

    Signals
    -------
    message : str
        Why it could not be erased, or that it was.
    """

    message = Signal(str)

    def __init__(self, link: JournalLink, book: FindingBook, reader: Reader) -> None:
        super().__init__(book)
        self._link, self._book, self._reader = link, book, reader

    def ask(self, finding_id: str, parent: QWidget) -> QMessageBox | None:
        """Ask first; does not block."""
        known = self._book.get(finding_id)
        if known is None:
            return None
        if known.waiting:
            self.message.emit(_WAITS)
            return None
        box = QMessageBox(QMessageBox.Icon.Question, "Erase", _ASKED, parent=parent)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText(_MORE)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.addButton("Keep it", QMessageBox.ButtonRole.RejectRole)
        erase = box.addButton("Erase it", QMessageBox.ButtonRole.DestructiveRole)
        erase.clicked.connect(lambda: self._reader.named(partial(self._erase, finding_id)))
        box.open()
        return box

    def _erase(self, finding_id: str, name: str) -> None:
        of = Subject(finding_id=finding_id)
        erased = partial(self._erased, finding_id)
        self._link.ask(lambda journal: journal.erase(of, name), erased, self.message.emit)

    def _erased(self, finding_id: str, _count: int) -> None:
        self._book.forget(finding_id)
        self.message.emit("The finding was erased from the journal.")
