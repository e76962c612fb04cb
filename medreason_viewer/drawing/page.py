"""A slice and what is said of it on paper: laid out once, painted alike on printer, PDF and screen.

Lengths are in 1/96 inch, so that words of the scene come out at 8 to 10 points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter

from . import page_text
from .page_text import Look, Text
from .scene import RESEARCH_USE, SliceScene, paint

_GAP: Final = 10.0
_SCENE_WIDTH: Final = 0.58  # of a landscape page that also has words
_SCENE_HEIGHT: Final = 0.5  # of a portrait page
_PICTURE_HEIGHT: Final = 170.0

Size = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Images side by side, each with its caption below."""

    pictures: tuple[tuple[QImage, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the first row and the first column name the others."""

    rows: tuple[tuple[str, ...], ...]


Block = Text | Pictures | Table


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """What is to be printed.

    Parameters
    ----------
    heading : tuple of str
        Whose study it is; on top of every page, the first line in bold.
    scene : SliceScene
        The slice with all that lies on it.
    blocks : tuple
        What is said of it, in order; goes on over as many pages as it needs.
    note : str
        The last line of every page, before the page's number.
    """

    heading: tuple[str, ...]
    scene: SliceScene
    blocks: tuple[Block, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of words, from the left end of its baseline."""

    at: QPointF
    text: str
    look: Look


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """The scene, or an image, in its place."""

    rect: QRectF
    what: SliceScene | QImage


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One page, ready to be painted."""

    lines: tuple[Line, ...]
    placed: tuple[Placed, ...]


def lay_out(sheet: Sheet, size: Size) -> tuple[Page, ...]:
    """The pages of a sheet on paper whose printable area is ``size``. Needs a QGuiApplication."""
    return _Layout(sheet, size).pages()


def paint_page(painter: QPainter, page: Page, device_pixel_ratio: float = 1.0) -> None:
    """Paint a page from (0, 0); ``device_pixel_ratio`` is device pixels per 1/96 inch."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.LosslessImageRendering)  # or a PDF would hold JPEGs
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for placed in page.placed:
        if isinstance(placed.what, QImage):
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(placed.rect, placed.what)
        else:
            painter.save()
            painter.translate(placed.rect.topLeft())
            paint(painter, placed.what, (placed.rect.width(), placed.rect.height()), device_pixel_ratio)
            painter.restore()
    for line in page.lines:
        painter.setFont(page_text.font(line.look))
        painter.setPen(page_text.ink(line.look))
        painter.drawText(line.at, line.text)
    painter.restore()


class _Layout:
    """Fills columns from top to bottom, left to right, page after page."""

    def __init__(self, sheet: Sheet, size: Size) -> None:
        self._sheet, self._size = sheet, size
        self._lines: list[list[Line]] = []
        self._placed: list[list[Placed]] = []
        self._head, self._rest = self._heading()
        self._columns = self._all_columns()
        self._column = next(self._columns)
        self._y = self._column.top()

    def pages(self) -> tuple[Page, ...]:
        for text in self._rest:
            self._add(text)
        for block in self._sheet.blocks:
            self._add(block)
        for number, lines in enumerate(self._lines, start=1):
            lines += self._foot(number)
        return tuple(Page(tuple(a), tuple(b)) for a, b in zip(self._lines, self._placed, strict=True))

    # Frames of a page

    def _heading(self) -> tuple[list[Line], list[Text]]:
        """The lines on top of every page, at most a quarter of it; the rest goes with the words below."""
        y, head, rest = 0.0, list[Line](), list[Text]()
        for place, part in enumerate(part for part in self._sheet.heading if part):
            look: Look = "body" if place else "title"
            for text in page_text.lines(part, look, self._size[0]):
                if y + page_text.line_height(look) > self._size[1] / 4:
                    rest.append(Text(text, "small"))
                    continue
                head.append(Line(QPointF(0, y + page_text.ascent(look)), text, look))
                y += page_text.line_height(look)
        return head, rest

    def _foot(self, number: int) -> list[Line]:
        """The bottom of a page, once it is known how many there are."""
        height, count = page_text.line_height("small"), len(self._lines)
        page = f"Page {number} of {count}" if count > 1 else ""
        note = " · ".join(part for part in (self._sheet.note, page) if part)
        y = self._size[1] - 2 * height + page_text.ascent("small")
        return [Line(QPointF(0, y), RESEARCH_USE, "strong"), Line(QPointF(0, y + height), note, "small")]

    def _body(self) -> QRectF:
        top = sum(page_text.line_height(line.look) for line in self._head) + _GAP / 2
        bottom = self._size[1] - 2 * page_text.line_height("small") - _GAP
        return QRectF(0, top, self._size[0], max(bottom - top, 1.0))

    def _all_columns(self) -> Iterator[QRectF]:
        body = self._body()
        self._turn_page()
        scene, *beside = _first_page(body, words=bool(self._sheet.blocks or self._rest))
        self._placed[-1].append(Placed(scene, self._sheet.scene))
        yield from beside
        while True:
            self._turn_page()
            yield from _halves(body)

    def _turn_page(self) -> None:
        self._lines.append(list(self._head))
        self._placed.append([])

    # Blocks

    def _add(self, block: Block) -> None:
        if isinstance(block, Text):
            self._add_text(block)
        elif isinstance(block, Table):
            self._add_table(block)
        else:
            self._add_pictures(block)

    def _need(self, height: float) -> None:
        """Go on in the next column unless there is room; in an empty one there has to be."""
        if self._y + height > self._column.bottom() and self._y > self._column.top():
            self._column = next(self._columns)
            self._y = self._column.top()

    def _write(self, text: str, look: Look, x: float, y: float) -> None:
        self._lines[-1].append(Line(QPointF(x, y + page_text.ascent(look)), text, look))

    def _add_text(self, block: Text) -> None:
        height, label = page_text.line_height(block.look), page_text.width(f"{block.label} ", block.look)
        indent = block.indent + (label if block.label else 0.0)
        if block.look == "heading":
            self._y += _GAP / 2 if self._y > self._column.top() else 0.0
            self._need(3 * height)  # a heading does not stand alone at the foot
        for place, text in enumerate(page_text.lines(block.text, block.look, self._column.width() - indent)):
            self._need(height)
            if place == 0 and block.label:
                self._write(block.label, block.look, self._column.left() + block.indent, self._y)
            self._write(text, block.look, self._column.left() + indent, self._y)
            self._y += height
        self._y += 2

    def _add_table(self, block: Table) -> None:
        height = page_text.line_height("small")
        for number, row in enumerate(block.rows):
            each = self._column.width() / len(row)
            cells = [page_text.lines(cell, "small", each - 6) for cell in row]
            self._need(height * max(map(len, cells)))
            for column, cell in enumerate(cells):
                look: Look = "body" if number and column else "small"
                for place, text in enumerate(cell):
                    self._write(text, look, self._column.left() + column * each, self._y + place * height)
            self._y += height * max(map(len, cells))
        self._y += _GAP / 2

    def _add_pictures(self, block: Pictures) -> None:
        each = (self._column.width() + _GAP) / len(block.pictures) - _GAP
        captions = [page_text.lines(words, "small", each) for _, words in block.pictures]
        line = page_text.line_height("small")
        below = line * max(map(len, captions))
        height = min(each, _PICTURE_HEIGHT, max(self._column.height() - below, 1.0))
        self._need(height + below)
        for place, ((image, _), caption) in enumerate(zip(block.pictures, captions, strict=True)):
            x = self._column.left() + place * (each + _GAP)
            self._placed[-1].append(Placed(_fitted(image, QRectF(x, self._y, each, height)), image))
            for number, text in enumerate(caption):
                self._write(text, "small", x, self._y + height + 2 + number * line)
        self._y += height + below + _GAP / 2


def _first_page(body: QRectF, *, words: bool) -> list[QRectF]:
    """Where the scene goes, and the columns for words beside or below it."""
    if not words:
        return [body, QRectF(body.left(), body.bottom(), body.width(), 0)]
    if body.width() > body.height():
        width = min(body.width() * _SCENE_WIDTH, body.height() * 1.15)
        left = width + _GAP * 1.5
        scene = QRectF(body.left(), body.top(), width, body.height())
        return [scene, QRectF(left, body.top(), body.width() - left, body.height())]
    height = min(body.height() * _SCENE_HEIGHT, body.width())
    below = QRectF(body.left(), body.top() + height + _GAP, body.width(), body.height() - height - _GAP)
    return [QRectF(body.left(), body.top(), body.width(), height), *_halves(below)]


def _halves(area: QRectF) -> list[QRectF]:
    width = (area.width() - _GAP * 2) / 2
    left = QRectF(area.left(), area.top(), width, area.height())
    return [left, left.translated(width + _GAP * 2, 0)]


def _fitted(image: QImage, room: QRectF) -> QRectF:
    """As large as the room allows, at its top left, unstretched."""
    scale = min(room.width() / max(image.width(), 1), room.height() / max(image.height(), 1))
    return QRectF(room.left(), room.top(), image.width() * scale, image.height() * scale)
