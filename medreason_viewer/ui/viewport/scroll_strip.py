"""A slim strip beside the image: slices that arrived, that failed, key images, and where the reader is."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ...drawing import style
from ..overrides import guarded
from .viewport import Viewport

STRIP_PX = 12
_TICK_PX = 6.0

_GROUND = QColor("#0b0d0f")
_WAITING, _LOADED, _FAILED = 0xFF1A1F24, 0xFF3F4E59, 0xFFD0694A
_HERE, _KEY = QColor("#9fd0ee"), style.KEY


@guarded
class ScrollStrip(QWidget):
    """Slices from the first in reading order (axial: the head) at the top to the last at the bottom."""

    def __init__(self, shown: Viewport, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = shown
        self.setFixedWidth(STRIP_PX)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Position in the stack, and slices loaded")
        for signal in (shown.series_changed, shown.volume_changed, shown.slice_changed):
            signal.connect(self.update)
        shown.session.key_images.changed.connect(self.update)
        shown.volume_progress.connect(self._progressed)

    def sizeHint(self) -> QSize:
        """As slim as it is."""
        return QSize(STRIP_PX, 100)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint one line per slice, or several slices into one line where there are more."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), _GROUND)
        if self._shown.slice_count:
            painter.drawImage(QRectF(4, 2, self.width() - 6, self.height() - 4), self._states())
            self._paint_here(painter)
            self._paint_key_images(painter)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go where the reader points."""
        self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer."""
        shown = self._shown
        if shown.slice_count:
            share = (event.position().y() - 2) / max(self.height() - 4, 1)
            shown.go_to_reading_place(int(share * shown.slice_count))

    def _progressed(self, loaded: int, total: int) -> None:
        self.setToolTip(f"{loaded} of {total} slices loaded" if loaded < total else "")
        self.update()

    def _paint_here(self, painter: QPainter) -> None:
        top, height = self._extent(self._shown.reading_place)
        painter.fillRect(QRectF(1, top, self.width() - 2, height), _HERE)

    def _paint_key_images(self, painter: QPainter) -> None:
        """A tick at the left for each, so that the place of the reader stays in sight beside it."""
        shown = self._shown
        if shown.series is None:
            return
        for index in shown.session.key_images.indices(shown.series, shown.plane_name):
            top, height = self._extent(shown.slice_count - 1 - index if shown.reads_upward else index)
            painter.fillRect(QRectF(0, top, _TICK_PX, height), _KEY)

    def _extent(self, place: int) -> tuple[float, float]:
        """Top and height, in the strip, of the slice at a place in reading order."""
        each = (self.height() - 4) / self._shown.slice_count
        height = max(each, 3.0)
        return min(2 + place * each, self.height() - 2 - height), height

    def _states(self) -> QImage:
        """One pixel per slice in reading order; a stack longer than the strip keeps its worst in sight."""
        shown = self._shown
        colours = np.full(shown.slice_count, _WAITING, np.uint32)
        if (volume := shown.volume) is not None and shown.acquired_plane:
            colours[volume.loaded] = _LOADED
            colours[list(volume.failed)] = _FAILED
        elif volume is not None and volume.loaded.all():
            colours[:] = _LOADED
        column = np.ascontiguousarray(colours if shown.reads_upward is False else colours[::-1])
        return QImage(column.data, 1, len(column), 4, QImage.Format.Format_RGB32).copy()
