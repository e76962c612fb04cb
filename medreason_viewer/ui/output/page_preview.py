"""A page as it will come out, on the screen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPageLayout, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ...drawing.page import Page, paint_page
from .. import theme
from ..overrides import guarded

_ROUND_PX = 14.0


@guarded
class PagePreview(QWidget):
    """Paints one page of several; drawn once for each size, then kept."""

    def __init__(self) -> None:
        super().__init__()
        self._pages: Sequence[Page] = ()
        self._layout: QPageLayout | None = None
        self._number = 0
        self._drawn: QImage | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(320, 260)
        self.setAccessibleName("The page as it will be printed")

    def show_page(self, pages: Sequence[Page], layout: QPageLayout, number: int) -> None:
        """Show page ``number``, counted from 0."""
        self._pages, self._layout, self._number, self._drawn = pages, layout, number, None
        self.setAccessibleDescription(f"Page {number + 1} of {len(pages)}")
        self.update()

    def sizeHint(self) -> QSize:
        """Large enough to read."""
        return QSize(900, 640)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the page, on dark ground."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.GROUND))
        if self._layout is None:
            return
        ratio = self.devicePixelRatioF()
        room = QSize(round(self.width() * ratio), round(self.height() * ratio))
        if self._drawn is None or self._drawn.size() != room:
            self._drawn = self._draw(self._layout, room, ratio)
        painter.drawImage(self.rect(), self._drawn)

    def _draw(self, layout: QPageLayout, room: QSize, ratio: float) -> QImage:
        whole = layout.fullRect(QPageLayout.Unit.Point)
        inner = layout.paintRect(QPageLayout.Unit.Point)
        edge = _ROUND_PX * ratio
        scale = min((room.width() - 2 * edge) / whole.width(), (room.height() - 2 * edge) / whole.height())
        left, top = (room.width() - whole.width() * scale) / 2, (room.height() - whole.height() * scale) / 2
        drawn = QImage(room, QImage.Format.Format_RGB32)
        drawn.fill(QColor(theme.GROUND))
        painter = QPainter(drawn)
        painter.fillRect(
            QRectF(left, top, whole.width() * scale, whole.height() * scale), Qt.GlobalColor.white
        )
        painter.translate(left + inner.left() * scale, top + inner.top() * scale)
        unit = scale * 72 / 96
        painter.scale(unit, unit)
        paint_page(painter, self._pages[self._number], unit)
        painter.end()
        return drawn
