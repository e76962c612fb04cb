"""Colours and sizes on the image: dim enough for a dark room, readable on any grey, colour-blind safe.

The hues are Okabe and Ito's (2008), lightened; source and kind are also told by dashes and words.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from .overlay import Source

GROUND: Final = QColor("#000000")
TEXT: Final = QColor("#c9d1d6")
MUTED: Final = QColor("#8b959c")
LETTER: Final = QColor("#e2c27a")
CAUTION: Final = QColor("#e6a93c")
MEASURE: Final = QColor("#f0a13a")
LESION: Final = QColor("#f29bd6")
OTHERS: Final = QColor("#c3a6ff")
KEY: Final = QColor("#ffd23f")
CROSSHAIR: Final = QColor("#8fc3da")
REFERENCE: Final = QColor("#b7d36a")
SOURCES: Final[dict[Source, QColor]] = {
    "reader": QColor("#62bdf0"),
    "model": QColor("#f0e04a"),
    "grown": QColor("#45d6a8"),
}
DASHES: Final[dict[Source, list[float]]] = {"reader": [], "model": [5.0, 3.0], "grown": [2.0, 2.0]}
HALO: Final = QColor(0, 0, 0, 190)
HANDLE_PX: Final = 7.0
MARGIN_PX: Final = 10.0
_AROUND: Final = [QPointF(x, y) for x in (-1.0, 0.0, 1.0) for y in (-1.0, 0.0, 1.0) if x or y]


def font(size: tuple[float, float], factor: float = 1.0, *, bold: bool = False) -> QFont:
    """The font for a viewport of ``size``: smaller in small viewports, never below 9 pixels."""
    drawn = QFont()
    drawn.setPixelSize(max(9, round(min(max(min(size) / 52, 10.5), 14.0) * factor)))
    drawn.setBold(bold)
    return drawn


def halo_text(painter: QPainter, at: QPointF, text: str, colour: QColor) -> None:
    """One line of plain text from its baseline's left end, readable on bright and dark alike."""
    painter.setPen(HALO)
    for offset in _AROUND:
        painter.drawText(at + offset, text)
    painter.setPen(colour)
    painter.drawText(at, text)


def pens(colour: QColor, width: float, dashes: list[float] | None = None) -> tuple[QPen, QPen]:
    """A dark halo and the line on top of it; widths in viewport pixels."""
    halo, line = QPen(HALO, width + 2), QPen(colour, width)
    for pen in (halo, line):
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    if dashes:
        line.setCapStyle(Qt.PenCapStyle.FlatCap)
        line.setDashPattern(dashes)
    return halo, line


def plain(text: str) -> str:
    """The text without control, direction or invisible characters: a header cannot change what is read."""
    return "".join(character if character.isprintable() else " " for character in text).strip()


def inside(rect: QRectF, size: tuple[float, float]) -> QRectF:
    """The rectangle moved, as little as needed, so that it lies in the viewport."""
    x = min(max(rect.x(), 2.0), max(size[0] - rect.width() - 2, 2.0))
    y = min(max(rect.y(), 2.0), max(size[1] - rect.height() - 2, 2.0))
    return QRectF(x, y, rect.width(), rect.height())


def line_height(metrics: QFontMetricsF) -> float:
    """Distance between baselines."""
    return metrics.height() * 1.08
