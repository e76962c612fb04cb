"""From voxels to patient millimetres (LPS), and which way the reader is looking.

Points on a slice are ``(x, y)`` in slice pixels, x to the right and y down; (0, 0) is the *outer corner*
of the first pixel, so the centre of that pixel, where DICOM puts ImagePositionPatient, is (0.5, 0.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = tuple[float, float, float]

_LETTERS = (("L", "R"), ("P", "A"), ("H", "F"))  # positive, negative end of each LPS axis
_EXACT, _ROUNDED = 1e-3, 1e-2  # how far axes are off unit length and right angles: as written, rounded
_OBLIQUE = 0.1  # a direction cosine below this gets no letter of its own (about 6 degrees)


class Letters(NamedTuple):
    """Patient directions at the four edges of a picture, such as ``R``, ``L``, ``A``, ``P``."""

    left: str
    right: str
    top: str
    bottom: str


@dataclass(frozen=True, slots=True)
class PixelBox:
    """A half-open box in pixels of some picture (x right, y down; edges, not centres).

    Each frame has a type of its own, so that a box of one is never taken for a box of another.

    Raises
    ------
    ValueError
        If the box is empty or starts before the picture does.
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not (0 <= self.x0 < self.x1 and 0 <= self.y0 < self.y1):
            raise ValueError(f"empty or negative box: {self}")

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box, (x, y) in its own pixels."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def as_tuple(self) -> tuple[float, float, float, float]:
        """``(x0, y0, x1, y1)``."""
        return self.x0, self.y0, self.x1, self.y1


@dataclass(frozen=True, slots=True)
class SliceBox(PixelBox):
    """A box on one slice, in slice pixels."""

    def contains(self, x: float, y: float) -> bool:
        """Whether the point (slice pixels) lies in the half-open box."""
        return self.x0 <= x < self.x1 and self.y0 <= y < self.y1

    def fits(self, rows: int, cols: int) -> bool:
        """Whether the box lies wholly on a slice of that size."""
        return self.x1 <= cols and self.y1 <= rows

    def iou(self, other: SliceBox) -> float:
        """Intersection over union of two boxes, 0 to 1."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        both = max(0.0, width) * max(0.0, height)
        area = (self.x1 - self.x0) * (self.y1 - self.y0) + (other.x1 - other.x0) * (other.y1 - other.y0)
        return both / (area - both)


@dataclass(frozen=True, slots=True)
class SlicePlane:
    """Where one slice lies in the patient.

    Parameters
    ----------
    origin_mm : Vector
        LPS position of the *centre* of the first pixel (ImagePositionPatient).
    x_axis, y_axis : Vector
        Unit vectors of increasing x (along a row) and y (down a column): ImageOrientationPatient.
    spacing_mm : tuple of float
        ``(row, col)``: distance between neighbouring rows, then columns (PixelSpacing).

    Raises
    ------
    ValueError
        If the axes are not unit vectors at right angles, or the spacing is not positive.
    """

    origin_mm: Vector
    x_axis: Vector
    y_axis: Vector
    spacing_mm: tuple[float, float]

    def __post_init__(self) -> None:
        x, y = self.x_axis, self.y_axis
        lengths_ok = abs(_dot(x, x) - 1) < _EXACT and abs(_dot(y, y) - 1) < _EXACT
        if not (lengths_ok and abs(_dot(x, y)) < _EXACT and min(self.spacing_mm) > 0):
            raise ValueError(f"not a plane: {self}")
        if not all(map(math.isfinite, (*self.origin_mm, *self.spacing_mm))):
            raise ValueError(f"not a plane: {self}")

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit normal, x axis cross y axis; shape (3,)."""
        return np.cross(self.x_axis, self.y_axis)

    def to_mm(self, x: float, y: float) -> NDArray[np.float64]:
        """LPS position in mm of a point on the slice; shape (3,).

        Equation C.7.6.2.1-1 of DICOM PS3.3, with x and y counted from the outer corner.
        """
        row_mm, col_mm = self.spacing_mm
        along_x = np.asarray(self.x_axis) * (x - 0.5) * col_mm
        along_y = np.asarray(self.y_axis) * (y - 0.5) * row_mm
        return np.asarray(self.origin_mm) + along_x + along_y

    def to_slice(self, point_mm: NDArray[np.float64] | Vector) -> tuple[float, float]:
        """The point's foot on the slice, (x, y) in slice pixels; the inverse of :meth:`to_mm`."""
        row_mm, col_mm = self.spacing_mm
        offset = np.asarray(point_mm) - np.asarray(self.origin_mm)
        return float(offset @ self.x_axis / col_mm + 0.5), float(offset @ self.y_axis / row_mm + 0.5)

    def corners_mm(self, box_slice: SliceBox) -> NDArray[np.float64]:
        """LPS mm of a box's corners: top left, top right, bottom right, bottom left; shape (4, 3)."""
        x0, y0, x1, y1 = box_slice.as_tuple()
        return np.stack([self.to_mm(x, y) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))])

    def letters(self) -> Letters:
        """Patient directions at the edges, from the same axes the pixels come from."""
        left, right = letters_along(tuple(-c for c in self.x_axis)), letters_along(self.x_axis)
        return Letters(left, right, letters_along(tuple(-c for c in self.y_axis)), letters_along(self.y_axis))


def straightened(x_axis: Vector, y_axis: Vector) -> tuple[Vector, Vector]:
    """Direction cosines that a header wrote with few digits, as unit vectors at right angles.

    Axes that :class:`SlicePlane` takes as they are, and those too far off to be rounding, are left alone.
    """
    x_length, y_length = math.sqrt(_dot(x_axis, x_axis)), math.sqrt(_dot(y_axis, y_axis))
    crossed = _dot(x_axis, y_axis)
    off = max(abs(x_length - 1), abs(y_length - 1), abs(crossed))
    if not _EXACT / 2 < off < _ROUNDED:
        return x_axis, y_axis
    x, y = np.array(x_axis) / x_length, np.array(y_axis) / y_length
    middle, across = (x + y) / np.linalg.norm(x + y), (x - y) / np.linalg.norm(x - y)
    x, y = (middle + across) / math.sqrt(2), (middle - across) / math.sqrt(2)  # each gives half the angle
    return (float(x[0]), float(x[1]), float(x[2])), (float(y[0]), float(y[1]), float(y[2]))


def _dot(a: Vector, b: Vector) -> float:
    """Plain Python: a scan makes thousands of planes, and numpy is slow on three numbers."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def letters_along(direction: tuple[float, ...]) -> str:
    """Patient direction(s) a unit vector points to, largest component first, such as ``"A"`` or ``"AR"``.

    Letters as in DICOM PS3.3 C.7.6.1.1.1, with H for head and F for foot.
    """
    order = sorted(range(3), key=lambda axis: -abs(direction[axis]))
    wanted = [axis for axis in order if abs(direction[axis]) > _OBLIQUE]
    return "".join(_LETTERS[axis][0 if direction[axis] > 0 else 1] for axis in wanted)
