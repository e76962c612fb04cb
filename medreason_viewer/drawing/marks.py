"""How each overlay item looks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import singledispatch

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from . import style
from .overlay import (
    Angle,
    Crosshair,
    Distance,
    Drawn,
    KeyMark,
    Outline,
    OverlayItem,
    ReferenceLine,
    RegionBox,
    Spacing,
)
from .placement import Placement, Size

_SOURCE_WORDS = {"reader": "reader", "model": "model", "grown": "grown"}


class Labels:
    """Where words stand in a viewport already: those that come later stand beside them.

    Parameters
    ----------
    size : (width, height)
        Of the viewport, inside which labels are kept.
    """

    def __init__(self, size: Size) -> None:
        self.size = size
        self._taken: list[QRectF] = []

    def write(self, painter: QPainter, at: QPointF, text: str, colour: QColor) -> None:
        """A line of text from its bottom left, moved into the viewport where it would be cut."""
        metrics = QFontMetricsF(painter.font())
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, self.size[0] * 0.6)
        box = QRectF(at.x(), at.y() - metrics.height(), metrics.horizontalAdvance(text), metrics.height())
        box = self._free(style.inside(box, self.size))
        self._taken.append(box)
        style.halo_text(painter, QPointF(box.x(), box.y() + metrics.ascent()), text, colour)

    def _free(self, box: QRectF) -> QRectF:
        """The nearest place above or below where nothing is written; the same where there is none."""
        step = box.height() + 2
        for lines in (0, -1, -2, -3, 1, 2, 3):
            moved = box.translated(0, lines * step)
            inside = style.inside(moved, self.size) == moved
            if inside and not any(moved.intersects(taken) for taken in self._taken):
                return moved
        return box


def paint_items(
    painter: QPainter,
    items: Iterable[OverlayItem],
    placement: Placement,
    spacing_mm: Spacing | None,
    size: Size,
) -> None:
    """Paint items, one over the other; no words over each other. ``size`` is the viewport's."""
    labels = Labels(size)
    for item in items:
        _paint(item, painter, placement, spacing_mm, labels)


def handles(rect: QRectF) -> list[QPointF]:
    """The eight points by which a box is resized: corners and middles, clockwise from the top left."""
    x, y = rect.center().x(), rect.center().y()
    return [
        rect.topLeft(), QPointF(x, rect.top()), rect.topRight(), QPointF(rect.right(), y),
        rect.bottomRight(), QPointF(x, rect.bottom()), rect.bottomLeft(), QPointF(rect.left(), y),
    ]  # fmt: skip


@singledispatch
def _paint(
    item: OverlayItem, painter: QPainter, placement: Placement, spacing_mm: Spacing | None, labels: Labels
) -> None:
    raise TypeError(f"no way to paint {item!r}")


@_paint.register
def _region(
    item: RegionBox, painter: QPainter, placement: Placement, _spacing_mm: Spacing | None, labels: Labels
) -> None:
    rect, colour = placement.to_view_rect(item.box_slice), style.SOURCES[item.source]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in style.pens(colour, 3.0 if item.strong else 1.8, style.DASHES[item.source]):
        painter.setPen(pen)
        painter.drawRect(rect)
    if item.handles:
        _paint_handles(painter, rect, colour)
    words = style.plain(item.label)
    text = f"{_SOURCE_WORDS[item.source]} · {words}" if words else _SOURCE_WORDS[item.source]
    if not rect.intersects(QRectF(0, 0, *labels.size)):
        return  # words without their box would point nowhere
    below = QPointF(0, QFontMetricsF(painter.font()).height() + 5)
    at = rect.bottomLeft() + below if item.strong else rect.topLeft() - QPointF(0, 6)
    labels.write(painter, at, text, colour)


@_paint.register
def _outline(
    item: Outline, painter: QPainter, placement: Placement, _spacing_mm: Spacing | None, _labels: Labels
) -> None:
    polygon = QPolygonF([placement.to_view_point(point) for point in item.points_slice])
    _stroke(painter, polygon, style.LESION, closed=True)


@_paint.register
def _drawn(
    item: Drawn, painter: QPainter, placement: Placement, _spacing_mm: Spacing | None, labels: Labels
) -> None:
    area, corner = QRectF(0, 0, *labels.size), None
    for outline in item.outlines_slice:
        polygon = QPolygonF([placement.to_view_point(point) for point in outline])
        if len(outline) == 1:
            _dots(painter, [polygon.first()], style.OTHERS)
        else:
            _stroke(painter, polygon, style.OTHERS, closed=item.closed, width=1.4)
        if corner is None and polygon.boundingRect().adjusted(-1, -1, 1, 1).intersects(area):
            corner = polygon.boundingRect().topLeft()
    words = style.plain(item.label)
    if words and corner is not None:
        labels.write(painter, corner - QPointF(0, 5), words, style.OTHERS)


@_paint.register
def _distance(
    item: Distance, painter: QPainter, placement: Placement, spacing_mm: Spacing | None, labels: Labels
) -> None:
    ends = [placement.to_view_point(point) for point in (item.start_slice, item.end_slice)]
    _stroke(painter, QPolygonF(ends), style.MEASURE)
    _dots(painter, ends)
    if QRectF(0, 0, *labels.size).contains(ends[1]):
        labels.write(painter, ends[1] + QPointF(8, -6), item.text(spacing_mm), style.MEASURE)


@_paint.register
def _angle(
    item: Angle, painter: QPainter, placement: Placement, spacing_mm: Spacing | None, labels: Labels
) -> None:
    points = [placement.to_view_point(p) for p in (item.start_slice, item.vertex_slice, item.end_slice)]
    _stroke(painter, QPolygonF(points), style.MEASURE)
    _dots(painter, points)
    if QRectF(0, 0, *labels.size).contains(points[1]):
        labels.write(painter, points[1] + QPointF(8, -6), item.text(spacing_mm), style.MEASURE)


@_paint.register
def _crosshair(
    item: Crosshair, painter: QPainter, placement: Placement, _spacing_mm: Spacing | None, labels: Labels
) -> None:
    at = placement.to_view_point(item.point_slice)
    gap = 12.0  # what the reader points at stays free
    for line in (
        (QPointF(0, at.y()), QPointF(at.x() - gap, at.y())),
        (QPointF(at.x() + gap, at.y()), QPointF(labels.size[0], at.y())),
        (QPointF(at.x(), 0), QPointF(at.x(), at.y() - gap)),
        (QPointF(at.x(), at.y() + gap), QPointF(at.x(), labels.size[1])),
    ):
        _stroke(painter, QPolygonF(list(line)), style.CROSSHAIR, width=1.0)


@_paint.register
def _reference(
    item: ReferenceLine, painter: QPainter, placement: Placement, _spacing_mm: Spacing | None, _labels: Labels
) -> None:
    ends = [placement.to_view_point(point) for point in (item.start_slice, item.end_slice)]
    _stroke(painter, QPolygonF(ends), style.REFERENCE, width=1.0)


@_paint.register
def _key(
    _item: KeyMark, painter: QPainter, _placement: Placement, _spacing_mm: Spacing | None, labels: Labels
) -> None:
    """Between the upper letter and the right corner, where nothing else stands."""
    height = QFontMetricsF(painter.font()).height()
    radius = height * 0.62
    centre = QPointF(labels.size[0] / 2 + height * 1.7 + radius, style.MARGIN_PX + radius)
    painter.setPen(QPen(style.HALO, 1.5))
    painter.setBrush(style.KEY)
    painter.drawPolygon(_star(centre, radius))


def _star(centre: QPointF, radius: float) -> QPolygonF:
    """Five points, one of them up."""
    turns = [math.pi * (place / 5 - 0.5) for place in range(10)]
    radii = [radius if place % 2 == 0 else radius * 0.42 for place in range(10)]
    return QPolygonF(
        [centre + QPointF(r * math.cos(t), r * math.sin(t)) for r, t in zip(radii, turns, strict=True)]
    )


def _stroke(
    painter: QPainter, points: QPolygonF, colour: QColor, *, closed: bool = False, width: float = 1.5
) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in style.pens(colour, width):
        painter.setPen(pen)
        if closed:
            painter.drawPolygon(points)
        else:
            painter.drawPolyline(points)


def _dots(painter: QPainter, points: list[QPointF], colour: QColor = style.MEASURE) -> None:
    painter.setPen(style.HALO)
    painter.setBrush(colour)
    for point in points:
        painter.drawEllipse(point, 2.8, 2.8)


def _paint_handles(painter: QPainter, rect: QRectF, colour: QColor) -> None:
    half = style.HANDLE_PX / 2
    painter.setPen(style.HALO)
    painter.setBrush(colour)
    for point in handles(rect):
        painter.drawRect(QRectF(point.x() - half, point.y() - half, 2 * half, 2 * half))
