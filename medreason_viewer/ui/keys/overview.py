"""All bindings in use as one plain table, to read and to print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QFont,
    QShowEvent,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextLength,
    QTextTableFormat,
)
from PySide6.QtPrintSupport import QPrintDialog, QPrinter
from PySide6.QtWidgets import QPushButton, QTextEdit, QVBoxLayout, QWidget

from ..overrides import guarded
from .action_names import ACTIONS, GESTURES, choices_of
from .bindings import InputBindings
from .profile import UNMODIFIED

Line = tuple[str, str]  # a key or gesture, and what it does; a heading has no key


@guarded
class KeysOverview(QWidget):
    """What every key and gesture does now; follows each change."""

    def __init__(self, bindings: InputBindings, fixed: Mapping[str, str]) -> None:
        super().__init__()
        self._bindings, self._fixed = bindings, fixed
        self.text = QTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Keys and mouse in use")
        self.print_button = QPushButton("&Print …")
        self.print_button.clicked.connect(self._print)
        column = QVBoxLayout(self)
        column.addWidget(self.text, 1)
        column.addWidget(self.print_button, 0, Qt.AlignmentFlag.AlignRight)
        bindings.changed.connect(self.refresh)

    def refresh(self) -> None:
        """Show the bindings in use."""
        if not self.isVisible():
            return  # it takes some milliseconds, and showEvent does it
        place = self.text.verticalScrollBar().value()
        document = QTextDocument(self.text)  # written before it is shown: laid out once, not at every cell
        document.setDefaultFont(self.text.font())
        write_table(document, f"Keys and mouse: {self._bindings.profile.name}", self.lines())
        self.text.setDocument(document)
        self.text.verticalScrollBar().setValue(place)

    def showEvent(self, event: QShowEvent) -> None:
        """Show what was changed meanwhile."""
        super().showEvent(event)
        self.refresh()

    def lines(self) -> list[Line]:
        """Headings, and under them keys and gestures with what they do."""
        mouse = self._bindings.profile.mouse
        lines: list[Line] = [("", "Mouse")]
        for gesture, words in GESTURES.items():
            if (does := mouse.get(gesture, UNMODIFIED)) != UNMODIFIED:
                lines.append((words, choices_of(gesture)[does]))
        lines.append(("Right click", "Menu: Explain region here"))
        for group, actions in ACTIONS.items():
            bound = [(", ".join(self._bindings.keys_for(action)), words) for action, words in actions.items()]
            shown = [line for line in bound if line[0]]
            lines += [("", group), *shown] if shown else []
        return [*lines, *self._fixed.items()]

    def _print(self) -> None:
        printer = QPrinter()
        dialog = QPrintDialog(printer, self)
        dialog.setWindowTitle("Print keys and mouse")
        if dialog.exec():
            self.text.document().print_(printer)


_NARROW: Final = 36  # per cent of the width, for the keys


def write_table(document: QTextDocument, title: str, lines: list[Line]) -> None:
    """Write a title and a table of two columns; nothing in them is understood as markup."""
    cursor = QTextCursor(document)
    cursor.beginEditBlock()
    bold = QTextCharFormat()
    bold.setFontWeight(QFont.Weight.Bold)
    cursor.insertText(title, bold)
    cursor.insertBlock()
    table_format = QTextTableFormat()
    table_format.setBorder(0)
    table_format.setCellPadding(3)
    lengths = [QTextLength(QTextLength.Type.PercentageLength, share) for share in (_NARROW, 100 - _NARROW)]
    table_format.setColumnWidthConstraints(lengths)
    table_format.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
    table = cursor.insertTable(len(lines), 2, table_format)
    for row, (key, words) in enumerate(lines):
        if key:
            table.cellAt(row, 0).firstCursorPosition().insertText(key)
            table.cellAt(row, 1).firstCursorPosition().insertText(words)
        else:
            table.cellAt(row, 0).firstCursorPosition().insertText(words, bold)
    cursor.endEditBlock()
