"""What can be measured on one slice: HU statistics, areas, lengths, and which side of the body.

HU statistics are taken in float64 over the pixels whose centres lie inside; padding is never part of them.
Lengths and areas are None without geometry. Segmentation has files of its own (:mod:`.segment`, :mod:`.grow`,
:mod:`.outline`); what others need of them is offered here as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from ..errors import RegionError
from .geometry import SliceBox, SlicePlane
from .lesion.grow import grow_region
from .lesion.outline import outline
from .lesion.segment import pixels_in, segment_lesion

__all__ = [
    "Side",
    "Statistics",
    "axes_mm",
    "body_side",
    "box_statistics",
    "grow_region",
    "mask_centre",
    "outline",
    "segment_lesion",
    "statistics",
]

Side = Literal["right", "left", "midline"]

_MIDLINE_MM = 10.0  # this near to the midline nothing is called right or left
_WHOLE_SHARE = 0.2  # of the wide lines must lie wholly in the picture for it to tell where the middle is
_BODY_HU = -300.0  # between fat and lung: body and table above, air outside below
_TABLE_MM = 8.0  # an opening this thick parts the table from the back


@dataclass(frozen=True, slots=True)
class Statistics:
    """What was measured inside an outline; HU in float64, lengths None without geometry."""

    mean_hu: float
    sd_hu: float
    min_hu: float
    max_hu: float
    pixels: int
    area_mm2: float | None
    long_axis_mm: float | None
    short_axis_mm: float | None


def statistics(hu: NDArray[np.float64], mask: NDArray[np.bool_], plane: SlicePlane | None) -> Statistics:
    """Statistics of the pixels of a mask.

    Parameters
    ----------
    hu : array of float64, shape (row, col)
    mask : array of bool, shape (row, col)
        Padding already left out.
    plane : SlicePlane or None
        None leaves area and axes None.

    Raises
    ------
    RegionError
        If the mask is empty.
    """
    values = hu[mask].astype(np.float64, copy=False)
    if not values.size:
        raise RegionError("The region holds no anatomy, only padding: mark another one.")
    area, long_axis, short_axis = None, None, None
    if plane is not None:
        area = values.size * plane.spacing_mm[0] * plane.spacing_mm[1]
        long_axis, short_axis = axes_mm(mask, plane.spacing_mm)
    return Statistics(
        mean_hu=float(values.mean()),
        sd_hu=float(values.std()),
        min_hu=float(values.min()),
        max_hu=float(values.max()),
        pixels=int(values.size),
        area_mm2=area,
        long_axis_mm=long_axis,
        short_axis_mm=short_axis,
    )


def box_statistics(
    hu: NDArray[np.float64], padding: NDArray[np.bool_], box: SliceBox, plane: SlicePlane | None
) -> Statistics:
    """Statistics of a box; its axes are the box's own sides, its area that of the pixels measured.

    Raises
    ------
    RegionError
        If the box leaves the slice, or holds nothing but padding.
    """
    if not box.fits(*hu.shape):
        raise RegionError("The box does not lie on the slice.")
    inside = np.zeros(hu.shape, np.bool_)
    inside[pixels_in(box)] = True
    found = statistics(hu, inside & ~padding, None)
    if plane is None:
        return found
    row_mm, col_mm = plane.spacing_mm
    sides = (box.x1 - box.x0) * col_mm, (box.y1 - box.y0) * row_mm
    return Statistics(
        mean_hu=found.mean_hu,
        sd_hu=found.sd_hu,
        min_hu=found.min_hu,
        max_hu=found.max_hu,
        pixels=found.pixels,
        area_mm2=found.pixels * row_mm * col_mm,
        long_axis_mm=max(sides),
        short_axis_mm=min(sides),
    )


def axes_mm(mask: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> tuple[float, float]:
    """Longest diameter of a mask, and the longest chord at right angles to it, in mm.

    Both are taken on the convex hull of the midpoints of the pixels' edges: a row of n pixels is n pixels
    long, and a disc is neither a pixel too wide (corners) nor a pixel too narrow (centres).

    Parameters
    ----------
    mask : array of bool, shape (row, col), not empty
    spacing_mm : tuple of float
        (row, col).
    """
    hull = _hull(mask, spacing_mm)
    across = hull[:, None, :] - hull[None, :, :]
    squared = (across**2).sum(axis=2)
    first, second = np.unravel_index(int(squared.argmax()), squared.shape)
    long_axis = math.sqrt(float(squared[first, second]))
    along = (hull[second] - hull[first]) / long_axis
    return long_axis, _longest_chord(hull @ along, hull @ np.array([-along[1], along[0]]))


def _hull(mask: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> NDArray[np.float64]:
    rows, cols = np.nonzero(mask)
    points = np.concatenate(
        [np.stack([cols + dx, rows + dy], axis=1) for dx, dy in ((0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5))]
    ) * np.array([spacing_mm[1], spacing_mm[0]])
    try:
        return np.asarray(points[ConvexHull(points).vertices], np.float64)
    except QhullError as error:  # four points of one pixel always span a plane, so this is a broken spacing
        raise RegionError("The region cannot be measured: the pixel spacing is not usable.") from error


def _longest_chord(along: NDArray[np.float64], across: NDArray[np.float64]) -> float:
    """Longest chord of a convex polygon in the direction ``across``.

    The chord's length is concave and piecewise linear between vertices, so a vertex holds the maximum.
    """
    lengths = []
    for position in along:
        cuts = _cuts(along, across, float(position))
        lengths.append(max(cuts) - min(cuts))
    return max(lengths)


def _cuts(along: NDArray[np.float64], across: NDArray[np.float64], position: float) -> list[float]:
    """Where the polygon's edges cross the line at ``position``."""
    next_along, next_across = np.roll(along, -1), np.roll(across, -1)
    crossing = (np.minimum(along, next_along) <= position) & (position <= np.maximum(along, next_along))
    start, stop = along[crossing], next_along[crossing]
    low, high = across[crossing], next_across[crossing]
    step = stop - start
    flat = np.abs(step) < 1e-12
    share = np.where(flat, 0.0, (position - start) / np.where(flat, 1.0, step))
    return [*(low + share * (high - low)).tolist(), *high[flat].tolist()]


def mask_centre(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Centre of gravity of a mask that is not empty, (x, y) in slice pixels."""
    rows, cols = np.nonzero(mask)
    return float(cols.mean() + 0.5), float(rows.mean() + 0.5)


def body_side(
    hu: NDArray[np.float64], padding: NDArray[np.bool_], plane: SlicePlane | None, x: float, y: float
) -> Side | None:
    """On which side of the body's midline a point lies, in the patient's own right and left.

    The midline is the median, over the lines of the body (table and air left out) that run from right to
    left, of the middle between its two ends. Right and left come from the plane's axes alone, so a
    mirrored or rotated picture changes nothing. Lines cut off by the edge of the picture, or of what was
    reconstructed, do not count: their middle is not the body's.

    Parameters
    ----------
    hu, padding : arrays, shape (row, col)
    plane : SlicePlane or None
    x, y : float
        The point in slice pixels.

    Returns
    -------
    ``"midline"`` within 10 mm of it; None without geometry, without a body on the slice, where most of the
    body is cut off, or where the slice does not run from right to left (sagittal).
    """
    if plane is None:
        return None
    leftward = (plane.x_axis[0], plane.y_axis[0])
    axis = 0 if abs(leftward[0]) >= abs(leftward[1]) else 1
    if abs(leftward[axis]) < 0.7:
        return None
    middle = _midline(_body(hu, padding, plane.spacing_mm), _near_edge(padding), axis)
    if middle is None:
        return None
    pixel_mm = plane.spacing_mm[1 - axis]
    left_mm = ((x, y)[axis] - middle) * pixel_mm * leftward[axis]
    if abs(left_mm) <= _MIDLINE_MM:
        return "midline"
    return "left" if left_mm > 0 else "right"


def _body(
    hu: NDArray[np.float64], padding: NDArray[np.bool_], spacing_mm: tuple[float, float]
) -> NDArray[np.bool_]:
    """The largest filled piece of tissue once thin things (table, tubes, clothes) are opened away."""
    tissue = ndimage.binary_fill_holes((hu > _BODY_HU) & ~padding)
    radius = [max(1, round(_TABLE_MM / 2 / spacing)) for spacing in spacing_mm]
    core = ndimage.minimum_filter(tissue, [2 * r + 1 for r in radius], mode="constant", cval=0)
    labels, count = ndimage.label(core)
    if not count:
        return np.zeros(hu.shape, np.bool_)
    biggest = int(np.bincount(labels.ravel())[1:].argmax()) + 1
    return np.asarray(ndimage.maximum_filter(labels == biggest, [2 * r + 1 for r in radius]), np.bool_)


def _near_edge(padding: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels within 3 of the picture's edge or of padding."""
    outside = np.pad(padding, 1, constant_values=True)
    return np.asarray(ndimage.maximum_filter(outside, 7)[1:-1, 1:-1], np.bool_)


def _midline(body: NDArray[np.bool_], edge: NDArray[np.bool_], axis: int) -> float | None:
    """Where the body's midline crosses the x (axis 0) or y (axis 1) direction, in slice pixels."""
    lines, edges = (body, edge) if axis == 0 else (body.T, edge.T)
    lines, edges = lines[lines.any(axis=1)], edges[lines.any(axis=1)]
    if not len(lines):
        return None
    first = lines.argmax(axis=1)
    last = lines.shape[1] - lines[:, ::-1].argmax(axis=1)
    wide = (last - first) >= (last - first).max() / 2  # neither an arm's end nor the tip of the breastbone
    line = np.arange(len(lines))
    whole = wide & ~edges[line, first] & ~edges[line, last - 1]
    if whole.sum() < _WHOLE_SHARE * wide.sum():
        return None
    return float(np.median((first + last)[whole])) / 2
