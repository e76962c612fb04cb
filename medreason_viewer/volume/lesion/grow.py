"""A region around a point: what was clicked on, as far as it stands free of its surroundings."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry import SliceBox, SlicePlane
from .tissues import between, least_contrast, neighbourhood, smoothed

_RADII_MM: Final = (4.0, 6.0, 9.0, 13.0, 19.0, 28.0, 40.0)
_PIXEL_MM: Final = 0.75  # assumed where a file has no spacing; scales the growing only, never a measurement
_SAME_SHARE: Final = 0.3  # of a square's edge: the tissue goes on beyond it
_EDGE_SHARE: Final = 0.15  # of the edge that the region itself may touch


def grow_region(
    hu: NDArray[np.float64], padding: NDArray[np.bool_], point: tuple[float, float], plane: SlicePlane | None
) -> SliceBox | None:
    """A box around what was clicked on, grown until it stands free of its surroundings.

    Squares of growing size are laid around the point (4 to 40 mm to each side); the first in which the
    point's tissue ends before the square does gives the box.

    Parameters
    ----------
    hu, padding : arrays, shape (row, col)
    point : tuple of float
        (x, y) in slice pixels.
    plane : SlicePlane or None
        Scales the squares; 0.75 mm a pixel is assumed without it.

    Returns
    -------
    SliceBox or None
        None where the point lies off the slice, in padding, or in tissue without an end near by.
    """
    col, row = math.floor(point[0]), math.floor(point[1])
    if not (0 <= row < hu.shape[0] and 0 <= col < hu.shape[1]) or padding[row, col]:
        return None
    pixel_mm = min(plane.spacing_mm) if plane else _PIXEL_MM
    for radius_mm in _RADII_MM:
        found = _grown(hu, padding, (row, col), max(4, round(radius_mm / pixel_mm)))
        if found is not None:
            return found
    return None


def _grown(
    hu: NDArray[np.float64], padding: NDArray[np.bool_], pixel: tuple[int, int], radius: int
) -> SliceBox | None:
    row, col = pixel
    top, left = max(0, row - radius), max(0, col - radius)
    window = (slice(top, row + radius + 1), slice(left, col + radius + 1))
    smooth, noise = smoothed(hu[window])
    at = row - top, col - left
    seed = float(np.median(smooth[max(0, at[0] - 1) : at[0] + 2, max(0, at[1] - 1) : at[1] + 2]))
    edge = np.ones(smooth.shape, np.bool_)
    edge[1:-1, 1:-1] = False
    around = neighbourhood(smooth[edge & ~padding[window]], seed, least_contrast(noise))
    if around.same_share > _SAME_SHARE:
        return None
    labels, _ = ndimage.label(between(smooth, seed, around) & ~padding[window])
    piece = (labels == labels[at]) & (labels > 0)
    if piece.sum() < 4 or (piece & edge).sum() > _EDGE_SHARE * edge.sum():
        return None
    rows, cols = np.nonzero(piece)
    return SliceBox(
        float(left + cols.min()),
        float(top + rows.min()),
        float(left + cols.max() + 1),
        float(top + rows.max() + 1),
    )
