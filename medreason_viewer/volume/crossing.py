"""Where one slice cuts another: the line that tells the reader of one where the other lies."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .geometry import SlicePlane

Point = tuple[float, float]
Shape = tuple[int, int]

_PARALLEL: Final = 0.02  # sine of about a degree: such planes have no line that means anything


def crossing(
    shown: SlicePlane, shape: Shape, other: SlicePlane, other_shape: Shape
) -> tuple[Point, Point] | None:
    """The part of ``shown`` that the picture of ``other`` cuts.

    Parameters
    ----------
    shape, other_shape : tuple of int
        (rows, cols) of the two pictures.

    Returns
    -------
    pair of points, or None
        The ends of the line in slice pixels of ``shown``; None where the pictures do not meet, or lie
        parallel.
    """
    direction_mm = np.cross(shown.normal, other.normal)
    if float(np.linalg.norm(direction_mm)) < _PARALLEL:
        return None
    through = _on_both(shown, other)
    start, end = through, through + direction_mm
    reach = _within(shown.to_slice(start), shown.to_slice(end), shape)
    other_reach = _within(other.to_slice(start), other.to_slice(end), other_shape)
    low, high = max(reach[0], other_reach[0]), min(reach[1], other_reach[1])
    if low >= high:
        return None
    return shown.to_slice(through + low * direction_mm), shown.to_slice(through + high * direction_mm)


def parallel(plane: SlicePlane, other: SlicePlane) -> bool:
    """Whether two slices lie parallel, to about a degree; they may face either way."""
    return float(np.linalg.norm(np.cross(plane.normal, other.normal))) < _PARALLEL


def _on_both(plane: SlicePlane, other: SlicePlane) -> NDArray[np.float64]:
    """A point on both planes (LPS mm): of all of them, the one nearest to the origin."""
    normals = np.array([plane.normal, other.normal])
    offsets = np.array([plane.normal @ np.array(plane.origin_mm), other.normal @ np.array(other.origin_mm)])
    return np.asarray(np.linalg.lstsq(normals, offsets, rcond=None)[0])


def _within(start: Point, end: Point, shape: Shape) -> tuple[float, float]:
    """From where to where, in steps from ``start`` to ``end``, a line lies on a picture; empty if nowhere."""
    low, high = -np.inf, np.inf
    for at, towards, size in ((start[0], end[0], shape[1]), (start[1], end[1], shape[0])):
        by = towards - at
        if abs(by) < 1e-9:
            if not 0 <= at <= size:
                return 1.0, 0.0
            continue
        first, last = sorted((-at / by, (size - at) / by))
        low, high = max(low, first), min(high, last)
    return float(low), float(high)
