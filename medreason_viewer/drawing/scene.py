"""A slice with all that lies on it, and the one way to paint it: for the window and for files alike."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from . import style
from .annotations import paint_annotations
from .content import RESEARCH_USE, Corners, SliceScene
from .marks import paint_items
from .placement import Placement, Size

__all__ = ["RESEARCH_USE", "Corners", "SliceScene", "paint", "render"]


def paint(painter: QPainter, scene: SliceScene, size: Size, device_pixel_ratio: float = 1.0) -> None:
    """Paint a scene into the rectangle from (0, 0) to ``size`` (logical pixels of ``painter``)."""
    area = QRectF(0, 0, *size)
    painter.save()
    painter.setClipRect(area)
    painter.fillRect(area, style.GROUND)
    placement = scene.placement(size)
    if scene.image is not None:
        _paint_image(painter, scene.image, placement, device_pixel_ratio)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(style.font(size))
    paint_items(painter, scene.items, placement, scene.spacing_mm, size)
    paint_annotations(painter, scene, placement, size)
    painter.restore()


def render(scene: SliceScene, size: tuple[int, int], device_pixel_ratio: float = 1.0) -> QImage:
    """The scene as an image for a file; ``size`` in logical pixels. Needs a QGuiApplication."""
    width, height = (round(length * device_pixel_ratio) for length in size)
    drawn = QImage(width, height, QImage.Format.Format_RGB32)
    drawn.setDevicePixelRatio(device_pixel_ratio)
    painter = QPainter(drawn)
    try:
        paint(painter, scene, size, device_pixel_ratio)
    finally:
        painter.end()
    return drawn


def _paint_image(painter: QPainter, image: QImage, placement: Placement, device_pixel_ratio: float) -> None:
    """Interpolate, but keep pixels as they are where one of them is exactly one of the screen's."""
    exact = all(abs(scale * device_pixel_ratio - 1) < 1e-6 for scale in placement.scale)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not exact)
    target = QRectF(
        QPointF(*placement.offset),
        QPointF(*placement.to_view(image.width(), image.height())),
    )
    if exact:  # whole device pixels, or the painter would shift them by rounding
        corner = [round(value * device_pixel_ratio) / device_pixel_ratio for value in placement.offset]
        target.moveTopLeft(QPointF(*corner))
    painter.drawImage(target, image, QRectF(image.rect()), Qt.ImageConversionFlag.AutoColor)
