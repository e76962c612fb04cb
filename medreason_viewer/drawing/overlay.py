"""What can lie on a slice: regions, outlines and measurements, as data in slice pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ..volume.geometry import SliceBox

Point = tuple[float, float]
Spacing = tuple[float, float]
Source = Literal["reader", "model", "grown"]


@dataclass(frozen=True, slots=True)
class RegionBox:
    """A box, who proposed it, and whether it is being edited (handles) or stands out (a selected step)."""

    box_slice: SliceBox
    source: Source
    label: str = ""
    handles: bool = False
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Outline:
    """A closed polygon, such as the border of a segmented lesion."""

    points_slice: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What somebody else drew, from a file: its lines, and what it is called and whose it is, in ``label``.

    Attributes
    ----------
    outlines_slice : tuple of outlines
        Each a line of points; one point alone marks a place.
    closed : bool
        Whether each line ends where it begins.
    """

    outlines_slice: tuple[tuple[Point, ...], ...]
    closed: bool
    label: str = ""


@dataclass(frozen=True, slots=True)
class Distance:
    """A straight line whose length is told."""

    start_slice: Point
    end_slice: Point

    def text(self, spacing_mm: Spacing | None) -> str:
        """The length in mm; in pixels, and saying so, where the slice is not calibrated."""
        return _length_text(self.length(spacing_mm), spacing_mm)

    def length(self, spacing_mm: Spacing | None) -> float:
        """In mm; in pixels where the slice is not calibrated."""
        return _apart(self.start_slice, self.end_slice, spacing_mm)


@dataclass(frozen=True, slots=True)
class Angle:
    """Two lines that meet in ``vertex_slice``."""

    start_slice: Point
    vertex_slice: Point
    end_slice: Point

    def degrees(self, spacing_mm: Spacing | None) -> float:
        """The angle between the lines, 0 to 180, measured in mm: unsquare pixels do not bend it."""
        first = _vector(self.vertex_slice, self.start_slice, spacing_mm)
        second = _vector(self.vertex_slice, self.end_slice, spacing_mm)
        cross = first[0] * second[1] - first[1] * second[0]
        return abs(math.degrees(math.atan2(cross, first[0] * second[0] + first[1] * second[1])))

    def text(self, spacing_mm: Spacing | None) -> str:
        """The angle in degrees."""
        return f"{self.degrees(spacing_mm):.1f}°"


@dataclass(frozen=True, slots=True)
class Crosshair:
    """Two thin lines through a point."""

    point_slice: Point


@dataclass(frozen=True, slots=True)
class KeyMark:
    """A star beside the upper letter: the reader marked this image."""


@dataclass(frozen=True, slots=True)
class ReferenceLine:
    """Where the slice of another viewport cuts this one."""

    start_slice: Point
    end_slice: Point


Measurement = Distance | Angle
OverlayItem = RegionBox | Outline | Drawn | Distance | Angle | Crosshair | KeyMark | ReferenceLine


def _vector(start: Point, end: Point, spacing_mm: Spacing | None) -> Point:
    row_mm, col_mm = spacing_mm or (1.0, 1.0)
    return (end[0] - start[0]) * col_mm, (end[1] - start[1]) * row_mm


def _apart(start: Point, end: Point, spacing_mm: Spacing | None) -> float:
    return math.hypot(*_vector(start, end, spacing_mm))


def _length_text(length: float, spacing_mm: Spacing | None) -> str:
    return f"{length:.1f} px (not calibrated)" if spacing_mm is None else f"{length:.1f} mm"
