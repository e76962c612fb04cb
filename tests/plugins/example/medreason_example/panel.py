"""Shows which slice is shown."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from medreason_viewer.plugins import Shown


class Where:
    """A line of plain text."""

    contract = 1
    title = "Where am I"

    def widget(self) -> QLabel:
        """The line."""
        self._line = QLabel()
        self._line.setTextFormat(Qt.TextFormat.PlainText)
        return self._line

    def show(self, shown: Shown) -> None:
        """The slice, and what was answered on it."""
        answer = shown.explanation.answer if shown.explanation else "nothing"
        self._line.setText(f"slice {shown.slice_index}: {answer}" if shown.key else "no slice")
