"""How one row of the series list is painted."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from .. import theme
from ..overrides import guarded

SUBTITLE: Final = Qt.ItemDataRole.UserRole + 1
BADGES: Final = Qt.ItemDataRole.UserRole + 2
THUMBNAIL: Final = Qt.ItemDataRole.UserRole + 3
_SIDE: Final = 64
_MARGIN: Final = 7
_LEFT: Final = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

_Index = QModelIndex | QPersistentModelIndex


@guarded
class SeriesDelegate(QStyledItemDelegate):
    """Thumbnail left; title, size and warnings right. Text is drawn, never interpreted."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """A heading is one line high, a series as high as its thumbnail."""
        line = QFontMetrics(option.font).height()
        if index.data(SUBTITLE) is None:
            return QSize(0, line + 14)
        return QSize(0, max(_SIDE, 4 * (line + 1)) + 2 * _MARGIN)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint a heading or a series."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if index.data(SUBTITLE) is None:
            _heading(painter, option, index)
        else:
            _series(painter, option, index)
        painter.restore()


def _heading(painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
    painter.setPen(QColor(theme.MUTED))
    painter.setFont(_sized(option.font, 8.5, bold=True))
    _line(painter, option.rect.adjusted(4, 4, -4, 0), index.data(), theme.MUTED)


def _series(painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
    rect = option.rect
    if option.state & QStyle.StateFlag.State_Selected:
        painter.fillRect(rect, QColor(theme.RAISED))
        painter.fillRect(QRect(rect.left(), rect.top(), 3, rect.height()), QColor(theme.ACCENT))
    elif option.state & QStyle.StateFlag.State_MouseOver:
        painter.fillRect(rect, QColor(theme.RAISED))
    if option.state & QStyle.StateFlag.State_HasFocus:
        painter.setPen(QColor(theme.ACCENT))
        painter.drawRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5))
    square = QRect(rect.left() + _MARGIN + 3, rect.top() + (rect.height() - _SIDE) // 2, _SIDE, _SIDE)
    _thumbnail(painter, square, index.data(THUMBNAIL))
    _texts(painter, option.font, QRect(square.right() + 10, rect.top() + _MARGIN, 0, 0), rect, index)


def _thumbnail(painter: QPainter, square: QRect, image: QImage | None) -> None:
    painter.fillRect(square, QColor(theme.GROUND))
    if image is None:
        painter.setPen(QColor(theme.LINE))
        painter.drawRect(QRectF(square).adjusted(0.5, 0.5, -0.5, -0.5))
        return
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    size = image.size().scaled(square.size(), Qt.AspectRatioMode.KeepAspectRatio)
    target = QRect(square.topLeft(), size)
    target.moveCenter(square.center())
    painter.drawImage(target, image)


def _texts(painter: QPainter, font: QFont, start: QRect, rect: QRect, index: _Index) -> None:
    height = QFontMetrics(font).height() + 1
    line = QRect(start.left(), start.top(), rect.right() - start.left() - 4, height)
    painter.setFont(font)
    line.translate(0, _title(painter, line, index.data()) * height)
    painter.setFont(_sized(font, 8.5))
    _line(painter, line, index.data(SUBTITLE), theme.MUTED)
    badges = index.data(BADGES)
    if badges:
        mark = line.translated(0, height)
        theme.icon("mdi6.alert-outline", theme.CAUTION).paint(
            painter, QRect(mark.left(), mark.top() + 2, 13, 13)
        )
        _line(painter, mark.adjusted(18, 0, 0, 0), ", ".join(badges), theme.CAUTION)


def _title(painter: QPainter, line: QRect, text: str) -> int:
    """Paint a title on one line or two; returns how many."""
    if painter.fontMetrics().horizontalAdvance(text) <= line.width():
        _line(painter, line, text, theme.TEXT)
        return 1
    words, first = text.split(" "), ""
    while words and painter.fontMetrics().horizontalAdvance(f"{first} {words[0]}") <= line.width():
        first = f"{first} {words.pop(0)}".strip()
    _line(painter, line, first or text, theme.TEXT)
    _line(painter, line.translated(0, line.height()), " ".join(words) if first else "", theme.TEXT)
    return 2 if first and words else 1


def _line(painter: QPainter, rect: QRect, text: str, colour: str) -> None:
    painter.setPen(QColor(colour))
    elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
    painter.drawText(rect, _LEFT, elided)


def _sized(font: QFont, points: float, *, bold: bool = False) -> QFont:
    other = QFont(font)
    other.setPointSizeF(points)
    other.setBold(bold)
    return other
