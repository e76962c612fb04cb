"""Tapering tubes in space, such as vessels, and their sections on one slice, drawn many at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .paint import Canvas, Plane

_BUCKETS: Final = (3, 5, 8, 12, 18, 28, 44, 70)  # half sizes of the patches in which tubes are drawn, px


@dataclass(frozen=True, slots=True)
class Tubes:
    """Tapering tubes in space.

    Attributes
    ----------
    start, end : array of float, shape (n, 3)
        Body coordinates, mm.
    radius_start, radius_end : array of float, shape (n,)
        mm.
    """

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    radius_start: NDArray[np.float64]
    radius_end: NDArray[np.float64]

    def near(self, z: float, margin: float) -> Tubes:
        """Only the tubes that reach the plane ``z``."""
        reach = np.maximum(self.radius_start, self.radius_end) + margin
        low, high = np.minimum(self.start[:, 2], self.end[:, 2]), np.maximum(self.start[:, 2], self.end[:, 2])
        return self.take((low - reach < z) & (high + reach > z))

    def take(self, which: NDArray[np.bool_]) -> Tubes:
        """The tubes of a mask."""
        return Tubes(self.start[which], self.end[which], self.radius_start[which], self.radius_end[which])

    def grown(self, mm: float, factor: float = 1.0) -> Tubes:
        """The same tubes, thicker."""
        return Tubes(self.start, self.end, self.radius_start * factor + mm, self.radius_end * factor + mm)


def tube_cover(canvas: Canvas, tubes: Tubes, z: float) -> Plane:
    """How much of each pixel lies in some tube, 0 to 1; thin ones fade as partial volume does."""
    cover = np.zeros((canvas.matrix, canvas.matrix), np.float32)
    tubes = tubes.near(z, canvas.spacing_mm / 2)
    if not len(tubes.start):
        return cover
    middle, half = _footprints(canvas, tubes, z)
    edges = (0, *_BUCKETS[:-1], 10_000)
    for low, high, size in zip(edges[:-1], edges[1:], _BUCKETS, strict=True):
        chosen = (half > low) & (half <= high)
        if chosen.any():
            _draw_patches(canvas, cover, tubes.take(chosen), middle[chosen], size, z)
    return cover


def _footprints(canvas: Canvas, tubes: Tubes, z: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pixel (row, col) at the middle of each tube's part near the plane, and half its size in pixels."""
    reach = np.maximum(tubes.radius_start, tubes.radius_end) + canvas.spacing_mm / 2
    rise = tubes.end[:, 2] - tubes.start[:, 2]
    steep = np.where(np.abs(rise) < 1e-6, 1e-6, rise)
    at = np.stack([(z - reach - tubes.start[:, 2]) / steep, (z + reach - tubes.start[:, 2]) / steep])
    first, last = np.clip(at.min(0), 0, 1), np.clip(at.max(0), 0, 1)
    span = tubes.end - tubes.start
    middle = tubes.start + span * ((first + last) / 2)[:, None]
    half = np.hypot(span[:, 0], span[:, 1]) * (last - first) / 2 + reach
    cos, sin = np.cos(canvas.rotation), np.sin(canvas.rotation)
    dx, dy = middle[:, 0] - canvas.centre_mm[0], middle[:, 1] - canvas.centre_mm[1]
    offset = canvas.matrix / 2 - 0.5
    rows = (sin * dx + cos * dy) / canvas.spacing_mm + offset
    cols = (cos * dx - sin * dy) / canvas.spacing_mm + offset
    return np.rint(np.column_stack([rows, cols])).astype(np.int64), half / canvas.spacing_mm + 0.5


def _draw_patches(
    canvas: Canvas, cover: Plane, tubes: Tubes, middle: NDArray[np.int64], half: int, z: float
) -> None:
    """Draw tubes that fit into patches of one size, all at once."""
    step = np.arange(-half, half + 1)
    rows, cols = middle[:, 0, None, None] + step[:, None], middle[:, 1, None, None] + step[None, :]
    inside = (rows >= 0) & (rows < canvas.matrix) & (cols >= 0) & (cols < canvas.matrix)
    index = np.where(inside, rows * canvas.matrix + cols, 0)
    x, y = (axis.ravel()[index] for axis in canvas.grid)
    start, span = tubes.start.astype(np.float32), (tubes.end - tubes.start).astype(np.float32)
    dx, dy = x - start[:, 0, None, None], y - start[:, 1, None, None]
    dz = (np.float32(z) - start[:, 2])[:, None, None]
    sx, sy, sz = (span[:, axis, None, None] for axis in range(3))
    along = np.clip((dx * sx + dy * sy + dz * sz) / (sx * sx + sy * sy + sz * sz + np.float32(1e-4)), 0, 1)
    r0, r1 = (r.astype(np.float32)[:, None, None] for r in (tubes.radius_start, tubes.radius_end))
    radius = r0 + along * (r1 - r0)
    away = np.sqrt((dx - along * sx) ** 2 + (dy - along * sy) ** 2 + (dz - along * sz) ** 2)
    alpha = np.clip((radius - away) / np.float32(canvas.spacing_mm) + np.float32(0.5), 0, 1)
    alpha *= np.minimum(1, radius * np.float32(1.7 / canvas.spacing_mm)) * inside
    np.maximum.at(cover.reshape(-1), index.reshape(-1), alpha.reshape(-1))
