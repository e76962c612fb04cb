"""Slice pixels to what DICOM objects count in, and back: the one place that knows.

SCOORD (PS3.3 C.18.6) and the PIXEL units of graphic annotations (PS3.3 C.10.5) both have (0, 0) at the outer
corner of the first pixel and (Columns, Rows) at that of the last, as slice pixels have. Only the corners of a
displayed area (PS3.3 C.10.4) are whole pixels, counted from 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...volume.geometry import SliceBox

Point = tuple[float, float]
Outline = tuple[Point, ...]


def box_outline(box: SliceBox) -> Outline:
    """A box's corners: top left, top right, bottom right, bottom left."""
    x0, y0, x1, y1 = box.as_tuple()
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


def closed_line(outline: Outline) -> NDArray[np.float64]:
    """An outline as SCOORD and graphic data, the first point repeated; shape (point, 2), (column, row)."""
    return np.array([*outline, outline[0]], np.float64)


def slice_points(graphic_data: NDArray[np.float64]) -> Outline:
    """Points of SCOORD or graphic data, shape (point, 2), as slice pixels."""
    return tuple((float(x), float(y)) for x, y in graphic_data)
