"""Where a slice lies in a viewport: from slice pixels to viewport pixels and back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QTransform

from ..volume.geometry import SliceBox

Size = tuple[float, float]
Point = tuple[float, float]

MIN_ZOOM, MAX_ZOOM = 0.1, 40.0


@dataclass(frozen=True, slots=True)
class View:
    """How the reader looks at a slice; independent of the slice's and the viewport's size.

    Parameters
    ----------
    zoom : float
        1 shows the whole slice, as large as the viewport allows.
    centre : tuple of float
        ``(x, y)`` of the point in the middle of the viewport, as fractions of the slice's width and height.

    Raises
    ------
    ValueError
        If the zoom is not positive.
    """

    zoom: float = 1.0
    centre: Point = (0.5, 0.5)

    def __post_init__(self) -> None:
        if not self.zoom > 0:
            raise ValueError(f"not a zoom: {self.zoom}")


@dataclass(frozen=True, slots=True)
class Placement:
    """The map ``viewport = slice * scale + offset`` (logical viewport pixels), one scale per axis.

    The two scales differ where pixels are not square, so that a millimetre is as long down as across.
    """

    scale: Point
    offset: Point

    def to_view(self, x: float, y: float) -> Point:
        """Viewport pixels of a point in slice pixels."""
        return x * self.scale[0] + self.offset[0], y * self.scale[1] + self.offset[1]

    def to_slice(self, x: float, y: float) -> Point:
        """Slice pixels of a point in viewport pixels; the inverse of :meth:`to_view`."""
        return (x - self.offset[0]) / self.scale[0], (y - self.offset[1]) / self.scale[1]

    def to_view_point(self, point_slice: Point) -> QPointF:
        """The same as :meth:`to_view`, for QPainter."""
        return QPointF(*self.to_view(*point_slice))

    def to_view_rect(self, box_slice: SliceBox) -> QRectF:
        """A box on the slice as a rectangle in the viewport."""
        return QRectF(
            QPointF(*self.to_view(box_slice.x0, box_slice.y0)),
            QPointF(*self.to_view(box_slice.x1, box_slice.y1)),
        )

    def transform(self) -> QTransform:
        """The map as QPainter takes it."""
        return QTransform(self.scale[0], 0, 0, self.scale[1], *self.offset)


def place(
    view: View, shape: tuple[int, int], spacing_mm: tuple[float, float] | None, size: Size
) -> Placement:
    """Lay a slice out in a viewport.

    Parameters
    ----------
    shape : tuple of int
        ``(rows, cols)`` of the slice.
    spacing_mm : tuple of float or None
        ``(row, col)`` distance of neighbouring rows and columns; None draws square pixels.
    size : tuple of float
        ``(width, height)`` of the viewport in logical pixels.
    """
    rows, cols = shape
    row_mm, col_mm = spacing_mm or (1.0, 1.0)
    per_mm = min(size[0] / (cols * col_mm), size[1] / (rows * row_mm)) * view.zoom
    scale = per_mm * col_mm, per_mm * row_mm
    offset = (
        size[0] / 2 - view.centre[0] * cols * scale[0],
        size[1] / 2 - view.centre[1] * rows * scale[1],
    )
    return Placement(scale, offset)


def zoom_about(
    view: View, factor: float, point: Point, placement: Placement, shape: tuple[int, int], size: Size
) -> View:
    """Zoom so that what lies under ``point`` (viewport pixels) stays under it."""
    zoom = min(max(view.zoom * factor, MIN_ZOOM), MAX_ZOOM)
    ratio = zoom / view.zoom
    held = placement.to_slice(*point)
    centre = tuple(
        (h + (s / 2 - p) / (scale * ratio)) / length
        for h, s, p, scale, length in zip(held, size, point, placement.scale, shape[::-1], strict=True)
    )
    return View(zoom, (centre[0], centre[1]))


def pan(view: View, moved: Point, placement: Placement, shape: tuple[int, int]) -> View:
    """Move the slice by ``moved`` viewport pixels; its middle always stays reachable."""
    fractions = (
        view.centre[0] - moved[0] / placement.scale[0] / shape[1],
        view.centre[1] - moved[1] / placement.scale[1] / shape[0],
    )
    x, y = (min(max(fraction, 0.0), 1.0) for fraction in fractions)
    return replace(view, centre=(x, y))
