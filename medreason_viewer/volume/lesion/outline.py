"""The outer edge of a mask as a polygon along pixel edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


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
