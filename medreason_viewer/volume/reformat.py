"""How the two planes that were not acquired are cut out of a stack: which axes, which way, which slices."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from .geometry import SlicePlane, Vector
from .series import Series
from .stack import growing_normal

PlaneName3 = Literal["axial", "coronal", "sagittal"]

_NAMES: Final[tuple[PlaneName3, ...]] = ("sagittal", "coronal", "axial")  # by the LPS axis they step along
# LPS axis and direction of (stepping through, down the picture, to the right of the picture).
_PICTURE: Final[dict[PlaneName3, tuple[tuple[int, int], tuple[int, int], tuple[int, int]]]] = {
    "axial": ((2, 1), (1, 1), (0, 1)),
    "coronal": ((1, 1), (2, -1), (0, 1)),
    "sagittal": ((0, 1), (2, -1), (1, 1)),
}
_EVEN_MM, _EVEN_SHARE = 0.01, 0.01  # steps that differ by more than both are uneven
_MOST_LINES = 4  # at most this many lines per slice when uneven slices are laid out

Any_ = TypeVar("Any_", bound=np.generic)


def native_plane(series: Series) -> PlaneName3:
    """The plane the series was acquired in, or the nearest to it; axial where nothing tells."""
    plane = series.frames[0].plane or series.frames[0].pose
    if plane is None:
        return "axial"
    return _NAMES[int(np.abs(plane.normal).argmax())]


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Where the slices of a series lie.

    Attributes
    ----------
    plane : SlicePlane or None
        The first slice's.
    axes : array of float64, shape (3, 3)
        LPS unit vectors of growing slice, row and column.
    spacing_mm : array of float64, shape (3,)
        Step of (slice, row, col); the smallest step where slices are uneven.
    nearest : array of int, shape (line,)
        The slice nearest to each evenly spaced place along the normal.
    shift : array of int, shape (slice, 2)
        How many (rows, columns) a slice lies off the first one's normal; zero without tilt.
    step_mm : array of float64, shape (3,)
        LPS vector from one line to the next; beside the normal where the stack is tilted.
    """

    plane: SlicePlane | None
    axes: NDArray[np.float64]
    spacing_mm: NDArray[np.float64]
    nearest: NDArray[np.intp]
    shift: NDArray[np.intp]
    step_mm: NDArray[np.float64]

    @property
    def even(self) -> bool:
        """Whether the stack is the volume itself."""
        return len(self.nearest) == len(self.shift) and not self.shift.any()


def stack_of(series: Series) -> Stack:
    count, first = len(series.frames), series.frames[0].plane
    origins = np.array([frame.plane.origin_mm for frame in series.frames if frame.plane is not None])
    if first is None or len(origins) != count:
        axes = _axes_without_mm(series)
        return Stack(None, axes, np.ones(3), np.arange(count), np.zeros((count, 2), np.intp), axes[0])
    away = origins - origins[0]
    normal = first.normal * (1 if away[-1] @ first.normal >= 0 else -1)
    axes = np.array([normal, first.y_axis, first.x_axis])
    step, nearest = _lines(away @ normal)
    spacing = np.array([step, *first.spacing_mm])
    shift = np.rint(away @ axes[1:].T / spacing[1:]).astype(np.intp)
    length = float(away[-1] @ normal)
    step_mm = away[-1] * (step / length) if length > 0 else normal * step
    return Stack(first, axes, spacing, nearest, shift, step_mm)


def _axes_without_mm(series: Series) -> NDArray[np.float64]:
    """Axes of growing slice, row and column where no slice has a place in mm: its pose's, else axial ones."""
    pose = series.frames[0].pose
    if pose is None:
        return np.array([(0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)])
    return np.array([growing_normal(pose), pose.y_axis, pose.x_axis])


def _lines(places_mm: NDArray[np.float64]) -> tuple[float, NDArray[np.intp]]:
    """The step between lines laid evenly over slices, and the slice nearest to each line."""
    count = len(places_mm)
    if count < 2:
        return 1.0, np.arange(count)
    steps = np.diff(places_mm)
    median = float(np.median(steps))
    if np.abs(steps - median).max() <= max(_EVEN_MM, _EVEN_SHARE * median):
        return float(places_mm[-1] - places_mm[0]) / (count - 1), np.arange(count)
    length = float(places_mm[-1] - places_mm[0])
    step = max(float(steps[steps > 0].min(initial=median)), length / (_MOST_LINES * count))
    wanted = np.arange(int(length / step + 0.5) + 1) * step
    after = np.clip(np.searchsorted(places_mm, wanted), 1, count - 1)
    nearer_before = wanted - places_mm[after - 1] <= places_mm[after] - wanted
    return step, np.where(nearer_before, after - 1, after)


@dataclass(frozen=True, slots=True, eq=False)
class Reformat:
    """One reformatted plane of a stack: which array axis is which, and which way they run.

    ``order`` gives the array axis (0 slice, 1 row, 2 column) of (through, down, right), ``flip`` whether
    each runs against its array axis. ``lines`` are the slices along the picture's slice axis.
    """

    stack: Stack
    size: tuple[int, int, int]
    order: tuple[int, int, int]
    flip: tuple[bool, bool, bool]
    lines: NDArray[np.intp]
    start: tuple[int, int]

    @property
    def count(self) -> int:
        """How many images the plane has."""
        return self.size[self.order[0]]

    def along(self, per_line: NDArray[Any_]) -> NDArray[Any_]:
        """One value per line, shaped so that it broadcasts over the picture."""
        return per_line[:, None] if self.order[1] == 0 else per_line[None, :]

    def take(
        self, stored: NDArray[np.int16] | NDArray[np.uint16], index: int
    ) -> tuple[NDArray[np.int16] | NDArray[np.uint16], NDArray[np.bool_] | None]:
        """The picture's stored values, shape (row, col), and which of them lie outside the stack."""
        through = self.count - 1 - index if self.flip[0] else index
        if not self.stack.even:
            return self._gathered(stored, through)
        picture = np.moveaxis(stored, self.order, (0, 1, 2))[through]
        picture = picture[:: -1 if self.flip[1] else 1, :: -1 if self.flip[2] else 1]
        # Values far apart in memory (sagittal) are gathered once, not at every change of the window.
        near = abs(picture.strides[1]) == picture.itemsize
        return (picture if near else np.ascontiguousarray(picture)), None

    def _gathered(
        self, stored: NDArray[np.int16] | NDArray[np.uint16], through: int
    ) -> tuple[NDArray[np.int16] | NDArray[np.uint16], NDArray[np.bool_]]:
        other = 3 - self.order[0]  # the in-plane array axis that the picture shows
        wanted = np.arange(self.size[other])
        if self.flip[self.order.index(other)]:
            wanted = wanted[::-1]
        shift, lines = self.stack.shift[self.lines], self.lines
        shown = wanted[None, :] + self.start[other - 1] - shift[:, other - 1, None]
        crossed = (through + self.start[2 - other] - shift[:, 2 - other])[:, None]
        outside = (shown < 0) | (shown >= stored.shape[other])
        outside |= (crossed < 0) | (crossed >= stored.shape[self.order[0]])
        shown = shown.clip(0, stored.shape[other] - 1)
        crossed = crossed.clip(0, stored.shape[self.order[0]] - 1)
        rows, cols = (shown, crossed) if other == 1 else (crossed, shown)
        picture = stored[lines[:, None], rows, cols]
        return (picture, outside) if self.order[1] == 0 else (picture.T, outside.T)

    def _voxel_mm(self, at: list[int]) -> NDArray[np.float64]:
        """LPS mm of the centre of a voxel of the laid-out stack (line, row, col)."""
        assert self.stack.plane is not None
        offset = np.array([at[0], at[1] + self.start[0], at[2] + self.start[1]]) * self.stack.spacing_mm
        return np.asarray(self.stack.plane.origin_mm + offset @ self.stack.axes, np.float64)

    def plane(self, index: int) -> SlicePlane | None:
        """Where the image lies in the patient; None without geometry."""
        if self.stack.plane is None:
            return None
        at = [0, 0, 0]
        at[self.order[0]] = self.count - 1 - index if self.flip[0] else index
        for axis, flipped in zip(self.order[1:], self.flip[1:], strict=True):
            at[axis] = self.size[axis] - 1 if flipped else 0
        down, right = (
            self.stack.axes[axis] * (-1 if flipped else 1)
            for axis, flipped in zip(self.order[1:], self.flip[1:], strict=True)
        )
        row_mm, col_mm = (float(self.stack.spacing_mm[axis]) for axis in self.order[1:])
        return SlicePlane(_vector(self._voxel_mm(at)), _vector(right), _vector(down), (row_mm, col_mm))

    def index_at(self, point_mm: NDArray[np.float64]) -> int:
        """Index of the image nearest to a point (LPS mm); may lie outside the stack."""
        axis = self.order[0]
        from_start = (point_mm - self._voxel_mm([0, 0, 0])) @ self.stack.axes[axis]
        index = round(float(from_start / self.stack.spacing_mm[axis]))
        return self.count - 1 - index if self.flip[0] else index


def _vector(values: NDArray[np.float64]) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])


def reformat(series: Series, plane_name: PlaneName3) -> Reformat:
    """How a plane that was not acquired is cut out of a series."""
    stack = stack_of(series)
    parts = stack.axes
    stepping = int(np.abs(parts[0]).argmax())
    ways = [lps for lps in permutations(range(3)) if lps[0] == stepping]
    best = max(ways, key=lambda lps: abs(parts[1, lps[1]]) + abs(parts[2, lps[2]]))
    order, flip = [], []
    for lps_axis, direction in _PICTURE[plane_name]:
        axis = best.index(lps_axis)
        order.append(axis)
        flip.append(bool(parts[axis, lps_axis] * direction < 0))
    low, high = stack.shift.min(axis=0), stack.shift.max(axis=0)
    rows, cols = series.rows + int(high[0] - low[0]), series.cols + int(high[1] - low[1])
    lines = stack.nearest[::-1] if flip[order.index(0)] else stack.nearest
    return Reformat(
        stack=stack,
        size=(len(stack.nearest), rows, cols),
        order=(order[0], order[1], order[2]),
        flip=(flip[0], flip[1], flip[2]),
        lines=lines,
        start=(int(low[0]), int(low[1])),
    )
