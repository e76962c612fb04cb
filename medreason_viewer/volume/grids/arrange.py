"""A grid of voxels with any axes -> slices, rows and columns the radiological way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from ..geometry import SlicePlane, Vector

# Where columns (x) and rows (y) of a picture lead, by the LPS axis that its slices are counted along.
_RADIOLOGICAL: Final = {
    0: ((0, 1, 0), (0, 0, -1)),  # sagittal: to the back, to the feet
    1: ((1, 0, 0), (0, 0, -1)),  # coronal: to the left, to the feet
    2: ((1, 0, 0), (0, 1, 0)),  # axial: to the left, to the back
}


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Voxels (i, j, k) of a file: k is the slowest axis.

    Attributes
    ----------
    size : (int, int, int)
        Voxels along i, j, k.
    origin_mm : array of float64, shape (3,)
        LPS position of the centre of voxel (0, 0, 0).
    spacing_mm : (float, float, float)
        Along i, j, k.
    axes : array of float64, shape (3, 3)
        Rows are the unit LPS directions of i, j, k.
    """

    size: tuple[int, int, int]
    origin_mm: NDArray[np.float64]
    spacing_mm: tuple[float, float, float]
    axes: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Which axis of a grid becomes slice, row and column, and which of them run backwards."""

    grid: Grid
    order: tuple[int, int, int]
    reversed: tuple[bool, bool, bool]

    def apply(self, voxels: NDArray[Any]) -> NDArray[Any]:
        """Voxels indexed [k, j, i] as [slice, row, col]; a view."""
        turned = voxels.transpose([2 - axis for axis in self.order])
        return turned[tuple(slice(None, None, -1 if backwards else 1) for backwards in self.reversed)]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, rows, cols)."""
        slices, rows, cols = (self.grid.size[axis] for axis in self.order)
        return slices, rows, cols

    @property
    def step_mm(self) -> float:
        """Distance between slices."""
        return self.grid.spacing_mm[self.order[0]]

    def planes(self) -> list[SlicePlane]:
        """Where each slice lies.

        Raises
        ------
        ValueError
            If the axes are not at right angles.
        """
        grid, (_, row, col) = self.grid, self.order
        along, y_axis, x_axis = (self._direction(place) for place in range(3))
        corner = self._corner()
        spacing = grid.spacing_mm[row], grid.spacing_mm[col]
        return [
            SlicePlane(
                _vector(corner + along * self.step_mm * index), _vector(x_axis), _vector(y_axis), spacing
            )
            for index in range(self.shape[0])
        ]

    def _direction(self, place: int) -> NDArray[np.float64]:
        direction: NDArray[np.float64] = self.grid.axes[self.order[place]]
        return -direction if self.reversed[place] else direction

    def _corner(self) -> NDArray[np.float64]:
        """The centre of the first voxel of the first slice, after turning."""
        corner = self.grid.origin_mm.astype(np.float64)
        for axis, backwards in zip(self.order, self.reversed, strict=True):
            if backwards:
                corner = corner + self.grid.axes[axis] * self.grid.spacing_mm[axis] * (
                    self.grid.size[axis] - 1
                )
        return corner


def arrange(grid: Grid) -> Arrangement:
    """Slices along k, rows and columns turned the radiological way, slices counted as the design says."""
    main = int(np.argmax(np.abs(grid.axes[2])))
    right, down = (np.array(way, np.float64) for way in _RADIOLOGICAL[main])
    straight = abs(grid.axes[0] @ right) + abs(grid.axes[1] @ down)
    crossed = abs(grid.axes[1] @ right) + abs(grid.axes[0] @ down)
    col, row = (0, 1) if straight >= crossed else (1, 0)
    backwards = grid.axes[2][main] < 0, grid.axes[row] @ down < 0, grid.axes[col] @ right < 0
    return Arrangement(grid, (2, row, col), cast(tuple[bool, bool, bool], tuple(map(bool, backwards))))


def _vector(values: Sequence[float] | NDArray[np.float64]) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
