"""Drawing a phantom's structures on one slice: soft-edged shapes in millimetres, partial volume included.

Signed distances are in mm, negative inside. Body coordinates: x to the patient's left, y to the back, z to
the head, so an axial picture is seen from the feet, as a radiologist sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Waves = NDArray[np.float64]  # rows of (kx, ky, kz, phase), see `ripple`
Window = tuple[slice, slice]

ANGLES: Final = 2048  # entries of a polar table


@dataclass(frozen=True)
class Canvas:
    """The pixel grid of one slice in body coordinates.

    Parameters
    ----------
    matrix : int
        Rows and columns.
    spacing_mm : float
        Pixel size.
    centre_mm : tuple of float
        Body coordinates (x, y) of the middle of the picture.
    rotation : float
        How far the patient is turned about the long axis, radians.
    """

    matrix: int
    spacing_mm: float
    centre_mm: tuple[float, float]
    rotation: float

    @cached_property
    def scanner(self) -> tuple[Plane, Plane]:
        """Scanner coordinates of a row and a column of pixel centres, mm; shapes (1, col), (row, 1)."""
        along = ((np.arange(self.matrix) + 0.5 - self.matrix / 2) * self.spacing_mm).astype(np.float32)
        return along[None, :], along[:, None]

    @cached_property
    def grid(self) -> tuple[Plane, Plane]:
        """Body coordinates x and y of every pixel centre, mm; shape (row, col) each."""
        across, down = self.scanner
        cos, sin = np.float32(np.cos(self.rotation)), np.float32(np.sin(self.rotation))
        x = cos * across + sin * down + np.float32(self.centre_mm[0])
        y = cos * down - sin * across + np.float32(self.centre_mm[1])
        return x, y

    @cached_property
    def polar(self) -> tuple[Plane, NDArray[np.int32]]:
        """Distance from the body's axis, mm, and the index of the direction in a polar table."""
        x, y = self.grid
        turns = np.arctan2(y, x) * np.float32(ANGLES / (2 * np.pi))
        return np.hypot(x, y), turns.astype(np.int32) % ANGLES

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Column and row (index units) of a point given in body coordinates."""
        cos, sin = np.cos(self.rotation), np.sin(self.rotation)
        dx, dy = x - self.centre_mm[0], y - self.centre_mm[1]
        middle = self.matrix / 2 - 0.5
        return (cos * dx - sin * dy) / self.spacing_mm + middle, (
            sin * dx + cos * dy
        ) / self.spacing_mm + middle

    def window(self, x: float, y: float, reach_mm: float) -> Window:
        """The part of the picture within ``reach_mm`` of a point; may be empty."""
        col, row = self.pixel(x, y)
        half = reach_mm / self.spacing_mm + 1
        top, left = max(0, int(row - half)), max(0, int(col - half))
        return slice(top, max(top, int(row + half) + 2)), slice(left, max(left, int(col + half) + 2))

    def cover(self, distance: Plane) -> Plane:
        """How much of each pixel lies inside, 0 to 1, from its signed distance."""
        share: Plane = np.clip(np.float32(0.5) - distance * np.float32(1 / self.spacing_mm), 0, 1)
        return share


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipse: centre and half axes in mm, turned by ``angle`` radians (x axis towards y)."""

    x: float
    y: float
    a: float
    b: float
    angle: float = 0.0

    @property
    def reach(self) -> float:
        """Radius of the circle around it, mm."""
        return max(self.a, self.b)

    def distance(self, x: Plane, y: Plane) -> Plane:
        """Signed distance (first order), mm."""
        cos, sin = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        dx, dy = x - np.float32(self.x), y - np.float32(self.y)
        a, b = np.float32(self.a), np.float32(self.b)
        u, v = (cos * dx + sin * dy) / a, (cos * dy - sin * dx) / b
        q2 = u * u + v * v
        slope = np.hypot(u / a, v / b) + np.float32(1e-6)
        return ((q2 - 1) * np.float32(0.5) / slope).astype(np.float32, copy=False)

    def grown(self, mm: float) -> Ellipse:
        """The same ellipse with every half axis longer by ``mm`` (at least 0.5 mm long)."""
        return Ellipse(self.x, self.y, max(0.5, self.a + mm), max(0.5, self.b + mm), self.angle)


@dataclass(frozen=True, slots=True)
class Capsule:
    """A thick line from one point to another, mm."""

    x0: float
    y0: float
    x1: float
    y1: float
    radius: float

    @property
    def x(self) -> float:
        """Middle, x."""
        return (self.x0 + self.x1) / 2

    @property
    def y(self) -> float:
        """Middle, y."""
        return (self.y0 + self.y1) / 2

    @property
    def reach(self) -> float:
        """Radius of the circle around it, mm."""
        return float(np.hypot(self.x1 - self.x0, self.y1 - self.y0)) / 2 + self.radius

    def distance(self, x: Plane, y: Plane) -> Plane:
        """Signed distance, mm."""
        x0, y0 = np.float32(self.x0), np.float32(self.y0)
        dx, dy = np.float32(self.x1 - self.x0), np.float32(self.y1 - self.y0)
        along = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy + np.float32(1e-6))
        along = np.clip(along, 0, 1)
        away: Plane = np.hypot(x - x0 - along * dx, y - y0 - along * dy) - np.float32(self.radius)
        return away

    def grown(self, mm: float) -> Capsule:
        """The same line, thicker by ``mm`` all round (radius at least 0.5 mm)."""
        return Capsule(self.x0, self.y0, self.x1, self.y1, max(0.5, self.radius + mm))


Shape = Ellipse | Capsule


def fill(canvas: Canvas, hu: Plane, shape: Shape, value: float) -> None:
    """Paint a shape with one HU, soft at its edge."""
    window = canvas.window(shape.x, shape.y, shape.reach + canvas.spacing_mm)
    part = hu[window]
    if part.size:
        x, y = canvas.grid
        part += canvas.cover(shape.distance(x[window], y[window])) * (np.float32(value) - part)


def fill_bone(canvas: Canvas, hu: Plane, shape: Shape, cortex: float, marrow: float, shell_mm: float) -> None:
    """Paint a bone: a bright shell around marrow."""
    fill(canvas, hu, shape, cortex)
    inner = shape.grown(-shell_mm)
    if min(inner.reach, getattr(inner, "b", 9.0), getattr(inner, "radius", 9.0)) > 0.6:
        fill(canvas, hu, inner, marrow)


def blend(hu: Plane, alpha: Plane, value: float | Plane) -> None:
    """Paint the whole slice with ``value`` where ``alpha`` says."""
    hu += alpha * (value - hu)


def smooth_min(a: Plane, b: Plane, rounding_mm: float) -> Plane:
    """The union of two signed distances with its inner corner rounded."""
    near = np.maximum(np.float32(rounding_mm) - np.abs(a - b), 0)
    union: Plane = np.minimum(a, b) - near * near * np.float32(0.25 / rounding_mm)
    return union


def polar_table(outline: NDArray[np.float64]) -> Plane:
    """Radius of a star-shaped outline, (n, 2) points in mm, by direction; shape (ANGLES,)."""
    angle = np.arctan2(outline[:, 1], outline[:, 0])
    order = np.argsort(angle)
    turns = 2 * np.pi * np.arange(ANGLES) / ANGLES
    turns = np.where(turns > np.pi, turns - 2 * np.pi, turns)
    radius = np.interp(turns, angle[order], np.hypot(*outline.T)[order], period=2 * np.pi)
    table: Plane = radius.astype(np.float32)
    return table


def ripple(rng: np.random.Generator, shortest_mm: float, longest_mm: float, waves: int = 10) -> Waves:
    """Random plane waves for :func:`rippled`: rows of (kx, ky, kz, phase)."""
    length = np.exp(rng.uniform(np.log(shortest_mm), np.log(longest_mm), waves))
    direction = rng.normal(size=(waves, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return np.column_stack([direction * (2 * np.pi / length)[:, None], rng.uniform(0, 2 * np.pi, waves)])


def rippled(waves: Waves, x: Plane, y: Plane, z: float) -> Plane:
    """A smooth random field, about -1 to 1 with unit-like spread, the same for every slice of a phantom.

    ``x`` and ``y`` must be linear in row and column; sin(a + b) then falls into two matrix products.
    """
    origin = waves[:, 0] * x[0, 0] + waves[:, 1] * y[0, 0] + waves[:, 2] * z + waves[:, 3]
    by_row = waves[:, 0] * (x[-1, 0] - x[0, 0]) + waves[:, 1] * (y[-1, 0] - y[0, 0])
    by_col = waves[:, 0] * (x[0, -1] - x[0, 0]) + waves[:, 1] * (y[0, -1] - y[0, 0])
    down = origin[:, None] + by_row[:, None] * np.linspace(0, 1, x.shape[0])
    across = by_col[:, None] * np.linspace(0, 1, x.shape[1])
    sin_down, cos_down = np.sin(down).astype(np.float32).T, np.cos(down).astype(np.float32).T
    sin_across, cos_across = np.sin(across).astype(np.float32), np.cos(across).astype(np.float32)
    field: Plane = (sin_down @ cos_across + cos_down @ sin_across) * np.float32(1.4 / np.sqrt(len(waves)))
    return field
