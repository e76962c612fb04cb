"""Planes of an asymmetric volume, acquired in every orientation: left is left, mm are where they were."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from ct_in_memory import make_series, make_volume
from numpy.typing import NDArray

from medreason_viewer.volume import slices
from medreason_viewer.volume.ct import CtVolume
from medreason_viewer.volume.geometry import SlicePlane, Vector
from medreason_viewer.volume.reformat import PlaneName3
from medreason_viewer.volume.series import Note, Series
from medreason_viewer.volume.window import Window, to_grey

PLANES: tuple[PlaneName3, ...] = ("axial", "coronal", "sagittal")
LETTERS = {"axial": "RLAP", "coronal": "RLHF", "sagittal": "APHF"}  # left, right, top, bottom
WINDOW = Window(40, 400)
AXES: list[Vector] = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]


def every_orientation() -> list[tuple[Vector, Vector]]:
    """The 24 ways in which rows and columns can run along the patient's axes, and one oblique."""
    ways: list[tuple[Vector, Vector]] = []
    for (x, y), (sign_x, sign_y) in product(permutations(range(3), 2), product((1, -1), repeat=2)):
        x_axis, y_axis = np.array(AXES[x]) * sign_x, np.array(AXES[y]) * sign_y
        ways.append((vector(x_axis), vector(y_axis)))
    tilt = np.radians(8)
    ways.append(((1.0, 0.0, 0.0), (0.0, float(np.cos(tilt)), float(np.sin(tilt)))))
    return ways


def vector(values: NDArray[np.float64]) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])


def moved(series: Series, offset_mm: tuple[float, float, float]) -> Series:
    """The series away from the origin, so that signs show."""
    frames = []
    for frame in series.frames:
        assert frame.plane is not None
        origin = np.add(frame.plane.origin_mm, offset_mm)
        frames.append(replace(frame, plane=replace(frame.plane, origin_mm=vector(origin))))
    return replace(series, frames=tuple(frames))


def value_at(volume: CtVolume, point_mm: NDArray[np.float64]) -> float:
    """HU of the voxel whose centre is a point, found by the frames' own planes."""
    for index, frame in enumerate(volume.series.frames):
        assert frame.plane is not None
        if abs((point_mm - frame.plane.origin_mm) @ frame.plane.normal) < 1e-6:
            x, y = frame.plane.to_slice(point_mm)
            return float(volume.hu(index)[int(np.floor(y)), int(np.floor(x))])
    raise AssertionError("no slice there")


@pytest.mark.parametrize("axes", every_orientation())
def test_every_pixel_of_every_plane_is_the_voxel_at_its_millimetres(axes: tuple[Vector, Vector]) -> None:
    series = moved(make_series((5, 7, 6), (3.0, 0.7, 1.1), axes, intercept=-1000), (-40.0, 25.0, 300.0))
    volume = make_volume(series)
    for name in PLANES:
        for index in range(slices.plane_count(volume, name)):
            image = slices.plane_image(volume, name, index)
            assert image.plane is not None
            hu = image.hu()
            for row, col in ((0, 0), (0, hu.shape[1] - 1), (hu.shape[0] - 1, 0), (hu.shape[0] // 2, 1)):
                point = image.plane.to_mm(col + 0.5, row + 0.5)
                assert hu[row, col] == value_at(volume, point), f"{name} {index} at {row}, {col}"


@pytest.mark.parametrize("axes", every_orientation())
def test_reformats_are_shown_the_radiological_way(axes: tuple[Vector, Vector]) -> None:
    volume = make_volume(make_series((5, 7, 6), (3.0, 0.7, 1.1), axes))
    for name in PLANES:
        image = slices.plane_image(volume, name, 1)
        assert image.plane is not None
        assert image.native == (name == slices.native_plane(volume.series))
        if not image.native:
            assert "".join(letter[0] for letter in image.plane.letters()) == LETTERS[name]


@pytest.mark.parametrize("axes", every_orientation())
def test_indices_grow_with_the_patients_axis(axes: tuple[Vector, Vector]) -> None:
    volume = make_volume(make_series((5, 7, 6), (3.0, 0.7, 1.1), axes))
    for lps, name in ((2, "axial"), (1, "coronal"), (0, "sagittal")):
        images = [
            slices.plane_image(volume, name, index) for index in range(slices.plane_count(volume, name))
        ]
        places = [image.plane.to_mm(3, 3)[lps] for image in images if image.plane]
        assert places == sorted(places)
        assert len(set(places)) == len(places)
        for image in images:
            assert image.plane is not None
            assert slices.index_at(volume, name, image.plane.to_mm(2.5, 2.5)) == image.index


def test_no_such_image() -> None:
    volume = make_volume(make_series())
    with pytest.raises(IndexError, match="no coronal image 40"):
        slices.plane_image(volume, "coronal", 40)
    with pytest.raises(IndexError):
        slices.plane_image(volume, "axial", -1)
    assert slices.index_at(volume, "coronal", np.array([0.0, 500.0, 0.0])) is None


def test_grey_is_the_window_of_hu_whichever_way_it_is_computed() -> None:
    plain = make_volume(make_series(slope=1.5, intercept=-700.5))
    differing = make_volume(make_series())
    differing.slope[:] = np.linspace(0.5, 32.1216, len(differing.slope))
    for volume in (plain, differing):
        for name in PLANES:
            image = slices.plane_image(volume, name, 2)
            np.testing.assert_array_equal(image.grey(WINDOW), to_grey(image.hu(), WINDOW))


def test_hu_of_reformats_keep_each_slices_own_rescale() -> None:
    volume = make_volume(make_series())
    volume.slope[:], volume.intercept[:] = [1, 2, 3, 4, 5, 6], [0, 10, 20, 30, 40, 50]
    coronal = slices.plane_image(volume, "coronal", 7).hu()
    for index in range(6):
        np.testing.assert_array_equal(coronal[5 - index], volume.hu(index)[7])


def test_monochrome1_is_inverted_after_windowing_and_hu_are_not() -> None:
    plain, inverted = make_volume(make_series()), make_volume(make_series(inverted=True))
    for name in PLANES:
        one, other = slices.plane_image(plain, name, 1), slices.plane_image(inverted, name, 1)
        np.testing.assert_array_equal(one.hu(), other.hu())
        np.testing.assert_array_equal(255 - one.grey(WINDOW), other.grey(WINDOW))


def test_padding_is_air_in_every_plane() -> None:
    volume = make_volume(make_series(padding=(-100, -95)))
    for name in PLANES:
        image = slices.plane_image(volume, name, 0)
        padded = (image.stored >= -100) & (image.stored <= -95)
        np.testing.assert_array_equal(image.padding(), padded)
        assert (image.hu()[padded] == -1000).all()
        assert (image.grey(Window(-1000, 2))[padded] == 128).all()
    assert slices.plane_image(volume, "axial", 0).padding().any()


def test_slices_still_to_come_are_black_and_never_measured() -> None:
    volume = make_volume(make_series())
    volume.loaded[2] = False
    assert not slices.plane_image(volume, "axial", 2).grey(Window(-1000, 1)).any()
    assert slices.plane_image(volume, "axial", 2).padding().all()
    coronal = slices.plane_image(volume, "coronal", 3)
    assert not coronal.grey(Window(-1000, 1))[3].any()
    np.testing.assert_array_equal(coronal.padding().any(axis=1), [False] * 3 + [True] + [False] * 2)


def test_without_geometry_pictures_are_shown_without_millimetres() -> None:
    volume = make_volume(make_series(geometry=False))
    for name in PLANES:
        assert slices.plane_image(volume, name, 1).plane is None
    assert slices.index_at(volume, "coronal", np.zeros(3)) is None
    assert slices.image_key(volume, slices.plane_image(volume, "coronal", 1)).origin_mm is None


def bent(series: Series, heights: list[float], lean: float = 0.0) -> Series:
    """The series with its slices at these heights, each pushed back by ``lean`` mm per mm of height."""
    frames = tuple(
        replace(frame, plane=SlicePlane((0.0, lean * z, z), (1, 0, 0), (0, 1, 0), (1.0, 1.0)))
        for frame, z in zip(series.frames, heights, strict=True)
    )
    note = Note("uneven_spacing", "Slices lie unevenly.")
    return replace(series, frames=frames, warnings=(note,))


def test_uneven_slices_lie_where_they_are() -> None:
    heights = [0.0, 2.0, 4.0, 8.0, 12.0, 16.0]
    volume = make_volume(bent(make_series(), heights))
    image = slices.plane_image(volume, "coronal", 5)
    assert image.plane is not None
    assert image.plane.spacing_mm == (2.0, 1.0)
    assert [note.code for note in image.notes] == ["uneven_spacing"]
    for index, z in enumerate(heights):
        row = image.plane.to_slice((0.0, 5.0, z))[1]
        np.testing.assert_array_equal(image.hu()[int(row)], volume.hu(index)[5])


def test_a_tilted_stack_is_sheared_back_upright() -> None:
    heights = [0.0, 4.0, 8.0, 12.0, 16.0, 20.0]
    volume = make_volume(bent(make_series(), heights, lean=0.5))
    image = slices.plane_image(volume, "sagittal", 6)
    assert image.plane is not None
    assert image.stored.shape == (6, 50)
    excluded = image.padding()
    for index, z in enumerate(heights):
        row = int(image.plane.to_slice((0.0, 0.0, z))[1])
        np.testing.assert_array_equal(image.hu()[row][~excluded[row]], volume.hu(index)[:, 6])
        first = image.plane.to_mm(int((~excluded[row]).argmax()) + 0.5, row + 0.5)
        assert first[1] == pytest.approx(0.5 * z)
    coronal = slices.plane_image(volume, "coronal", 12)
    assert coronal.plane is not None
    for index, z in enumerate(heights):
        row = int(coronal.plane.to_slice((0.0, 0.0, z))[1])
        y = round(float(coronal.plane.to_mm(0.5, 0.5)[1]) - 0.5 * z)
        np.testing.assert_array_equal(coronal.hu()[row], volume.hu(index)[y])


def test_keys_tell_slices_planes_and_pixels_apart() -> None:
    volume = make_volume(make_series())
    keys = [slices.image_key(volume, slices.plane_image(volume, name, 1)) for name in PLANES]
    assert len({key.pixels_sha256 for key in keys}) == 3
    assert keys[0] == volume.key(1)
    assert keys[0].sop_uid == "1.2.3.2"
    assert keys[1].sop_uid == keys[2].sop_uid == ""
    other = make_volume(make_series())
    other.stored[1, 0, 0] += 1
    assert other.key(1) != volume.key(1)
    assert other.key(2) == volume.key(2)


def test_the_key_of_a_slice_still_to_come_is_not_remembered() -> None:
    volume = make_volume(make_series(), loaded=False)
    before = volume.key(1)
    volume.stored[1] += 1
    volume.loaded[1] = True
    assert volume.key(1) != before
