"""Frames of one orientation -> their order in the patient, their steps, their tilt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .geometry import SlicePlane
from .series import Note, PlaneName

SAME_PLACE_MM: Final = 0.005  # positions are written with two or more decimals
_UNEVEN_MM, _UNEVEN_RATIO = 0.01, 0.01
_SAME_COSINE: Final = 5e-3  # a third of a degree
_GAP_RATIO: Final = 1.5
_TILT_DEG, _TILT_DRIFT_MM = 0.1, 0.05
_NAMED: Final = 0.8  # a normal this close to a patient axis gives the plane its name
_NAMES: Final[tuple[PlaneName, ...]] = ("sagittal", "coronal", "axial")


def growing_normal(plane: SlicePlane) -> NDArray[np.float64]:
    """The unit normal, turned so that its largest LPS component is positive; shape (3,)."""
    normal = plane.normal / np.linalg.norm(plane.normal)
    return normal * (1.0 if normal[_main_axis(normal)] > 0 else -1.0)


def plane_name(plane: SlicePlane) -> PlaneName:
    """What the acquired plane is called."""
    normal = growing_normal(plane)
    axis = _main_axis(normal)
    return _NAMES[axis] if normal[axis] > _NAMED else "oblique"


def same_orientation(one: SlicePlane | None, two: SlicePlane | None) -> bool:
    """Whether two planes look the same way, up to how headers round direction cosines."""
    if one is None or two is None:
        return one is two
    pairs = zip((*one.x_axis, *one.y_axis), (*two.x_axis, *two.y_axis), strict=True)
    return max(abs(a - b) for a, b in pairs) <= _SAME_COSINE


def _main_axis(normal: NDArray[np.float64]) -> int:
    return int(np.argmax(np.abs(normal)))


@dataclass(frozen=True, slots=True)
class Stack:
    """Where the slices of a sorted stack lie, and what is odd about it.

    ``step_mm`` is the median distance along the normal, ``tilt_deg`` the angle between the normal and the
    line through the positions; both 0 for fewer than two places.
    """

    step_mm: float
    tilt_deg: float
    notes: tuple[Note, ...]


def positions_along(planes: Sequence[SlicePlane]) -> NDArray[np.float64]:
    """Distance of each plane along the first one's growing normal, mm; shape (plane,)."""
    return np.array([plane.origin_mm for plane in planes]) @ growing_normal(planes[0])


def measure_stack(planes: Sequence[SlicePlane], declared_mm: float = 0.0) -> Stack:
    """Steps and tilt of planes that are sorted along their normal.

    ``declared_mm`` is what the header says the step is, 0 if nothing: half a series that was exported with
    every other slice has no odd step by its own median, and yet has gaps.
    """
    if len(planes) < 2:
        return Stack(0.0, 0.0, ())
    steps = np.diff(positions_along(planes))
    step_mm = float(np.median(steps))
    tilt_deg, drift_mm = tilt(planes)
    notes = _step_notes(steps, step_mm, declared_mm or step_mm)
    if tilt_deg > _TILT_DEG and drift_mm > _TILT_DRIFT_MM:
        notes.append(Note("tilt", f"The slices are tilted by {tilt_deg:.1f}° against the line they follow."))
    else:
        tilt_deg = 0.0
    return Stack(step_mm, tilt_deg, tuple(notes))


def tilt(planes: Sequence[SlicePlane]) -> tuple[float, float]:
    """Angle in degrees between the normal and the line from first to last slice; drift in the plane, mm."""
    line = np.asarray(planes[-1].origin_mm) - np.asarray(planes[0].origin_mm)
    along = float(line @ growing_normal(planes[0]))
    drift = math.sqrt(max(0.0, float(line @ line) - along**2))
    return math.degrees(math.atan2(drift, along)), drift


def _step_notes(steps: NDArray[np.float64], step_mm: float, declared_mm: float) -> list[Note]:
    notes = []
    spread = float(steps.max() - steps.min())
    if spread > _UNEVEN_MM and spread > _UNEVEN_RATIO * step_mm:
        text = f"The distance between slices varies from {steps.min():.2f} to {steps.max():.2f} mm."
        notes.append(Note("uneven_spacing", text))
    wide = np.flatnonzero(steps > _GAP_RATIO * min(step_mm, declared_mm))
    if wide.size:
        first = int(wide[0])
        text = f"{wide.size} gap(s): the first, of {steps[first]:.2f} mm, follows slice {first + 1}."
        notes.append(Note("gap", text))
    return notes
