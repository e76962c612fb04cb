"""Text that a file or a model wrote, shown as text: nothing in it is ever interpreted as markup.

Qt guesses whether a string is HTML, in labels and in tooltips, and then fetches what ``<img src=...>`` names.
"""

from __future__ import annotations

import html
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QInputDialog, QLabel, QSizePolicy, QWidget

from .overrides import guarded

_WIDEST_PX: Final = 480  # that a text may ask of the window: longer words are cut off
_CODES = (*range(32), *range(0x7F, 0xA0))
_CONTROLS: dict[int, str | None] = dict.fromkeys((code for code in _CODES if chr(code) not in "\n\t"), " ")
_TURNING: dict[int, str | None] = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def readable(text: str) -> str:
    """Text without control characters and without signs that reverse the reading direction."""
    return text.translate(_CONTROLS | _TURNING)


def literal(text: str) -> str:
    """Text as a menu, a button or a tab shows it in one line: no mnemonic, no tab that begins a shortcut."""
    return " ".join(readable(text).split()).replace("&", "&&")


def tooltip(text: str) -> str:
    """A tooltip that shows ``text`` literally, wrapped."""
    if not text:
        return ""
    lines = html.escape(readable(text)).replace("\n", "<br>")
    return f"<qt>{lines}</qt>"


@guarded
class PlainLabel(QLabel):
    """A label that shows its text literally.

    Parameters
    ----------
    role : str
        What the style sheet knows it by (object name): ``heading``, ``muted``, ``answer`` and the like.
    wrap : bool
        Whether long text breaks into lines.
    """

    def __init__(self, text: str = "", role: str = "", *, wrap: bool = False) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        self.setObjectName(role)
        self.setText(text)

    def setText(self, text: str) -> None:  # noqa: N802 - Qt's name
        """Show ``text`` without control characters."""
        super().setText(readable(text))

    def minimumSizeHint(self) -> QSize:
        """Nobody's text makes the window wider than the screen."""
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), _WIDEST_PX), hint.height())


def caption(words: str, field: QWidget) -> PlainLabel:
    """The label of a field: the letter after its ampersand, with Alt, goes there."""
    label = PlainLabel(words)
    label.setBuddy(field)
    return label


@guarded
class ElidedLabel(PlainLabel):
    """One line that ends in an ellipsis where there is no room, with the whole text as its tooltip."""

    def __init__(self, text: str = "", role: str = "") -> None:
        super().__init__(text, role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def setText(self, text: str) -> None:  # noqa: N802 - Qt's name
        """Show ``text``; hovering shows the whole of it."""
        super().setText(text)
        self.setToolTip(tooltip(text))

    def minimumSizeHint(self) -> QSize:
        """Any width will do."""
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint as much of the text as fits."""
        painter = QPainter(self)
        area = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, area.width())
        self.style().drawItemText(
            painter,
            area,
            int(self.alignment()),
            self.palette(),
            self.isEnabled(),
            text,
            self.foregroundRole(),
        )


def asking(parent: QWidget | None, title: str, words: str) -> QInputDialog:
    """A dialog that asks for a line of text; gone once it is closed."""
    dialog = QInputDialog(parent)
    dialog.setWindowTitle(title)
    dialog.setLabelText(words)
    for label in dialog.findChildren(QLabel):
        label.setTextFormat(Qt.TextFormat.PlainText)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return dialog


def clear(layout_owner: QWidget) -> None:
    """Remove and delete everything in a widget's layout."""
    layout = layout_owner.layout()
    while layout is not None and (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
