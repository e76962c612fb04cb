"""A slice with all that lies on it, and the one way to paint it: for the window and for files alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from ..volume.geometry import Letters
from . import style
from .annotations import Corners, paint_annotations
from .marks import paint_item
from .overlay import OverlayItem
from .placement import Placement, Size, View, place

RESEARCH_USE: Final = "Research use only · not for diagnosis"


@dataclass(frozen=True, slots=True)
class SliceScene:
    """All that is needed to paint one slice.

    Parameters
    ----------
    image : QImage or None
        Grey pixels, one per pixel of the slice; None where there are none to show.
    shape : tuple of int
        ``(rows, cols)`` of the slice.
    spacing_mm : tuple of float or None
        ``(row, col)``; None draws square pixels, and no scale bar.
    letters : Letters or None
        Patient directions at the edges; None without geometry.
    warnings : tuple of str
        What the reader must know of this image, a few words each.
    items : tuple of OverlayItem
        Regions, outlines and measurements, the last on top.
    notice : str
        A sentence in place of the image: loading, or why it cannot be shown.
    """

    image: QImage | None
    shape: tuple[int, int]
    spacing_mm: tuple[float, float] | None = None
    view: View = field(default_factory=View)
    letters: Letters | None = None
    corners: Corners = field(default_factory=Corners)
    warnings: tuple[str, ...] = ()
    items: tuple[OverlayItem, ...] = ()
    notice: str = ""
    footer: str = RESEARCH_USE

    def placement(self, size: Size) -> Placement:
        """Where the slice lies in a viewport of ``size`` logical pixels."""
        return place(self.view, self.shape, self.spacing_mm, size)


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
    for item in scene.items:
        paint_item(painter, item, placement, scene.spacing_mm, size)
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
