"""In the footer: how much of what the reader did is not on the disk yet."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from ..plain import PlainLabel, tooltip
from .book import FindingBook
from .link import JournalLink
from .steady import SteadyWriting


class PendingSign(QWidget):
    """Hidden while everything is kept; with a button where something could not be."""

    def __init__(self, link: JournalLink, book: FindingBook, writing: SteadyWriting) -> None:
        super().__init__()
        self._link, self._book, self._writing = link, book, writing
        self.text, self.again = PlainLabel(role="caution"), QPushButton("Try again")
        self.again.setObjectName("link")
        self.again.clicked.connect(book.retry)
        self.again.clicked.connect(writing.retry)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.text)
        row.addWidget(self.again)
        link.pending_changed.connect(self.refresh)
        book.changed.connect(self.refresh)
        writing.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Count again."""
        failed = [known.problem for known in self._book.unsaved if known.problem]
        if self._writing.problem:
            failed += [self._writing.problem] * self._writing.unsaved
        pending = self._link.pending
        self.text.setText(f"{len(failed)} NOT SAVED" if failed else f"Saving {pending} …")
        self.text.setObjectName("fault" if failed else "caution")
        self.text.style().polish(self.text)
        self.setToolTip(tooltip(failed[0] if failed else "On its way to the journal"))
        self.again.setVisible(bool(failed))
        self.setVisible(bool(failed) or pending > 0)
