"""The very image the model reasoned on, and the enlarged region inside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from ...drawing.image import colour_image
from .. import theme
from ..overrides import guarded
from ..plain import ElidedLabel
from .answer import Answer
from .wording import SOURCES, size_mm

_LEAST, _MOST = 64, 172  # height in device-independent pixels


@guarded
class CrispImage(QWidget):
    """An image at the largest size that fits; enlarged pixels stay square, reduced ones are averaged."""

    def __init__(self, name: str, empty: str) -> None:
        super().__init__()
        self._image: QImage | None = None
        self._empty = empty
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(_LEAST)
        self.setMaximumHeight(_MOST)

    @property
    def image(self) -> QImage | None:
        """What is shown, None while there is nothing."""
        return self._image

    def show_pixels(self, pixels: NDArray[np.uint8] | None) -> None:
        """Show an RGB array of shape (row, col, 3), or nothing."""
        self._image = None if pixels is None else colour_image(pixels)
        self.update()

    def say_empty(self, words: str) -> None:
        """What stands where there is no image."""
        if words != self._empty:
            self._empty = words
            self.update()

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(_MOST, _MOST)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the image, or a word where there is none."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.GROUND))
        if self._image is None:
            painter.setPen(QColor(theme.MUTED))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self._empty)
            return
        scale = min(self.width() / self._image.width(), self.height() / self._image.height())
        shrinks = scale * self.devicePixelRatioF() < 1
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, shrinks)
        width, height = self._image.width() * scale, self._image.height() * scale
        left, top = (self.width() - width) / 2, (self.height() - height) / 2
        painter.drawImage(QRectF(left, top, width, height), self._image)


class ZoomPanel(QWidget):
    """Model input and enlarged region side by side, with what they are in words below."""

    def __init__(self) -> None:
        super().__init__()
        self.model_input = CrispImage("The image the model reasons on", "no image yet")
        self.zoom = CrispImage("The region, enlarged as the model sees it", "no region yet")
        self._zoom_caption = ElidedLabel(role="small")
        self.setMaximumHeight(_MOST + self._zoom_caption.sizeHint().height() + 3)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for image, caption in (
            (self.zoom, self._zoom_caption),
            (self.model_input, ElidedLabel("What the model sees", "small")),
        ):
            column = QVBoxLayout()
            column.setSpacing(3)
            column.addWidget(image, 1)
            column.addWidget(caption)
            row.addLayout(column, 1)

    def show_answer(self, answer: Answer | None) -> None:
        """Show the images of an explanation, or none."""
        zoom = answer.zoom if answer else None
        kept = answer is not None and answer.explanation is not None  # pictures are not, only what was said
        self.model_input.say_empty("not kept" if kept else "no image yet")
        self.zoom.say_empty("not kept" if kept else "no region yet")
        self.model_input.show_pixels(zoom.model_input if zoom else None)
        self.zoom.show_pixels(zoom.zoom if zoom else None)
        self._zoom_caption.setText(_zoom_caption(answer))


def _zoom_caption(answer: Answer | None) -> str:
    if answer is None or answer.zoom is None:
        return "Region, enlarged"
    size = size_mm(answer.zoom.crop_slice, answer.request.plane)
    source = f", {SOURCES[answer.region.source]}" if answer.region else ""
    return f"{size}{source}"
