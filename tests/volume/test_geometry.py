"""Planes, letters and tilt against formulas written here, independently, from DICOM PS3.3."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from medreason_viewer.volume.geometry import SliceBox, SlicePlane, letters_along
from medreason_viewer.volume.stack import growing_normal, measure_stack, plane_name, positions_along, tilt

Point = NDArray[np.float64]

angles = st.tuples(*[st.floats(-180, 180)] * 3)
places = st.tuples(*[st.floats(-2000, 2000)] * 3)
spacings = st.tuples(st.floats(0.05, 10), st.floats(0.05, 10))
pixels = st.floats(0, 1024)


def plane_of(
    turn: tuple[float, float, float], origin: Point | tuple[float, ...], spacing: tuple[float, float]
) -> SlicePlane:
    axes = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
    return SlicePlane(tuple(map(float, origin)), tuple(axes[:, 0]), tuple(axes[:, 1]), spacing)  # type: ignore[arg-type]


def by_the_standard(plane: SlicePlane, x: float, y: float) -> Point:
    """Equation C.7.6.2.1-1: the 4 x 4 matrix times (column index, row index, 0, 1)."""
    matrix = np.eye(4)
    row_mm, col_mm = plane.spacing_mm
    matrix[:3, 0] = np.array(plane.x_axis) * col_mm
    matrix[:3, 1] = np.array(plane.y_axis) * row_mm
    matrix[:3, 3] = plane.origin_mm
    return np.asarray(matrix @ [x - 0.5, y - 0.5, 0, 1])[:3]


@given(angles, places, spacings, pixels, pixels)
def test_points_lie_where_the_standard_says(
    turn: tuple[float, float, float],
    origin: tuple[float, float, float],
    spacing: tuple[float, float],
    x: float,
    y: float,
) -> None:
    plane = plane_of(turn, origin, spacing)
    point = plane.to_mm(x, y)
    assert np.allclose(point, by_the_standard(plane, x, y), atol=1e-6)
    assert plane.to_slice(point) == pytest.approx((x, y), abs=1e-6)
    off_the_slice = point + 7 * plane.normal
    assert plane.to_slice(off_the_slice) == pytest.approx((x, y), abs=1e-6)


@given(angles, places, spacings, st.tuples(*[st.integers(0, 500)] * 2), st.tuples(*[st.integers(1, 500)] * 2))
def test_corners_go_round_the_box(
    turn: tuple[float, float, float],
    origin: tuple[float, float, float],
    spacing: tuple[float, float],
    start: tuple[int, int],
    size: tuple[int, int],
) -> None:
    plane = plane_of(turn, origin, spacing)
    box = SliceBox(start[0], start[1], start[0] + size[0], start[1] + size[1])
    corners = plane.corners_mm(box)
    sides = np.linalg.norm(np.diff(np.vstack([corners, corners[:1]]), axis=0), axis=1)
    row_mm, col_mm = spacing
    assert np.allclose(sides, [size[0] * col_mm, size[1] * row_mm] * 2, atol=1e-6)
    assert np.allclose(corners[0], by_the_standard(plane, *start), atol=1e-6)


def independent_letters(direction: Point) -> str:
    """Angles to the six patient directions, nearest first, those beyond 84.3 degrees left out."""
    names = {
        "L": (1, 0, 0),
        "R": (-1, 0, 0),
        "P": (0, 1, 0),
        "A": (0, -1, 0),
        "H": (0, 0, 1),
        "F": (0, 0, -1),
    }
    found = [(float(np.dot(direction, axis)), letter) for letter, axis in names.items()]
    return "".join(letter for cosine, letter in sorted(found, reverse=True) if cosine > 0.1)


@given(angles, places, spacings)
def test_letters_follow_the_axes(
    turn: tuple[float, float, float], origin: tuple[float, float, float], spacing: tuple[float, float]
) -> None:
    plane = plane_of(turn, origin, spacing)
    x, y = np.array(plane.x_axis), np.array(plane.y_axis)
    for axis in (x, y):  # two cosines of one size, or one at the threshold, have no order to speak of
        sizes = np.sort(np.abs(axis))
        assume(np.diff(sizes).min() > 1e-9)
        assume(np.abs(sizes - 0.1).min() > 1e-9)
    left, right, top, bottom = plane.letters()
    assert (left, right) == (independent_letters(-x), independent_letters(x))
    assert (top, bottom) == (independent_letters(-y), independent_letters(y))


@given(angles, places, spacings)
def test_mirroring_the_axes_mirrors_the_letters(
    turn: tuple[float, float, float], origin: tuple[float, float, float], spacing: tuple[float, float]
) -> None:
    plane = plane_of(turn, origin, spacing)
    mirrored = SlicePlane(plane.origin_mm, tuple(-c for c in plane.x_axis), plane.y_axis, spacing)  # type: ignore[arg-type]
    assert mirrored.letters().left == plane.letters().right
    assert mirrored.letters().right == plane.letters().left
    assert mirrored.letters().top == plane.letters().top


@pytest.mark.parametrize(
    ("x_axis", "y_axis", "letters", "name"),
    [
        ((1, 0, 0), (0, 1, 0), "RLAP", "axial"),
        ((1, 0, 0), (0, 0, -1), "RLHF", "coronal"),
        ((0, 1, 0), (0, 0, -1), "APHF", "sagittal"),
        ((-1, 0, 0), (0, -1, 0), "LRPA", "axial"),
        ((-1, 0, 0), (0, 1, 0), "LRAP", "axial"),
    ],
)
def test_the_usual_planes(
    x_axis: tuple[float, float, float], y_axis: tuple[float, float, float], letters: str, name: str
) -> None:
    plane = SlicePlane((0, 0, 0), x_axis, y_axis, (1, 1))
    assert "".join(plane.letters()) == letters
    assert plane_name(plane) == name


def test_letters_of_oblique_directions() -> None:
    assert letters_along((0.8, -0.6, 0.0)) == "LA"
    assert letters_along((0.05, 0.0, -0.998)) == "F"


@given(angles, places, st.floats(0.3, 10), st.floats(-30, 30), st.integers(2, 60))
def test_tilt_is_the_angle_between_normal_and_line(
    turn: tuple[float, float, float],
    origin: tuple[float, float, float],
    step_mm: float,
    tip: float,
    count: int,
) -> None:
    axes = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
    way = Rotation.from_rotvec(np.radians(tip) * axes[:, 0]).apply(
        axes[:, 2]
    )  # the line, tipped off the normal
    planes = [
        plane_of(turn, np.asarray(origin) + way * step_mm * index, (1.0, 1.0)) for index in range(count)
    ]
    if positions_along(planes)[-1] < positions_along(planes)[0]:
        planes.reverse()
    angle, drift = tilt(planes)
    line = step_mm * (count - 1)
    assert angle == pytest.approx(abs(tip), abs=1e-3)
    assert drift == pytest.approx(line * abs(np.sin(np.radians(tip))), abs=1e-4)
    assert measure_stack(planes).step_mm == pytest.approx(step_mm * np.cos(np.radians(tip)), abs=1e-6)


@given(angles)
def test_the_normal_grows_along_its_largest_component(turn: tuple[float, float, float]) -> None:
    plane = plane_of(turn, (0, 0, 0), (1, 1))
    normal = growing_normal(plane)
    assert normal[np.argmax(np.abs(normal))] > 0
    assert abs(np.dot(normal, plane.x_axis)) < 1e-9
    assert abs(np.dot(normal, plane.y_axis)) < 1e-9


@pytest.mark.parametrize(
    ("x_axis", "y_axis", "spacing"),
    [
        ((1, 0, 0), (1, 0, 0), (1, 1)),
        ((2, 0, 0), (0, 1, 0), (1, 1)),
        ((1, 0, 0), (0, 1, 0), (0, 1)),
        ((1, 0, 0), (0, 1, 0), (1, -1)),
        ((1, 0, 0), (0, 1, 0), (float("nan"), 1)),
        ((1, 0, 0), (0, 1, 0), (float("inf"), 1)),
        ((float("nan"), 0, 0), (0, 1, 0), (1, 1)),
    ],
)
def test_nonsense_is_no_plane(
    x_axis: tuple[float, float, float], y_axis: tuple[float, float, float], spacing: tuple[float, float]
) -> None:
    with pytest.raises(ValueError, match="not a plane"):
        SlicePlane((0, 0, 0), x_axis, y_axis, spacing)


def test_boxes() -> None:
    box = SliceBox(10, 20, 30, 60)
    assert box.centre == (20, 40)
    assert box.contains(10, 20)
    assert not box.contains(30, 40)
    assert box.fits(60, 30)
    assert not box.fits(59, 30)
    assert box.iou(box) == 1
    assert box.iou(SliceBox(10, 20, 30, 40)) == 0.5
    assert box.iou(SliceBox(40, 70, 50, 80)) == 0
    for bad in ((5, 5, 5, 6), (-1, 0, 1, 1), (4, 1, 3, 2)):
        with pytest.raises(ValueError, match="empty or negative"):
            SliceBox(*bad)
