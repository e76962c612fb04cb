"""The lesion inside a box, and a region around a point: what stands out from its surroundings.

The rule, for a box: the *seed* is the median HU of the box's middle; a ring around the box shows the
tissues it lies in. A tissue of the ring counts when at least a fifth of the ring holds it and it differs
from the seed by the smallest contrast that the noise lets us see. Pixels nearer to the seed than to those
tissues (half way: the full width at half maximum) form the lesion, of which the piece that holds most of
the box's middle is kept. Where the middle is what the ring mostly consists of, the lesion is off the
middle (an effusion's or a pneumothorax' crescent): then what differs from the ring is taken instead. Where
nothing differs enough, there is no lesion to measure, and None says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .geometry import SliceBox, SlicePlane

_CONTRAST_HU = 45.0  # less than this is texture, even without noise
_RING_SHARE = 0.2  # a tissue must fill this part of the ring to count as surroundings
_SAME_SHARE = 0.6  # the middle's own tissue fills this part of the ring: the middle is background
_LEAST_SHARE = 0.03  # a lesion fills at least this part of its box
_MOST_SHARE = 0.98  # and less than this, or the box shows no edge
_GROW_RADII_MM = (4.0, 6.0, 9.0, 13.0, 19.0, 28.0, 40.0)
_PIXEL_MM = 0.75  # assumed where a file has no spacing; scales the growing only, never a measurement


def pixels_in(box: SliceBox) -> tuple[slice, slice]:
    """Rows and columns whose pixel centres lie in a box; at least the one pixel that holds its middle."""
    return _centres(box.y0, box.y1), _centres(box.x0, box.x1)


def _centres(low: float, high: float) -> slice:
    first, last = math.ceil(low - 0.5), math.ceil(high - 0.5)
    if first >= last:
        first = math.floor((low + high) / 2)
        last = first + 1
    return slice(first, last)


@dataclass(frozen=True, slots=True)
class _Neighbourhood:
    """Tissues around a seed: HU of the nearest darker and brighter one, None where there is none."""

    darker_hu: float | None
    brighter_hu: float | None
    same_share: float


def segment_lesion(
    hu: NDArray[np.float64], padding: NDArray[np.bool_], box: SliceBox
) -> NDArray[np.bool_] | None:
    """The lesion inside a box, by the rule at the head of this file.

    Parameters
    ----------
    hu : array of float64, shape (row, col)
    padding : array of bool, shape (row, col)
    box : SliceBox
        Must lie on the slice.

    Returns
    -------
    array of bool, shape (row, col), inside the box only; None where nothing stands out.
    """
    rows, cols = pixels_in(box)
    window, ring = _surroundings(hu.shape, rows, cols)
    smooth, noise = _smooth(hu[window])
    valid = ~padding[window]
    inside = ~ring & valid
    middle = inside & _middle(hu.shape, rows, cols)[window]
    if not middle.any() or not (ring & valid).any():
        return None
    found = _stands_out(smooth, noise, inside, ring & valid, middle)
    if found is None:
        return None
    mask = np.zeros(hu.shape, np.bool_)
    mask[window] = found
    return mask


def _stands_out(
    smooth: NDArray[np.float64],
    noise: float,
    inside: NDArray[np.bool_],
    ring: NDArray[np.bool_],
    middle: NDArray[np.bool_],
) -> NDArray[np.bool_] | None:
    contrast = max(_CONTRAST_HU, 3 * noise)
    seed = float(np.median(smooth[middle]))
    around = _neighbourhood(smooth[ring], seed, contrast)
    if around.same_share < _SAME_SHARE:
        return _kept(_between(smooth, seed, around) & inside, inside)
    ring_hu = float(np.median(smooth[ring]))
    for differs in (smooth > ring_hu + contrast, smooth < ring_hu - contrast):
        values = smooth[differs & inside]
        if values.size >= _LEAST_SHARE * inside.sum():
            return _off_middle(smooth, float(np.median(values)), ring_hu, inside)
    return None


def _off_middle(
    smooth: NDArray[np.float64], lesion_hu: float, ring_hu: float, inside: NDArray[np.bool_]
) -> NDArray[np.bool_] | None:
    half_way = (lesion_hu + ring_hu) / 2
    mask = smooth > half_way if lesion_hu > ring_hu else smooth < half_way
    return _kept(mask & inside, inside)


def _between(smooth: NDArray[np.float64], seed: float, around: _Neighbourhood) -> NDArray[np.bool_]:
    low = -np.inf if around.darker_hu is None else (seed + around.darker_hu) / 2
    high = np.inf if around.brighter_hu is None else (seed + around.brighter_hu) / 2
    return np.asarray((smooth > low) & (smooth < high))


def _neighbourhood(ring_hu: NDArray[np.float64], seed: float, contrast: float) -> _Neighbourhood:
    darker, brighter = ring_hu[ring_hu < seed - contrast], ring_hu[ring_hu > seed + contrast]
    least = _RING_SHARE * ring_hu.size
    return _Neighbourhood(
        darker_hu=float(np.quantile(darker, 0.5)) if darker.size >= least else None,
        brighter_hu=float(np.quantile(brighter, 0.4)) if brighter.size >= least else None,
        same_share=1 - (darker.size + brighter.size) / ring_hu.size,
    )


def _kept(mask: NDArray[np.bool_], inside: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """The piece of the mask that holds most of the box's middle, if it is neither a speck nor the box."""
    labels, count = ndimage.label(mask)
    if not count:
        return None
    rows, cols = np.nonzero(inside)
    spread = max(float(np.ptp(rows)) + 1, float(np.ptp(cols)) + 1) / 4
    row_grid, col_grid = np.ogrid[: mask.shape[0], : mask.shape[1]]
    away = (row_grid - rows.mean()) ** 2 + (col_grid - cols.mean()) ** 2
    weight = np.exp(-away / (2 * spread**2))
    scores = np.bincount(labels.ravel(), weight.ravel(), minlength=count + 1)
    piece = labels == int(scores[1:].argmax()) + 1
    share = piece.sum() / max(1, inside.sum())
    return piece if _LEAST_SHARE <= share <= _MOST_SHARE and piece.sum() >= 3 else None


def _surroundings(
    shape: tuple[int, ...], rows: slice, cols: slice
) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """The box with a ring of a quarter of its size around it, and which of its pixels are the ring."""
    margin = max(3, round((rows.stop - rows.start + cols.stop - cols.start) / 8))
    window = (
        slice(max(0, rows.start - margin), min(shape[0], rows.stop + margin)),
        slice(max(0, cols.start - margin), min(shape[1], cols.stop + margin)),
    )
    ring = np.ones(shape, np.bool_)
    ring[rows, cols] = False
    return window, ring[window]


def _middle(shape: tuple[int, ...], rows: slice, cols: slice) -> NDArray[np.bool_]:
    middle = np.zeros(shape, np.bool_)
    thirds = [
        slice(s.start + (s.stop - s.start) // 3, max(s.stop - (s.stop - s.start) // 3, s.start + 1))
        for s in (rows, cols)
    ]
    middle[thirds[0], thirds[1]] = True
    return middle


def _smooth(hu: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Lightly smoothed HU, and the noise that is left in them (standard deviation, HU).

    The noise is the median absolute deviation from a local median: edges hardly count.
    """
    rough = hu - ndimage.median_filter(hu, 3)
    noise = float(np.median(np.abs(rough))) * 1.4826
    return np.asarray(ndimage.gaussian_filter(hu, 0.6), np.float64), noise / 2


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
    for radius_mm in _GROW_RADII_MM:
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
    smooth, noise = _smooth(hu[window])
    at = row - top, col - left
    seed = float(np.median(smooth[max(0, at[0] - 1) : at[0] + 2, max(0, at[1] - 1) : at[1] + 2]))
    edge = np.ones(smooth.shape, np.bool_)
    edge[1:-1, 1:-1] = False
    around = _neighbourhood(smooth[edge & ~padding[window]], seed, max(_CONTRAST_HU, 3 * noise))
    if around.same_share > _SAME_SHARE / 2:
        return None
    labels, _ = ndimage.label(_between(smooth, seed, around) & ~padding[window])
    piece = (labels == labels[at]) & (labels > 0)
    if piece.sum() < 4 or (piece & edge).sum() > 0.15 * edge.sum():
        return None
    rows, cols = np.nonzero(piece)
    return SliceBox(
        float(left + cols.min()),
        float(top + rows.min()),
        float(left + cols.max() + 1),
        float(top + rows.max() + 1),
    )


def outline(mask: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    """The outer edge of a mask's largest piece, as a closed polygon along pixel edges.

    Parameters
    ----------
    mask : array of bool, shape (row, col)

    Returns
    -------
    tuple of (x, y)
        Corners in slice pixels, clockwise on the screen, the first not repeated; empty for an empty mask.
    """
    labels, count = ndimage.label(mask)
    if not count:
        return ()
    piece = np.pad(labels == int(np.bincount(labels.ravel())[1:].argmax()) + 1, 1)
    row, col = (int(v) for v in np.argwhere(piece)[0])
    start, heading = (col, row), (1, 0)
    at, corners = start, [start]
    while True:
        at = (at[0] + heading[0], at[1] + heading[1])
        turned = _turn(piece, at, heading)
        if turned != heading and at != start:
            corners.append(at)
        heading = turned
        if at == start:
            return tuple((float(x - 1), float(y - 1)) for x, y in corners)


def _turn(piece: NDArray[np.bool_], at: tuple[int, int], heading: tuple[int, int]) -> tuple[int, int]:
    """Which way the edge goes on at a corner, with the mask on its right hand."""
    dx, dy = heading
    right = (-dy, dx)
    ahead_left = _pixel(piece, at, (dx + dy, dy - dx))
    ahead_right = _pixel(piece, at, (dx - dy, dy + dx))
    if not ahead_right:
        return right
    return (dy, -dx) if ahead_left else heading


def _pixel(piece: NDArray[np.bool_], at: tuple[int, int], towards: tuple[int, int]) -> bool:
    """Whether the pixel that touches corner ``at`` in a diagonal direction belongs to the mask."""
    col = at[0] if towards[0] > 0 else at[0] - 1
    row = at[1] if towards[1] > 0 else at[1] - 1
    return bool(piece[row, col])
