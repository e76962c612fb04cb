"""Slabs: exactly what numpy makes of the images they take, and none where they would lie."""

from __future__ import annotations

import numpy as np
import pytest
from ct_in_memory import make_series, make_volume

from medreason_viewer.errors import VolumeError
from medreason_viewer.volume.slab import Slab, slab_image
from medreason_viewer.volume.slices import PlaneName3, plane_image

SHAPE = (9, 20, 24)
JOIN = {"max": np.max, "mean": np.mean, "min": np.min}


def noise() -> np.ndarray:
    """Stored values, no two images alike."""
    return np.random.default_rng(3).integers(-1000, 1000, SHAPE).astype(np.int16)


@pytest.mark.parametrize("mode", ["max", "mean", "min"])
@pytest.mark.parametrize(("plane_name", "reach"), [("axial", 1), ("coronal", 2), ("sagittal", 1)])
def test_a_slab_is_its_images(mode: str, plane_name: PlaneName3, reach: int) -> None:
    volume = make_volume(make_series(SHAPE, (2.0, 1.0, 2.0), slope=2.0, intercept=-50.0), noise())
    slab = slab_image(volume, plane_name, 4, Slab(mode, 5.0))  # type: ignore[arg-type]
    near = [plane_image(volume, plane_name, 4 + by).stored for by in range(-reach, reach + 1)]
    expected = np.rint(JOIN[mode](near, axis=0)) * 2.0 - 50.0
    np.testing.assert_array_equal(slab.hu(), expected)
    assert slab.plane == plane_image(volume, plane_name, 4).plane
    assert slab.slab.endswith(f"5 mm ({2 * reach + 1} images)")


def test_a_slab_at_the_end_takes_what_is_there() -> None:
    volume = make_volume(make_series(SHAPE, (1.0, 1.0, 1.0)), noise())
    slab = slab_image(volume, "axial", 0, Slab("max", 5.0))
    np.testing.assert_array_equal(slab.stored, volume.stored[:3].max(0))
    assert slab.slab == "MIP 5 mm (3 images)"


def test_padding_counts_as_air_and_slopes_may_differ() -> None:
    stored = np.zeros(SHAPE, np.int16)
    stored[3], stored[4], stored[5] = -2000, 10, 20
    volume = make_volume(make_series(SHAPE, (2.0, 1.0, 1.0), padding=(-2000, -2000)), stored)
    volume.slope[5] = 3.0
    assert (slab_image(volume, "axial", 4, Slab("min", 5.0)).hu() == -1000).all()
    assert (slab_image(volume, "axial", 4, Slab("max", 5.0)).hu() == 60).all()
    assert (slab_image(volume, "axial", 4, Slab("mean", 5.0)).hu() == -310).all()


def test_no_slab_without_geometry_or_with_slices_missing() -> None:
    with pytest.raises(VolumeError, match="without geometry"):
        slab_image(make_volume(make_series(SHAPE, geometry=False)), "axial", 4, Slab("max", 5.0))
    volume = make_volume(make_series(SHAPE))
    volume.loaded[5] = False
    with pytest.raises(VolumeError, match="not all"):
        slab_image(volume, "axial", 4, Slab("max", 5.0))
    with pytest.raises(VolumeError, match="not all"):
        slab_image(volume, "coronal", 4, Slab("max", 5.0))
    assert slab_image(volume, "axial", 1, Slab("max", 5.0)).slab


def test_a_slab_has_a_thickness() -> None:
    with pytest.raises(ValueError, match="thickness"):
        Slab("max", 0.0)
