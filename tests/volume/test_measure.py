"""Measurements against shapes whose answer is known, and the lesion of a real chest."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from medreason_viewer.errors import RegionError
from medreason_viewer.volume import measure
from medreason_viewer.volume.geometry import SliceBox, SlicePlane
from medreason_viewer.volume.load import load_volume
from medreason_viewer.volume.phantom import sample_slice
from medreason_viewer.volume.scan import scan

AXIAL = SlicePlane((0, 0, 0), (1, 0, 0), (0, 1, 0), (0.5, 0.5))
NOTHING: NDArray[np.bool_] = np.zeros((160, 200), np.bool_)
Slice = NDArray[np.float64]


def disc(centre: tuple[float, float], radius: float) -> NDArray[np.bool_]:
    """Pixels whose centres lie within ``radius`` of (x, y), in slice pixels."""
    y, x = np.mgrid[:160, :200] + 0.5
    return np.hypot(x - centre[0], y - centre[1]) <= radius


def lung(noise_hu: float = 25.0, mean_hu: float = -860.0) -> Slice:
    return np.random.default_rng(1).normal(mean_hu, noise_hu, (160, 200))


def with_lesion(hu: Slice, where: NDArray[np.bool_], mean_hu: float) -> Slice:
    return np.where(where, hu - hu.mean() + mean_hu, hu)


def overlap(found: NDArray[np.bool_] | None, truth: NDArray[np.bool_]) -> float:
    assert found is not None
    return float((found & truth).sum() / (found | truth).sum())


def test_statistics_are_numpys() -> None:
    hu = lung()
    mask = disc((60, 70), 20)
    found = measure.statistics(hu, mask, AXIAL)
    assert found.mean_hu == hu[mask].mean()
    assert found.sd_hu == hu[mask].std()
    assert (found.min_hu, found.max_hu, found.pixels) == (hu[mask].min(), hu[mask].max(), mask.sum())
    assert found.area_mm2 == pytest.approx(math.pi * 10**2, rel=0.01)
    assert found.long_axis_mm == pytest.approx(20, abs=0.5)
    assert found.short_axis_mm == pytest.approx(20, abs=0.5)


def test_axes_of_an_ellipse_with_unequal_spacing() -> None:
    y, x = (np.mgrid[:160, :200] + 0.5 - 80) * np.array([0.4, 0.8])[:, None, None]
    along, across = (x * 0.6 + y * 0.8), (y * 0.6 - x * 0.8)
    long_axis, short_axis = measure.axes_mm((along / 20) ** 2 + (across / 9) ** 2 <= 1, (0.4, 0.8))
    assert long_axis == pytest.approx(40, abs=0.8)
    assert short_axis == pytest.approx(18, abs=0.8)


def test_axes_of_one_pixel_and_of_a_line() -> None:
    mask = NOTHING.copy()
    mask[10, 20] = True
    assert measure.axes_mm(mask, (0.5, 0.5)) == pytest.approx((0.5, 0.5))
    mask[10, 20:30] = True
    assert measure.axes_mm(mask, (0.5, 0.5))[0] == pytest.approx(5.0)


def test_short_axis_is_a_chord_not_an_extent() -> None:
    mask = NOTHING.copy()
    mask[20:50, 20:60] = True  # 4 : 3, diagonal 25 mm; the widest chord across it is 18.75 mm
    long_axis, short_axis = measure.axes_mm(mask, (0.5, 0.5))
    assert long_axis == pytest.approx(25, abs=0.6)
    assert short_axis == pytest.approx(18.75, abs=0.8)


def test_box_statistics_take_pixels_by_their_centres() -> None:
    hu = lung()
    found = measure.box_statistics(hu, NOTHING, SliceBox(10, 20, 31, 45), AXIAL)
    assert found.mean_hu == hu[20:45, 10:31].mean()
    assert (found.long_axis_mm, found.short_axis_mm) == (12.5, 10.5)
    assert found.area_mm2 == 25 * 21 * 0.25
    shifted = measure.box_statistics(hu, NOTHING, SliceBox(9.6, 19.6, 30.6, 44.6), AXIAL)
    assert shifted.mean_hu == hu[20:45, 10:31].mean()
    tiny = measure.box_statistics(hu, NOTHING, SliceBox(10.6, 20.6, 10.9, 20.9), AXIAL)
    assert tiny.mean_hu == hu[20, 10]


def test_padding_is_left_out_and_lengths_need_geometry() -> None:
    hu = lung()
    padding = NOTHING.copy()
    padding[:, :20] = True
    found = measure.box_statistics(hu, padding, SliceBox(10, 20, 30, 40), None)
    assert found.mean_hu == hu[20:40, 20:30].mean()
    assert found.pixels == 200
    assert found.area_mm2 is found.long_axis_mm is found.short_axis_mm is None


def test_a_box_of_padding_or_off_the_slice_is_refused() -> None:
    with pytest.raises(RegionError, match="only padding"):
        measure.box_statistics(lung(), ~NOTHING, SliceBox(0, 0, 5, 5), AXIAL)
    with pytest.raises(RegionError, match="does not lie on the slice"):
        measure.box_statistics(lung(), NOTHING, SliceBox(190, 0, 201, 5), AXIAL)


@pytest.mark.parametrize(
    ("name", "mean_hu"),
    [("solid", 30), ("ground glass", -600), ("emphysema", -955), ("pneumothorax", -1000), ("calcified", 400)],
)
def test_lesion_in_lung_whatever_its_density(name: str, mean_hu: float) -> None:
    truth = disc((100, 80), 14)
    hu = with_lesion(lung(), truth, mean_hu)
    found = measure.segment_lesion(hu, NOTHING, SliceBox(82, 62, 118, 98))
    assert overlap(found, truth) > 0.85, name
    assert found is not None
    assert measure.statistics(hu, found, AXIAL).mean_hu == pytest.approx(mean_hu, abs=25)


def test_lesion_in_liver_under_noise() -> None:
    truth = disc((100, 80), 16)
    hu = with_lesion(lung(12, 110), truth, 40)
    assert overlap(measure.segment_lesion(hu, NOTHING, SliceBox(80, 60, 120, 100)), truth) > 0.85


def test_nodule_at_the_wall_is_not_the_wall() -> None:
    truth = disc((100, 80), 12)
    hu = with_lesion(lung(), truth, 20)
    hu[95:] = np.random.default_rng(2).normal(40, 15, hu[95:].shape)
    found = measure.segment_lesion(hu, NOTHING, SliceBox(85, 65, 115, 95))
    assert overlap(found, truth) > 0.8


def test_ground_glass_with_a_vessel_beside_it() -> None:
    truth = disc((100, 80), 14)
    hu = with_lesion(lung(), truth, -600)
    hu[:, 117:122] = 30
    found = measure.segment_lesion(hu, NOTHING, SliceBox(82, 62, 118, 98))
    assert overlap(found, truth) > 0.8


def test_a_crescent_off_the_middle_of_its_box() -> None:
    effusion = disc((100, 80), 50) & ~disc((100, 55), 50)
    hu = with_lesion(lung(), effusion, 8)
    found = measure.segment_lesion(hu, NOTHING, SliceBox(52, 75, 148, 131))
    assert overlap(found, effusion) > 0.75


@pytest.mark.parametrize(("mean_hu", "noise_hu"), [(-860, 25), (40, 12), (-860, 90)])
def test_nothing_stands_out_of_plain_tissue(mean_hu: float, noise_hu: float) -> None:
    assert measure.segment_lesion(lung(noise_hu, mean_hu), NOTHING, SliceBox(82, 62, 118, 98)) is None


def test_lesion_stays_inside_its_box_and_out_of_padding() -> None:
    truth = disc((100, 80), 30)
    hu = with_lesion(lung(), truth, 30)
    padding = NOTHING.copy()
    padding[:75] = True
    found = measure.segment_lesion(hu, padding, SliceBox(64, 60, 136, 90))
    assert found is not None
    assert not found[90:].any()
    assert not (found & padding).any()
    assert measure.segment_lesion(hu, ~NOTHING, SliceBox(64, 60, 136, 90)) is None


def test_region_grows_to_the_lesion_that_was_clicked() -> None:
    truth = disc((100, 80), 14)
    hu = with_lesion(lung(), truth, 30)
    found = measure.grow_region(hu, NOTHING, (104, 76), AXIAL)
    assert found is not None
    assert found.iou(SliceBox(86, 66, 114, 94)) > 0.85


def test_nothing_grows_where_there_is_nothing() -> None:
    assert measure.grow_region(lung(), NOTHING, (100, 80), AXIAL) is None
    assert measure.grow_region(lung(), ~NOTHING, (100, 80), AXIAL) is None
    assert measure.grow_region(lung(), NOTHING, (200, 80), AXIAL) is None
    assert measure.grow_region(lung(), NOTHING, (100, -0.5), AXIAL) is None


def area(polygon: tuple[tuple[float, float], ...]) -> float:
    return (
        sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True))
        / 2
    )


def test_outline_encloses_just_the_mask() -> None:
    mask = disc((60, 70), 17)
    polygon = measure.outline(mask)
    assert area(polygon) == mask.sum()  # clockwise on the screen, y down: positive
    xs, ys = zip(*polygon, strict=True)
    rows, cols = np.nonzero(mask)
    assert (min(xs), max(xs)) == (cols.min(), cols.max() + 1)
    assert (min(ys), max(ys)) == (rows.min(), rows.max() + 1)


def test_outline_of_one_pixel_of_pieces_and_of_nothing() -> None:
    mask = NOTHING.copy()
    assert measure.outline(mask) == ()
    mask[0, 0] = True
    assert measure.outline(mask) == ((0, 0), (1, 0), (1, 1), (0, 1))
    mask[10:13, 10:13] = True
    mask[13, 13] = True  # touches at a corner only: another piece
    assert area(measure.outline(mask)) == 9


def test_outline_with_a_hole_keeps_the_outer_edge() -> None:
    ring = disc((60, 70), 17) & ~disc((60, 70), 8)
    assert area(measure.outline(ring)) == disc((60, 70), 17).sum()


def body() -> Slice:
    """A body left of the picture's middle, midline at x = 80, with a table and an arm beside it."""
    hu = np.full((160, 200), -1000.0)
    y, x = np.mgrid[:160, :200] + 0.5
    hu[((x - 80) / 60) ** 2 + ((y - 70) / 40) ** 2 <= 1] = 40
    hu[((x - 55) / 18) ** 2 + ((y - 70) / 25) ** 2 <= 1] = -850
    hu[125:128, 10:195] = 100
    hu[disc((165, 70), 8)] = 40
    return hu


ROTATED = SlicePlane((0, 0, 0), (-1, 0, 0), (0, -1, 0), (1, 1))
PRONE_LEFT = SlicePlane((0, 0, 0), (0, 1, 0), (-1, 0, 0), (1, 1))


@pytest.mark.parametrize(
    ("x", "expected"), [(50, "right"), (110, "left"), (80, "midline"), (88, "midline"), (69, "right")]
)
def test_side_is_the_patients_whichever_way_the_picture_is(x: float, expected: str) -> None:
    plane = SlicePlane((0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1))
    mirrored = {"right": "left", "left": "right", "midline": "midline"}[expected]
    hu = body()
    assert measure.body_side(hu, NOTHING, plane, x, 70) == expected
    assert measure.body_side(hu, NOTHING, ROTATED, x, 70) == mirrored
    flipped = measure.body_side(hu[:, ::-1], NOTHING, ROTATED, 200 - x, 70)
    assert flipped == expected, "mirroring the picture with its axes changes nothing"
    turned = measure.body_side(hu.T[::-1], NOTHING.T, PRONE_LEFT, 70, 200 - x)
    assert turned == expected, "nor does turning it"


def test_no_side_without_geometry_or_body_or_on_a_sagittal_slice() -> None:
    sagittal = SlicePlane((0, 0, 0), (0, 1, 0), (0, 0, -1), (1, 1))
    assert measure.body_side(body(), NOTHING, None, 50, 70) is None
    assert measure.body_side(body(), NOTHING, sagittal, 50, 70) is None
    assert measure.body_side(np.full((160, 200), -1000.0), NOTHING, AXIAL, 50, 70) is None


@pytest.mark.real_ct
def test_the_nodule_of_lidc_0314_is_solid_and_on_the_right(real_ct: Path) -> None:
    folder = real_ct / "lidc-0314"
    series = scan(folder / "dicom").series[0]
    truth = json.loads((folder / "nodules.json").read_text())
    by_uid = {frame.sop_uid: frame for frame in series.frames}
    for reader in truth["annotations"]:
        middle = max(reader["slices"], key=lambda item: item["npts"])
        box = SliceBox(middle["col0"], middle["row0"], middle["col1"], middle["row1"])
        one = load_volume(replace(series, frames=(by_uid[middle["sop"]],)))
        hu, padding, plane = one.hu(0), one.padding(0), one.series.frames[0].plane
        lesion = measure.segment_lesion(hu, padding, box)
        assert lesion is not None
        mean_hu = measure.statistics(hu, lesion, plane).mean_hu
        assert -100 < mean_hu < 100
        assert measure.box_statistics(hu, padding, box, plane).mean_hu < mean_hu - 100
        assert measure.body_side(hu, padding, plane, *measure.mask_centre(lesion)) == "right"
        grown = measure.grow_region(hu, padding, box.centre, plane)
        assert grown is not None
        assert grown.iou(box) > 0.5


LEAST_OVERLAP = {
    "nodule": 0.85,
    "mass": 0.8,
    "ground-glass": 0.8,
    "consolidation": 0.6,
    "effusion": 0.6,
    "emphysema": 0.45,
    "pneumothorax": 0.4,
}


def test_lesions_of_phantoms_in_both_settings() -> None:
    overlaps: dict[str, list[float]] = {finding: [] for finding in LEAST_OVERLAP}
    rng = np.random.default_rng(11)
    for finding in LEAST_OVERLAP:
        for setting in ("standard", "standard", "shifted"):
            made = sample_slice(rng, matrix=256, finding=finding, setting=setting)  # type: ignore[arg-type]
            assert made.box_slice is not None
            hu, none = made.hu.astype(np.float64), np.zeros(made.hu.shape, np.bool_)
            found = measure.segment_lesion(hu, none, made.box_slice)
            overlaps[finding].append(0.0 if found is None else overlap(found, made.mask))
            plane = SlicePlane((0, 0, 0), (1, 0, 0), (0, 1, 0), (made.spacing_mm, made.spacing_mm))
            side = measure.body_side(hu, none, plane, *measure.mask_centre(made.mask))
            assert side == made.side
    for finding, least in LEAST_OVERLAP.items():
        assert np.median(overlaps[finding]) > least, finding


def test_no_side_where_the_picture_cuts_the_body_off() -> None:
    hu = body()
    whole = measure.body_side(hu, NOTHING, AXIAL, 60, 70)
    cut = hu[:, 75:]  # the body now begins at the edge of the picture, as in a small field of view
    assert whole is not None
    assert measure.body_side(cut, NOTHING[:, 75:], AXIAL, 10, 70) is None
