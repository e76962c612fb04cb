"""Words on the image: corners, patient directions, scale bar, warnings, research use."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from . import style
from .content import Lines, SliceScene
from .placement import Placement, Size

_SCALE_MM = (500, 200, 100, 50, 20, 10, 5, 2, 1)
_NARROW_PX = 620.0  # below this, corners and foot of the picture would meet


def paint_annotations(painter: QPainter, scene: SliceScene, placement: Placement, size: Size) -> None:
    """Paint all words of a scene."""
    painter.setFont(style.font(size))
    _paint_corners(painter, scene, size)
    if scene.letters is not None:
        _paint_letters(painter, scene, size)
    _paint_foot(painter, scene, placement, size)
    if scene.notice:
        _paint_notice(painter, scene.notice, size)


def scale_bar(placement: Placement, spacing_mm: tuple[float, float], size: Size) -> tuple[int, float]:
    """A round length that fits into a quarter of the viewport's width: (millimetres, viewport pixels)."""
    per_mm = placement.scale[0] / spacing_mm[1]
    fitting = next((mm for mm in _SCALE_MM if mm * per_mm <= size[0] / 4), _SCALE_MM[-1])
    return fitting, fitting * per_mm


def _paint_corners(painter: QPainter, scene: SliceScene, size: Size) -> None:
    corners, metrics = scene.corners, QFontMetricsF(painter.font())
    step, margin = style.line_height(metrics), style.MARGIN_PX
    below = _column(painter, corners.top_left, margin, margin, size, right=False)
    _column(painter, scene.warnings, margin, below + step / 3, size, right=False, colour=style.CAUTION)
    _column(painter, corners.top_right, size[0] - margin, margin, size, right=True)
    bottom = size[1] - margin - (_foot_height(scene, size) if size[0] < _NARROW_PX else 0.0)
    for lines, x, right in (
        (corners.bottom_left, margin, False),
        (corners.bottom_right, size[0] - margin, True),
    ):
        shown = [line for line in lines if line]
        _column(painter, tuple(shown), x, bottom - step * len(shown), size, right=right)


def _column(
    painter: QPainter,
    lines: Lines,
    x: float,
    y: float,
    size: Size,
    *,
    right: bool,
    colour: QColor = style.TEXT,
) -> float:
    """Lines one below the other, left- or right-aligned at ``x``; returns where the next would start."""
    metrics = QFontMetricsF(painter.font())
    for line in lines:
        text = metrics.elidedText(style.plain(line), Qt.TextElideMode.ElideRight, size[0] * 0.42)
        if not text:
            continue
        left = x - metrics.horizontalAdvance(text) if right else x
        style.halo_text(painter, QPointF(left, y + metrics.ascent()), text, colour)
        y += style.line_height(metrics)
    return y


def _paint_letters(painter: QPainter, scene: SliceScene, size: Size) -> None:
    assert scene.letters is not None
    painter.setFont(style.font(size, 1.25, bold=True))
    metrics, margin = QFontMetricsF(painter.font()), style.MARGIN_PX
    middle = size[1] / 2 + metrics.capHeight() / 2
    widths = {side: metrics.horizontalAdvance(getattr(scene.letters, side)) for side in scene.letters._fields}
    for side, at in {
        "left": QPointF(margin, middle),
        "right": QPointF(size[0] - margin - widths["right"], middle),
        "top": QPointF((size[0] - widths["top"]) / 2, margin + metrics.ascent()),
        "bottom": QPointF((size[0] - widths["bottom"]) / 2, size[1] - margin - _foot_height(scene, size)),
    }.items():
        style.halo_text(painter, at, getattr(scene.letters, side), style.LETTER)
    painter.setFont(style.font(size))


def _foot_height(scene: SliceScene, size: Size) -> float:
    """What footer and scale bar take at the bottom, so that the lower letter stands above them."""
    step = style.line_height(QFontMetricsF(style.font(size)))
    return step * ((1.0 if scene.footer else 0.0) + (1.6 if scene.spacing_mm else 0.0)) + 4


def _paint_foot(painter: QPainter, scene: SliceScene, placement: Placement, size: Size) -> None:
    metrics = QFontMetricsF(painter.font())
    bottom = size[1] - style.MARGIN_PX
    if scene.footer:
        _centred(painter, scene.footer, QPointF(size[0] / 2, bottom - metrics.descent()), style.MUTED)
        bottom -= style.line_height(metrics)
    if scene.spacing_mm is not None and scene.image is not None:
        length_mm, length = scale_bar(placement, scene.spacing_mm, size)
        _paint_bar(painter, length, f"{length_mm} mm", QPointF(size[0] / 2, bottom - 4))


def _paint_bar(painter: QPainter, length: float, text: str, at: QPointF) -> None:
    left, right = at.x() - length / 2, at.x() + length / 2
    for pen in style.pens(style.TEXT, 1.4):
        painter.setPen(pen)
        painter.drawLine(QPointF(left, at.y()), QPointF(right, at.y()))
        for x in (left, right):
            painter.drawLine(QPointF(x, at.y() - 4), QPointF(x, at.y() + 1))
    _centred(painter, text, QPointF(at.x(), at.y() - 6), style.TEXT)


def _centred(painter: QPainter, text: str, at: QPointF, colour: QColor) -> None:
    width = QFontMetricsF(painter.font()).horizontalAdvance(text)
    style.halo_text(painter, QPointF(at.x() - width / 2, at.y()), text, colour)


def _paint_notice(painter: QPainter, notice: str, size: Size) -> None:
    area = QRectF(size[0] * 0.12, size[1] * 0.35, size[0] * 0.76, size[1] * 0.3)
    painter.setFont(style.font(size, 1.15))
    painter.setPen(style.TEXT)
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(area, int(flags), style.plain(notice))
