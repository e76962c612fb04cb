"""Circles, ellipses and masks as lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ....volume.lesion.outline import outline
from ..coordinates import Outline

_CORNERS: Final = 64


def circle(points: Outline) -> Outline:
    """A circle, given by its centre and a point on it."""
    centre, rim = np.array(points[0]), np.array(points[1])
    radius = float(np.hypot(*(rim - centre)))
    turns = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    return _points(centre + radius * np.stack([np.cos(turns), np.sin(turns)], axis=1))


def ellipse(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """An ellipse, given by the ends of its major and its minor axis; shape (4, axis) -> (corner, axis)."""
    centre = points[:2].mean(axis=0)
    major, minor = (points[1] - points[0]) / 2, (points[3] - points[2]) / 2
    turns = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    corners: NDArray[np.float64] = centre + np.outer(np.cos(turns), major) + np.outer(np.sin(turns), minor)
    return corners


def flat_ellipse(points: Outline) -> Outline:
    """An ellipse in slice pixels."""
    return _points(ellipse(np.array(points)))


def pieces(mask: NDArray[np.bool_]) -> int:
    """How many pieces a mask is in."""
    return int(ndimage.label(mask)[1])


def mask_outlines(mask: NDArray[np.bool_]) -> tuple[Outline, ...]:
    """The edges of every piece of a mask and of every hole in one, along pixel edges."""
    return tuple(_edges(mask))


def _edges(mask: NDArray[np.bool_]) -> Iterator[Outline]:
    labels, _ = ndimage.label(mask)
    for number, window in enumerate(ndimage.find_objects(labels), start=1):
        piece = labels[window] == number
        yield _moved(outline(piece), window)
        whole = ndimage.binary_fill_holes(
            piece, np.ones((3, 3), np.bool_)
        )  # an outline goes round corners, too
        holes, _ = ndimage.label(whole & ~piece)
        for inner, hole in enumerate(ndimage.find_objects(holes), start=1):
            yield _moved(_moved(outline(holes[hole] == inner), hole), window)


def _moved(points: Outline, window: tuple[slice, ...]) -> Outline:
    top, left = window[0].start, window[1].start
    return tuple((x + left, y + top) for x, y in points)


def _points(corners: NDArray[np.float64]) -> Outline:
    return tuple((float(x), float(y)) for x, y in corners)
