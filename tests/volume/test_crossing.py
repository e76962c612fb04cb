"""Where one slice cuts another, and where none does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason_viewer.volume.crossing import crossing, parallel
from medreason_viewer.volume.geometry import SlicePlane

AXIAL = SlicePlane((-50.0, -40.0, 10.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 2.0))
CORONAL = SlicePlane((-30.0, -20.5, 60.0), (1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.5, 1.0))


def test_an_axial_slice_is_cut_where_the_coronal_lies() -> None:
    line = crossing(AXIAL, (80, 60), CORONAL, (200, 40))
    assert line is not None
    start, end = sorted(line)
    # The coronal picture reaches from x = -30.5 to 9.5 mm; the axial's first column begins at -51 mm.
    assert start == pytest.approx(((-30.5 + 51) / 2, 20.0))
    assert end == pytest.approx(((9.5 + 51) / 2, 20.0))


def test_pictures_that_do_not_meet_or_lie_parallel_have_no_line() -> None:
    above = SlicePlane((-30.0, -20.0, 300.0), CORONAL.x_axis, CORONAL.y_axis, (0.5, 1.0))
    assert crossing(AXIAL, (80, 60), above, (200, 40)) is None
    assert crossing(AXIAL, (80, 60), AXIAL, (80, 60)) is None
    assert parallel(AXIAL, AXIAL)
    assert not parallel(AXIAL, CORONAL)


@given(st.floats(-0.9, 0.9), st.floats(-30, 30), st.floats(-30, 30))
def test_both_ends_lie_on_both_slices(angle: float, x: float, z: float) -> None:
    tilted = SlicePlane(
        (x - 40, -39.0, z + 50),
        (1.0, 0.0, 0.0),
        (0.0, float(np.sin(angle)), -float(np.cos(angle))),
        (1.0, 1.0),
    )
    line = crossing(AXIAL, (80, 60), tilted, (120, 90))
    for point in line or ():
        point_mm = AXIAL.to_mm(*point)
        assert (point_mm - np.array(tilted.origin_mm)) @ tilted.normal == pytest.approx(0, abs=1e-6)
        on_tilted = tilted.to_slice(point_mm)
        assert -1e-6 <= on_tilted[0] <= 90 + 1e-6
        assert -1e-6 <= on_tilted[1] <= 120 + 1e-6
        assert -1e-6 <= point[0] <= 60 + 1e-6
        assert -1e-6 <= point[1] <= 80 + 1e-6
