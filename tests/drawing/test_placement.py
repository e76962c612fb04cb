"""Slice pixels to viewport pixels and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason_viewer.drawing.placement import MAX_ZOOM, View, pan, place, zoom_about

fractions = st.floats(0, 1)
lengths = st.integers(2, 3000)
spacings = st.tuples(st.floats(0.1, 10), st.floats(0.1, 10)) | st.none()
views = st.builds(View, st.floats(0.1, 40), st.tuples(fractions, fractions))


@given(views, st.tuples(lengths, lengths), spacings, st.tuples(lengths, lengths), fractions, fractions)
def test_there_and_back(
    view: View,
    shape: tuple[int, int],
    spacing: tuple[float, float] | None,
    size: tuple[int, int],
    x: float,
    y: float,
) -> None:
    placement = place(view, shape, spacing, size)
    point = x * shape[1], y * shape[0]
    assert placement.to_slice(*placement.to_view(*point)) == pytest.approx(point, abs=1e-6 * max(shape))


@given(views, st.tuples(lengths, lengths), st.tuples(lengths, lengths))
def test_a_millimetre_is_as_long_down_as_across(
    view: View, shape: tuple[int, int], size: tuple[int, int]
) -> None:
    row_mm, col_mm = 2.5, 0.7
    scale = place(view, shape, (row_mm, col_mm), size).scale
    assert scale[0] / col_mm == pytest.approx(scale[1] / row_mm)


def test_the_whole_slice_fits_and_fills_one_direction() -> None:
    placement = place(View(), (100, 200), (3.0, 1.0), (640, 480))
    left, top = placement.to_view(0, 0)
    right, bottom = placement.to_view(200, 100)
    assert (top, bottom) == pytest.approx((0, 480))
    assert (left, right) == pytest.approx((160, 480))


@given(views, st.floats(0.2, 5), st.floats(0, 640), st.floats(0, 480))
def test_zoom_keeps_what_lies_under_the_pointer(view: View, factor: float, x: float, y: float) -> None:
    shape, spacing, size = (90, 120), (2.0, 0.8), (640, 480)
    placement = place(view, shape, spacing, size)
    zoomed = zoom_about(view, factor, (x, y), placement, shape, size)
    after = place(zoomed, shape, spacing, size)
    assert after.to_view(*placement.to_slice(x, y)) == pytest.approx((x, y), abs=1e-6)


def test_zoom_has_an_end() -> None:
    shape, size = (90, 120), (640, 480)
    view = zoom_about(View(30), 100, (0, 0), place(View(30), shape, None, size), shape, size)
    assert view.zoom == MAX_ZOOM


def test_pan_moves_the_slice_with_the_pointer_and_keeps_it_reachable() -> None:
    shape, spacing, size = (90, 120), (2.0, 0.8), (640, 480)
    before = place(View(2), shape, spacing, size)
    moved = pan(View(2), (30, -12), before, shape)
    x, y = before.to_view(50, 40)
    assert place(moved, shape, spacing, size).to_view(50, 40) == pytest.approx((x + 30, y - 12))
    far = pan(View(2), (1e6, -1e6), before, shape)
    assert far.centre == (0, 1)


@pytest.mark.parametrize("zoom", [0, -1, float("nan")])
def test_a_zoom_is_positive(zoom: float) -> None:
    with pytest.raises(ValueError, match="not a zoom"):
        View(zoom)
