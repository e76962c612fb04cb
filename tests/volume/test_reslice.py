"""Oblique planes and slabs against scipy, and against the planes that need no VTK."""

from __future__ import annotations

import numpy as np
import pytest
from ct_in_memory import make_series, make_volume
from numpy.typing import NDArray
from scipy import ndimage

from medreason_viewer.errors import VolumeError
from medreason_viewer.volume.ct import CtVolume
from medreason_viewer.volume.geometry import SlicePlane
from medreason_viewer.volume.reslice import reslice
from medreason_viewer.volume.slices import plane_image


def smooth_volume(**changes: object) -> CtVolume:
    series = make_series((20, 40, 48), (2.0, 1.0, 1.5), **changes)  # type: ignore[arg-type]
    noise = np.random.default_rng(3).normal(0, 3000, (20, 40, 48))
    return make_volume(series, ndimage.gaussian_filter(noise, 2).astype(np.int16))


def oblique(z: float = 15.0) -> SlicePlane:
    angle = np.radians(25)
    return SlicePlane(
        (10.0, 5.0, z), (1.0, 0.0, 0.0), (0.0, float(np.cos(angle)), float(np.sin(angle))), (0.8, 0.9)
    )


def by_scipy(
    volume: CtVolume, plane: SlicePlane, size: tuple[int, int], away_mm: float = 0.0
) -> NDArray[np.float64]:
    rows, cols = np.mgrid[: size[0], : size[1]]
    points = (
        np.asarray(plane.origin_mm)
        + cols[..., None] * plane.spacing_mm[1] * np.asarray(plane.x_axis)
        + rows[..., None] * plane.spacing_mm[0] * np.asarray(plane.y_axis)
        + away_mm * plane.normal
    )
    at = points[..., ::-1] / np.array([2.0, 1.0, 1.5])
    hu = np.stack([volume.hu(index) for index in range(volume.shape[0])])
    return np.asarray(ndimage.map_coordinates(hu, np.moveaxis(at, -1, 0), order=1))


def test_an_oblique_plane_is_the_linear_interpolation() -> None:
    volume = smooth_volume(slope=2.0, intercept=-50.0)
    image = reslice(volume, oblique(), (20, 40))
    assert image.excluded is not None
    assert not image.excluded.any()
    assert image.plane_name == "oblique"
    np.testing.assert_allclose(image.hu(), by_scipy(volume, oblique(), (20, 40)), atol=2.0)


def test_slices_with_their_own_rescale_are_cut_in_hu() -> None:
    volume = smooth_volume()
    volume.slope[:], volume.intercept[:] = np.linspace(0.5, 2, 20), np.linspace(-100, 100, 20)
    np.testing.assert_allclose(
        reslice(volume, oblique(), (20, 40)).hu(), by_scipy(volume, oblique(), (20, 40)), atol=2.0
    )


@pytest.mark.parametrize(("mode", "combine"), [("max", np.max), ("mean", np.mean), ("min", np.min)])
def test_slabs_reach_half_their_thickness_to_either_side(mode: str, combine: object) -> None:
    volume = smooth_volume()
    slab = reslice(volume, oblique(), (20, 40), slab_mm=6.0, mode=mode).hu()  # type: ignore[arg-type]
    samples = [by_scipy(volume, oblique(), (20, 40), away) for away in np.linspace(-3, 3, 7)]
    np.testing.assert_allclose(slab, combine(samples, axis=0), atol=2.0)  # type: ignore[operator]


@pytest.mark.parametrize("name", ["axial", "coronal", "sagittal"])
def test_a_straight_cut_is_the_plane_itself(name: str) -> None:
    volume = smooth_volume()
    image = plane_image(volume, name, 7)  # type: ignore[arg-type]
    assert image.plane is not None
    cut = reslice(volume, image.plane, image.stored.shape, interpolation="nearest")
    np.testing.assert_array_equal(cut.hu(), image.hu())


def test_outside_the_stack_is_excluded_and_air() -> None:
    volume = smooth_volume()
    image = reslice(volume, oblique(z=-10.0), (60, 40))
    excluded = image.padding()
    assert excluded.any()
    assert not excluded.all()
    assert (image.hu()[excluded] == -1000).all()


def test_padding_does_not_show() -> None:
    volume = smooth_volume(padding=(-3000, -3000))
    volume.stored[:, :, :10] = -3000
    assert reslice(volume, oblique(), (20, 40)).hu().min() >= -1024


def test_a_volume_that_fills_is_cut_as_far_as_it_is() -> None:
    volume = smooth_volume(slope=2.0)
    volume.slope[0] = 1.0  # forces a copy, which must not be kept while slices are missing
    stored = volume.stored.copy()
    volume.stored[:], volume.loaded[:] = 0, False
    assert not reslice(volume, oblique(), (20, 40)).hu().any()
    volume.stored[:], volume.loaded[:] = stored, True
    assert reslice(volume, oblique(), (20, 40)).hu().any()


def test_without_geometry_there_is_no_oblique_plane() -> None:
    with pytest.raises(VolumeError, match="no geometry"):
        reslice(make_volume(make_series(geometry=False)), oblique(), (4, 4))
