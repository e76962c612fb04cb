"""The lesion inside a box: what stands out from its surroundings.

The *seed* is the HU that fills the middle of the box; a ring around the box shows the tissues it lies in. A
tissue of the ring counts when at least a fifth of the ring holds it and it differs from the seed by the
smallest contrast that the noise lets us see. Pixels nearer to the seed than to those tissues (half way: the
full width at half maximum) form the lesion, of which the piece that holds most of the box's middle is kept.

Where the seed's tissue runs on beyond the box, the middle may be surroundings and the lesion a crescent
beside it (effusion, pneumothorax): a tissue is then taken instead that spans the box and ends with it, if
there is one. Where the middle is just what the ring consists of, there is no lesion to measure, and None says
so.

What was found is a lesion only if something marks it off, or every box in healthy tissue would hold one:
either it ends with the box and fills a good part of it, or its HU are a hump of their own in the histogram
of box and ring, with a valley to another tissue. A cut through one hump is texture. Vessels, heart and wall
do not mark aerated lung off, for that is where lung lies: it is compared with what holds air alone. Where
much of a piece is as dark as emphysema, that is what was found: its holes are too small for a hump of their
own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry import SliceBox
from .tissues import (
    aerated,
    airy,
    between,
    emphysematous,
    least_contrast,
    levels,
    neighbourhood,
    of_its_own,
    smoothed,
)

_SAME_SHARE: Final = 0.6  # the middle's own tissue fills this part of the ring: the middle is surroundings
_LEAK_SHARE: Final = 0.15  # of a piece beyond the box: it runs on
_TIGHT_SHARE: Final = 0.06  # of a piece beyond the box: it ends with the box
_SPAN: Final = 0.6  # of the box's width and height, for a lesion off its middle
_LEAST_SHARE: Final = 0.03  # a lesion fills at least this part of its box
_MOST_SHARE: Final = 0.98  # and less than this, or the box shows no edge
_CLOSED_SHARE: Final = 0.25  # of its box, for a piece that ends with the box and needs no other mark
_ONE_TISSUE: Final = 0.35  # of the middle near its median, or the median lies between two tissues

Mask = NDArray[np.bool_]


def pixels_in(box: SliceBox) -> tuple[slice, slice]:
    """Rows and columns whose pixel centres lie in a box; at least the one pixel that holds its middle."""
    return _centres(box.y0, box.y1), _centres(box.x0, box.x1)


def _centres(low: float, high: float) -> slice:
    first, last = math.ceil(low - 0.5), math.ceil(high - 0.5)
    if first >= last:
        first = math.floor((low + high) / 2)
        last = first + 1
    return slice(first, last)


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
    smooth, noise = smoothed(hu[window])
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
    smooth: NDArray[np.float64], noise: float, inside: Mask, ring: Mask, middle: Mask
) -> Mask | None:
    contrast = least_contrast(noise)
    seed = _seed(smooth[middle], contrast)
    around = neighbourhood(smooth[ring], seed, contrast)
    alike = between(smooth, seed, around) & (inside | ring)
    piece = _central(alike, inside)
    runs_on = piece is None or _beyond(piece, ring) > _LEAK_SHARE
    if runs_on:
        beside = _beside(smooth, seed, contrast, inside, ring)
        if beside is not None:
            return beside
    if around.same_share >= _SAME_SHARE:
        return None
    kept = _kept(alike & inside, inside)
    if kept is None or (not runs_on and kept.sum() >= _CLOSED_SHARE * inside.sum()):
        return kept
    return kept if _marked_off(smooth, kept, inside | ring, seed, contrast) else None


def _marked_off(smooth: NDArray[np.float64], piece: Mask, seen: Mask, seed: float, contrast: float) -> bool:
    """Whether the HU of a piece are a tissue of their own among those of box and ring."""
    if emphysematous(smooth[piece]):
        return True
    compared = seen & airy(smooth) if aerated(smooth[piece]) else seen
    return of_its_own(smooth[compared], seed, contrast)


def _seed(middle_hu: NDArray[np.float64], contrast: float) -> float:
    """The HU that fills the middle: its median, or that of the larger part where two tissues meet there."""
    median = float(np.median(middle_hu))
    if (np.abs(middle_hu - median) <= contrast).mean() >= _ONE_TISSUE:
        return median
    parts = middle_hu[middle_hu < median - contrast], middle_hu[middle_hu > median + contrast]
    return float(np.median(max(parts, key=len)))


def _beside(
    smooth: NDArray[np.float64], seed: float, contrast: float, inside: Mask, ring: Mask
) -> Mask | None:
    """The largest piece of another tissue than the middle's that spans the box and hardly goes beyond it."""
    tissues = np.array(levels(smooth[inside], contrast))
    if not len(tissues):
        return None
    nearest = np.abs(smooth[..., None] - tissues).argmin(axis=-1)
    best: Mask | None = None
    for tissue in np.flatnonzero(np.abs(tissues - seed) > 1.5 * contrast):
        for piece in _large_pieces((nearest == tissue) & (inside | ring), inside):
            own = piece & inside
            if _spans(own, inside) and _beyond(piece, ring) <= _TIGHT_SHARE:
                best = own if best is None or own.sum() > best.sum() else best
    return best


def _large_pieces(mask: Mask, inside: Mask) -> Iterator[Mask]:
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels[inside])
    for number in np.flatnonzero(sizes >= _LEAST_SHARE * inside.sum()):
        if number:
            yield labels == number


def _spans(piece: Mask, inside: Mask) -> bool:
    """Whether a piece reaches over most of the box's width and height, and leaves something of it."""
    if piece.sum() > _MOST_SHARE * inside.sum():
        return False
    return all(_extent(piece, axis) >= _SPAN * _extent(inside, axis) for axis in (0, 1))


def _extent(mask: Mask, axis: int) -> int:
    places = np.flatnonzero(mask.any(axis=axis))
    return int(places[-1] - places[0] + 1) if places.size else 0


def _beyond(piece: Mask, ring: Mask) -> float:
    return float((piece & ring).sum() / piece.sum())


def _central(mask: Mask, inside: Mask) -> Mask | None:
    """The piece of the mask that holds most of the box's middle."""
    labels, count = ndimage.label(mask)
    if not count:
        return None
    rows, cols = np.nonzero(inside)
    spread = max(float(np.ptp(rows)) + 1, float(np.ptp(cols)) + 1) / 4
    row_grid, col_grid = np.ogrid[: mask.shape[0], : mask.shape[1]]
    away = (row_grid - rows.mean()) ** 2 + (col_grid - cols.mean()) ** 2
    weight = np.exp(-away / (2 * spread**2))
    scores = np.bincount(labels.ravel(), weight.ravel(), minlength=count + 1)
    return np.asarray(labels == int(scores[1:].argmax()) + 1)


def _kept(mask: Mask, inside: Mask) -> Mask | None:
    """The central piece, if it is neither a speck nor the box."""
    piece = _central(mask, inside)
    if piece is None:
        return None
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
