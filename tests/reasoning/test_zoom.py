"""The image the model sees: size, windows, inset, and boxes from one frame to another and back."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medreason_viewer.errors import RegionError
from medreason_viewer.reasoning.bundles.bundle import template
from medreason_viewer.reasoning.bundles.manifest import ImageSpec, Manifest, ZoomSpec
from medreason_viewer.reasoning.zoom import (
    Composite,
    ModelBox,
    SliceMap,
    composite,
    crop_for,
    model_image,
    model_size,
)
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.window import PRESETS, Window, to_grey

DEMO = template("demo")
RNG = np.random.default_rng(3)
NOISE = RNG.normal(-400, 400, (300, 400))

sides = st.integers(20, 700)


@st.composite
def slices_with_box(draw: Any) -> tuple[int, int, SliceBox]:
    rows, cols = draw(sides), draw(sides)
    x0, y0 = draw(st.floats(0, cols - 1.5)), draw(st.floats(0, rows - 1.5))
    x1, y1 = draw(st.floats(x0 + 1, cols)), draw(st.floats(y0 + 1, rows))
    return rows, cols, SliceBox(x0, y0, x1, y1)


def _with(zoom: dict[str, Any] | None = None, image: dict[str, Any] | None = None) -> Manifest:
    return dataclasses.replace(
        DEMO,
        zoom=dataclasses.replace(DEMO.zoom, **(zoom or {})),
        image=dataclasses.replace(DEMO.image, **(image or {})),
    )


# Size


@pytest.mark.parametrize("side", [34, 64, 128, 256, 511, 512, 513, 768, 1024])
def test_a_square_slice_is_always_224_for_the_demo_model(side: int) -> None:
    assert model_size(side, side, DEMO.image) == (224, 224)


def test_a_large_model_gets_the_slice_near_its_own_size() -> None:
    spec = template("medreason-r1").image
    assert model_size(512, 512, spec) == (504, 504)
    height, width = model_size(1024, 1024, spec)
    assert height == width
    assert height * width <= 401408


@given(sides, sides, st.sampled_from(["demo", "medreason-r1"]))
def test_sides_are_on_the_grid_and_within_the_limit_and_the_aspect_is_kept(
    rows: int, cols: int, name: str
) -> None:
    spec = template(name).image
    height, width = model_size(rows, cols, spec)
    assert height % 28 == width % 28 == 0
    assert height * width <= spec.max_pixels
    if 0.5 < rows / cols < 2:  # each side is at most one step of the grid from where it belongs
        assert (height - 28) / (width + 28) <= rows / cols <= (height + 28) / max(width - 28, 1)


@pytest.mark.parametrize(("rows", "cols"), [(1, 5000), (5000, 1), (10, 2000), (1, 1)])
def test_extreme_slices_stay_within_the_limit(rows: int, cols: int) -> None:
    height, width = model_size(rows, cols, DEMO.image)
    assert height >= 28
    assert width >= 28
    assert height * width <= DEMO.image.max_pixels


# Grey values


def test_one_window_fills_three_channels_and_three_one_each() -> None:
    grey = model_image(NOISE, DEMO).image
    assert grey.dtype == np.uint8
    assert (grey == grey[..., :1]).all()
    windows = (PRESETS["lung"], PRESETS["mediastinum"], PRESETS["bone"])
    colour = model_image(NOISE, _with(image={"windows": windows})).image
    for channel, window in enumerate(windows):
        alone = model_image(NOISE, _with(image={"windows": (window,)})).image
        assert np.array_equal(colour[..., channel], alone[..., 0])


def test_a_slice_of_the_models_own_size_is_only_windowed() -> None:
    hu = RNG.normal(-500, 300, (224, 224))
    assert np.array_equal(model_image(hu, DEMO).image[..., 0], to_grey(hu, Window(-600, 1500)))


def test_padding_is_shown_as_air() -> None:
    hu = np.full((224, 224), 0.0)
    padding = np.zeros(hu.shape, np.bool_)
    padding[:, :112] = True
    hu[padding] = 3000
    image = model_image(hu, DEMO, padding).image
    assert (image[:, :100] == to_grey(np.array(-1000.0), Window(-600, 1500))).all()
    assert (image[:, 124:] == to_grey(np.array(0.0), Window(-600, 1500))).all()
    assert (hu[padding] == 3000).all()  # the caller's array is left alone


def test_downsampling_averages_rather_than_skips() -> None:
    stripes = np.where(np.arange(896)[None, :] % 2 == 0, 150.0, -1350.0) * np.ones((896, 1))
    image = model_image(stripes, DEMO).image[20:-20, 20:-20].astype(float)
    assert abs(image.mean() - 127.5) < 2
    assert image.std() < 8


def test_the_same_slice_gives_the_same_bytes() -> None:
    box = SliceBox(100, 90, 130, 120)
    first, second = composite(NOISE, box, DEMO), composite(NOISE.copy(), box, DEMO)
    assert first.image.tobytes() == second.image.tobytes()


# Inset


def _inset(made: Composite) -> tuple[int, int, int, int]:
    assert made.inset_model is not None
    x0, y0, x1, y1 = map(int, made.inset_model.as_tuple())
    return x0, y0, x1, y1


def test_without_a_region_the_image_is_the_plain_one() -> None:
    made = composite(NOISE, None, DEMO)
    assert made.zoom is None
    assert made.crop_slice is None
    assert np.array_equal(made.image, model_image(NOISE, DEMO).image)


def test_the_zoom_shown_is_the_zoom_embedded_and_its_border_is_light() -> None:
    made = composite(NOISE, SliceBox(100, 90, 130, 120), DEMO)
    x0, y0, x1, y1 = _inset(made)
    assert made.zoom is not None
    assert np.array_equal(made.image[y0:y1, x0:x1], made.zoom)
    frame = made.image[y0 - 1 : y1 + 1, x0 - 1 : x1 + 1].copy()
    frame[1:-1, 1:-1] = 255
    assert (frame == 255).all()


def test_the_demo_inset_lies_on_whole_image_tokens() -> None:
    made = composite(np.zeros((512, 512)), SliceBox(100, 90, 130, 120), DEMO)
    x0, y0, x1, y1 = _inset(made)
    assert (x0 - 1) % 28 == (y0 - 1) % 28 == (x1 + 1) % 28 == (y1 + 1) % 28 == 0


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("low", [False, True])
def test_the_inset_lies_in_the_corner_farthest_from_the_region(right: bool, low: bool) -> None:
    x, y = (300 if right else 60), (240 if low else 40)
    x0, y0, x1, y1 = _inset(composite(NOISE, SliceBox(x, y, x + 20, y + 20), DEMO))
    height, width = model_size(300, 400, DEMO.image)
    assert (x0 == 1) == right
    assert (x1 == width - 1) != right
    assert (y0 == 1) == low
    assert (y1 == height - 1) != low


def test_outside_the_inset_the_slice_is_untouched() -> None:
    manifest = _with({"draw_region": False})
    made = composite(NOISE, SliceBox(60, 40, 80, 60), manifest)
    plain = model_image(NOISE, manifest).image
    x0, y0, x1, y1 = _inset(made)
    changed = (made.image != plain).any(axis=2)
    changed[y0 - 1 : y1 + 1, x0 - 1 : x1 + 1] = False
    assert not changed.any()


def test_the_region_is_outlined_where_the_manifest_says_so() -> None:
    box = SliceBox(60, 40, 120, 100)
    drawn = composite(NOISE, box, _with({"draw_region": True}))
    x0, y0, x1, y1 = drawn.slice_map.integer_box(box)
    assert (drawn.image[y0, x0:x1] == 255).all()
    assert (drawn.image[y1 - 1, x0:x1] == 255).all()
    assert (drawn.image[y0:y1, x0] == 255).all()
    assert (drawn.image[y0:y1, x1 - 1] == 255).all()
    inside = drawn.image[y0 + 1 : y1 - 1, x0 + 1 : x1 - 1]
    plain = model_image(NOISE, DEMO).image[y0 + 1 : y1 - 1, x0 + 1 : x1 - 1]
    assert np.array_equal(inside, plain)


def test_the_zoom_shows_the_region_right_way_up() -> None:
    hu = np.full((256, 256), -1000.0)
    hu[100:110, 100:110] = 100  # a bright square in the crop's upper left
    made = composite(hu, SliceBox(100, 100, 140, 140), DEMO)
    assert made.zoom is not None
    bright = np.argwhere(made.zoom[..., 0] > 200)
    side = made.zoom.shape[0]
    assert bright.max() < side / 2
    crop = made.crop_slice
    assert crop is not None
    scale = side / (crop.x1 - crop.x0)
    assert bright.min() == pytest.approx((100 - crop.x0) * scale, abs=1.5)


# Crop


@given(slices_with_box(), st.floats(1, 4), st.floats(0.01, 0.6))
def test_the_crop_holds_the_region_and_lies_on_the_slice(
    case: tuple[int, int, SliceBox], context: float, least: float
) -> None:
    rows, cols, box = case
    spec = ZoomSpec(context=context, min_crop=least)
    crop = crop_for(box, rows, cols, spec)
    assert crop.fits(rows, cols)
    assert crop.x0 <= box.x0
    assert crop.y0 <= box.y0
    assert crop.x1 >= box.x1
    assert crop.y1 >= box.y1
    width, height = crop.x1 - crop.x0, crop.y1 - crop.y0
    wanted = max(context * max(box.x1 - box.x0, box.y1 - box.y0), least * min(rows, cols))
    assert width >= min(wanted, cols)
    assert height >= min(wanted, rows)
    assert max(width, height) <= wanted + 2
    assert all(edge == int(edge) for edge in crop.as_tuple())


def test_a_small_region_is_shown_with_its_surroundings() -> None:
    crop = crop_for(SliceBox(200, 200, 206, 206), 512, 512, ZoomSpec())
    assert crop.x1 - crop.x0 == 65
    assert crop.as_tuple() == (171, 171, 236, 236)


def test_a_region_off_the_slice_is_refused() -> None:
    with pytest.raises(RegionError, match="outside the slice"):
        composite(NOISE, SliceBox(390, 10, 401, 20), DEMO)


def test_a_region_too_long_for_a_square_keeps_its_shape() -> None:
    made = composite(NOISE, SliceBox(5, 100, 395, 140), DEMO)
    assert made.crop_slice == SliceBox(0, 0, 400, 300)
    assert made.zoom is not None
    height, width = made.zoom.shape[:2]
    assert width / height == pytest.approx(400 / 300, rel=0.02)


# Boxes from frame to frame


@given(slices_with_box(), st.sampled_from(["demo", "medreason-r1"]))
def test_a_box_comes_back_from_the_models_image(case: tuple[int, int, SliceBox], name: str) -> None:
    rows, cols, box = case
    slice_map = SliceMap(rows, cols, *model_size(rows, cols, template(name).image))
    back = slice_map.box_to_slice(slice_map.box_to_model(box))
    assert back.as_tuple() == pytest.approx(box.as_tuple(), abs=1e-9)
    assert back.fits(rows, cols)


@given(slices_with_box())
def test_a_written_box_is_whole_pixels_on_the_image_and_near_the_region(
    case: tuple[int, int, SliceBox],
) -> None:
    rows, cols, box = case
    height, width = model_size(rows, cols, DEMO.image)
    slice_map = SliceMap(rows, cols, height, width)
    x0, y0, x1, y1 = slice_map.integer_box(box)
    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height
    exact = slice_map.box_to_model(box).as_tuple()
    assert (x0, y0, x1, y1) == pytest.approx(exact, abs=1.5)  # a box below one pixel gets one
    assert slice_map.box_to_slice(ModelBox(x0, y0, x1, y1)).fits(rows, cols)


@settings(deadline=None, max_examples=30)
@given(slices_with_box(), st.tuples(*[st.floats(0.05, 0.45)] * 2), st.tuples(*[st.floats(0.55, 0.95)] * 2))
def test_a_box_in_the_inset_means_what_the_inset_shows_there(
    case: tuple[int, int, SliceBox], low: tuple[float, float], high: tuple[float, float]
) -> None:
    rows, cols, region = case
    made = composite(np.zeros((rows, cols)), region, DEMO)
    inset, crop = made.inset_model, made.crop_slice
    assert inset is not None
    assert crop is not None
    wide, tall = inset.x1 - inset.x0, inset.y1 - inset.y0
    shown = ModelBox(
        inset.x0 + low[0] * wide,
        inset.y0 + low[1] * tall,
        inset.x0 + high[0] * wide,
        inset.y0 + high[1] * tall,
    )
    meant = made.box_to_slice(shown)
    expected = (
        crop.x0 + low[0] * (crop.x1 - crop.x0),
        crop.y0 + low[1] * (crop.y1 - crop.y0),
        crop.x0 + high[0] * (crop.x1 - crop.x0),
        crop.y0 + high[1] * (crop.y1 - crop.y0),
    )
    assert meant.as_tuple() == pytest.approx(expected, abs=1e-6)


def test_the_whole_inset_means_the_whole_crop() -> None:
    made = composite(NOISE, SliceBox(60, 40, 80, 60), DEMO)
    assert made.inset_model is not None
    assert made.box_to_slice(made.inset_model) == made.crop_slice


def test_a_box_that_only_touches_the_inset_means_the_slice() -> None:
    made = composite(NOISE, SliceBox(60, 40, 80, 60), DEMO)
    x0, y0, x1, y1 = _inset(made)
    across = ModelBox(x0 - 10, y0 - 10, x1, y1)
    assert made.box_to_slice(across) == made.slice_map.box_to_slice(across)


# Refusals and speed


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="one slice"):
        model_image(np.zeros((2, 3, 4)), DEMO)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one window or three"):
        ImageSpec(windows=(PRESETS["lung"], PRESETS["bone"]))
    with pytest.raises(ValueError, match="context"):
        ZoomSpec(context=0.5)
    with pytest.raises(ValueError, match="empty or negative"):
        ModelBox(3, 3, 3, 5)


@pytest.mark.bench
def test_the_composite_takes_a_few_milliseconds() -> None:
    hu = RNG.normal(-400, 400, (512, 512))
    took = []
    for _ in range(15):
        started = time.perf_counter()
        composite(hu, SliceBox(100, 90, 130, 120), DEMO)
        took.append(time.perf_counter() - started)
    assert min(took) < 0.02


def test_without_an_embedded_zoom_the_region_is_outlined_or_the_plain_slice_is_reasoned_on() -> None:
    spec, box = dataclasses.replace(DEMO.zoom, embedded=False), SliceBox(50, 60, 90, 95)
    plain = model_image(NOISE, DEMO).image
    bare = dataclasses.replace(DEMO, zoom=dataclasses.replace(spec, draw_region=False))
    picture = composite(NOISE, box, bare)
    assert picture.zoom is None
    assert picture.inset_model is None
    np.testing.assert_array_equal(picture.image, plain)
    outlined = composite(NOISE, box, dataclasses.replace(DEMO, zoom=spec))
    assert outlined.zoom is None
    changed = (outlined.image != plain).any(-1)
    x0, y0, x1, y1 = outlined.slice_map.integer_box(box)
    assert changed.any()
    changed[y0:y1, [x0, x1 - 1]] = changed[[y0, y1 - 1], x0:x1] = False
    assert not changed.any()
