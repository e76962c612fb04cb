"""Words on paper: looks, and text broken into lines that fit. Lengths are in 1/96 inch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtGui import QColor, QFont, QFontMetricsF, QTextLayout, QTextOption

from . import style

Look = Literal["title", "heading", "strong", "body", "small", "good", "caution"]


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; ``label`` hangs before it, such as the number of a step."""

    text: str
    look: Look = "body"
    label: str = ""
    indent: float = 0.0


_INK: Final = {"small": QColor("#4a4f54"), "good": QColor("#1d6b34"), "caution": QColor("#a03c00")}
_SIZES: Final = {"title": 15, "heading": 13, "small": 11}
_BOLD: Final = frozenset({"title", "heading", "strong", "caution"})
_SLACK: Final = 0.98  # glyphs may come out wider on the device than they were measured


def font(look: Look) -> QFont:
    """The font of a look, 12 (9 points) unless it says otherwise; unhinted, so that it scales."""
    drawn = QFont()
    drawn.setPixelSize(_SIZES.get(look, 12))
    drawn.setBold(look in _BOLD)
    drawn.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return drawn


def ink(look: Look) -> QColor:
    """The colour of a look, dark enough for paper; no meaning hangs on it alone."""
    return _INK.get(look, QColor("#000000"))


def line_height(look: Look) -> float:
    """Distance between baselines."""
    return QFontMetricsF(font(look)).height() * 1.1


def ascent(look: Look) -> float:
    """From the top of a line to its baseline."""
    return QFontMetricsF(font(look)).ascent()


def width(text: str, look: Look) -> float:
    """How wide a text is in one line."""
    return QFontMetricsF(font(look)).horizontalAdvance(text)


def lines(text: str, look: Look, room: float) -> list[str]:
    """A text in lines no wider than ``room``, broken between words or inside wider ones; nothing is left out.

    Line breaks of the text are kept; control characters become spaces.
    """
    found = [line for part in text.splitlines() for line in _wrapped(style.plain(part), look, room)]
    return found or [""]


def _wrapped(text: str, look: Look, room: float) -> list[str]:
    layout = QTextLayout(text, font(look))
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    coded, found = text.encode("utf-16-le", "surrogatepass"), []  # Qt counts in 16-bit units
    layout.beginLayout()
    while (line := layout.createLine()).isValid():
        line.setLineWidth(max(room * _SLACK, 1.0))
        start, end = line.textStart(), line.textStart() + line.textLength()
        found.append(coded[2 * start : 2 * end].decode("utf-16-le", "surrogatepass").strip())
    layout.endLayout()
    return found
