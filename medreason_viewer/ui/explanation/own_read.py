"""*Your read first*: the reader commits a read of their own before the model's unfolds.

Explanations raise trust whether or not they are right; a read written down first is one they cannot lead.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QPushButton, QVBoxLayout

from ..plain import PlainLabel


class OwnRead(QFrame):
    """A line to write the read in, and a button that commits it; empty reads are not taken."""

    committed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self.line = QLineEdit()
        self.line.setPlaceholderText("What do you see in this region?")
        self.line.setAccessibleName("Your own read of this region")
        self.line.setMaxLength(2000)
        self.commit_button = QPushButton("Commit my read")
        self.commit_button.setEnabled(False)
        self.line.textChanged.connect(lambda text: self.commit_button.setEnabled(bool(text.strip())))
        self.line.returnPressed.connect(self._commit)
        self.commit_button.clicked.connect(self._commit)
        column = QVBoxLayout(self)
        column.setContentsMargins(11, 8, 11, 10)
        column.addWidget(PlainLabel("Your read first", "heading"))
        column.addWidget(
            PlainLabel("The model's steps and answer open once you have committed your own.", wrap=True)
        )
        column.addWidget(self.line)
        column.addWidget(self.commit_button, 0, Qt.AlignmentFlag.AlignRight)

    def clear(self) -> None:
        """Forget what was typed: another region is asked about."""
        self.line.clear()

    def _commit(self) -> None:
        text = self.line.text().strip()
        if text:
            self.committed.emit(text)
