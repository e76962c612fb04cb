"""Claims beside measurements: what is found in a sentence, and the verdict on it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from chest_slice import AROUND_BALL, BALL, PLANE, chest, nothing_padded

from medreason_viewer.reasoning.claims.find import find_claims
from medreason_viewer.reasoning.claims.lexicon import lexicon
from medreason_viewer.reasoning.evidence import check, measure
from medreason_viewer.reasoning.request import Evidence
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.measure import Statistics

BOX = Statistics(-310.0, 400.0, -900.0, 90.0, 400, 400.0, 24.0, 20.0)
SOLID = Statistics(20.0, 25.0, -60.0, 90.0, 80, 100.0, 12.3, 9.1)
NODULE = Evidence(BOX, SOLID, "right")


def _lesion(mean_hu: float, max_hu: float | None = None, **changes: float | None) -> Evidence:
    values = {"mean_hu": mean_hu, "max_hu": mean_hu + 60 if max_hu is None else max_hu, **changes}
    return Evidence(BOX, dataclasses.replace(SOLID, **values), "right")  # type: ignore[arg-type]


def _verdicts(text: str, evidence: Evidence = NODULE) -> list[tuple[str, str]]:
    return [(each.claim, each.verdict) for each in check(text, evidence)]


# What is measured


def test_a_nodule_is_measured_apart_from_its_box() -> None:
    found = measure(chest(), nothing_padded(), PLANE, AROUND_BALL)
    assert found.box.mean_hu < -300
    assert found.lesion is not None
    assert found.lesion.mean_hu == pytest.approx(40, abs=15)
    assert found.lesion.long_axis_mm == pytest.approx(16 * 1.3, abs=2)
    assert found.side == "right"
    assert found.lesion_outline_slice is not None
    assert all(BALL.x0 - 2 <= x <= BALL.x1 + 2 for x, _ in found.lesion_outline_slice)


def test_without_geometry_there_is_no_length_and_no_side() -> None:
    found = measure(chest(), nothing_padded(), None, AROUND_BALL)
    assert found.side is None
    assert found.lesion is not None
    assert found.lesion.long_axis_mm is None


def test_where_nothing_stands_out_there_is_no_lesion() -> None:
    found = measure(chest(), nothing_padded(), PLANE, SliceBox(170, 80, 200, 110))
    assert found.lesion is None
    assert found.side == "left"


def test_on_a_mirrored_slice_the_side_changes_with_the_axes_not_with_the_picture() -> None:
    """The same array, said to run the other way: what was right is left, wherever it is on the screen."""
    mirrored = dataclasses.replace(PLANE, x_axis=(-1.0, 0.0, 0.0))
    assert measure(chest(), nothing_padded(), mirrored, AROUND_BALL).side == "left"
    flipped = np.ascontiguousarray(chest()[:, ::-1])
    box = SliceBox(256 - AROUND_BALL.x1, AROUND_BALL.y0, 256 - AROUND_BALL.x0, AROUND_BALL.y1)
    assert measure(flipped, nothing_padded(), PLANE, box).side == "left"
    assert measure(flipped, nothing_padded(), mirrored, box).side == "right"


# Density


@pytest.mark.parametrize(
    ("text", "mean_hu", "verdict"),
    [
        ("It is solid.", 20, "agrees"),
        ("It is solid.", -150, "not_checkable"),
        ("It is solid.", -600, "contradicts"),
        ("It is not solid.", 20, "contradicts"),
        ("It isn't solid.", 20, "contradicts"),
        ("It is not solid.", -600, "agrees"),
        ("It is not solid.", -50, "not_checkable"),
        ("A non-solid nodule.", 20, "contradicts"),
        ("A nonsolid nodule.", -600, "agrees"),
        ("It is of ground-glass density.", -600, "agrees"),
        ("Ground glass opacity.", 20, "contradicts"),
        ("It is of soft tissue density.", 40, "agrees"),
        ("It is of soft-tissue density.", -600, "contradicts"),
        ("It is of fluid density.", 10, "agrees"),
        ("It is of fluid density.", 60, "not_checkable"),
        ("It is of fluid density.", -600, "contradicts"),
        ("It is of air density.", -950, "agrees"),
        ("It is air without vessels.", 20, "contradicts"),
        ("There is fat inside.", -80, "agrees"),
        ("There is fat inside.", 40, "contradicts"),
        ("effusion", 10, "agrees"),
        ("effusion", -850, "contradicts"),
        ("pneumothorax", -980, "agrees"),
        ("pneumothorax", 20, "contradicts"),
        ("emphysema", -950, "agrees"),
        ("consolidation", 30, "agrees"),
        ("consolidation", -860, "contradicts"),
    ],
)
def test_a_density_is_compared_with_the_lesion(text: str, mean_hu: float, verdict: str) -> None:
    assert [found for _, found in _verdicts(text, _lesion(mean_hu))] == [verdict]


def test_calcium_is_looked_for_in_the_brightest_pixel() -> None:
    assert _verdicts("It is calcified.", _lesion(60, 420)) == [("calcified", "agrees")]
    assert _verdicts("It is calcified.", _lesion(60, 100)) == [("calcified", "contradicts")]
    assert _verdicts("It is noncalcified.", _lesion(60, 100)) == [("noncalcified", "agrees")]
    assert _verdicts("No calcification.", _lesion(60, 420)) == [("No calcification", "contradicts")]
    assert _verdicts("Calcification is absent.", _lesion(60, 100)) == [("Calcification is absent", "agrees")]


def test_the_box_never_supports_or_contradicts_a_density() -> None:
    only_box = Evidence(dataclasses.replace(BOX, mean_hu=20.0), None, "right")
    for text in ("It is solid.", "It is not solid.", "ground-glass", "It measures 12 mm.", "About 20 HU."):
        assert {verdict for _, verdict in _verdicts(text, only_box)} == {"not_checkable"}
        assert "no lesion" in check(text, only_box)[0].measured


def test_the_absence_of_a_finding_says_nothing_about_density() -> None:
    assert _verdicts("No effusion.", _lesion(10)) == [("No effusion", "not_checkable")]


def test_both_halves_of_a_contrast_are_read() -> None:
    assert _verdicts("It is solid rather than ground-glass.") == [
        ("solid", "agrees"),
        ("rather than ground-glass", "agrees"),
    ]
    assert _verdicts("Not solid but ground-glass.", _lesion(-600)) == [
        ("Not solid", "agrees"),
        ("ground-glass", "agrees"),
    ]
    assert dict(_verdicts("Without calcification, solid in density.")) == {
        "solid": "agrees",
        "Without calcification": "agrees",
    }


@pytest.mark.parametrize(
    "text",
    [
        "The air spaces are filled.",
        "Air bronchograms are seen.",
        "It is part-solid.",
        "Use a soft-tissue window.",
        "The mediastinal fat is normal.",
        "The surrounding lung is air-filled.",
        "It is darker than fluid.",
        "Calcification cannot be excluded.",
    ],
)
def test_what_is_not_said_of_the_region_is_not_held_against_it(text: str) -> None:
    assert {verdict for _, verdict in _verdicts(text)} == {"not_checkable"}


# Side


@pytest.mark.parametrize(
    ("text", "side", "verdict"),
    [
        ("It lies in the right lung.", "right", "agrees"),
        ("It lies in the left lung.", "right", "contradicts"),
        ("A left-sided nodule.", "right", "contradicts"),
        ("It is in the midline.", "right", "contradicts"),
        ("It is in the midline.", "midline", "agrees"),
        ("It lies on the right.", "midline", "not_checkable"),
        ("It lies on the right.", None, "not_checkable"),
        ("It is not on the right.", "right", "contradicts"),
        ("It is not on the left.", "right", "agrees"),
        ("There is no nodule on the right.", "right", "not_checkable"),
        ("There is no nodule on the left.", "right", "not_checkable"),
        ("The left lung is clear.", "right", "not_checkable"),
        ("Both lungs are involved.", "right", "not_checkable"),
        ("It lies in the right corner of the image.", "left", "not_checkable"),
        ("It lies near the left ventricle.", "right", "not_checkable"),
    ],
)
def test_a_side_is_compared_with_geometry(text: str, side: str | None, verdict: str) -> None:
    evidence = dataclasses.replace(NODULE, side=side)  # type: ignore[arg-type]
    assert {found for _, found in _verdicts(text, evidence)} == {verdict}


def test_the_side_needs_no_lesion() -> None:
    assert _verdicts("It is on the left.", Evidence(BOX, None, "right")) == [("left", "contradicts")]


# Sizes and HU


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("It measures 12 mm.", "agrees"),
        ("It measures about 1.2 cm.", "agrees"),
        ("It measures 1,2 cm.", "agrees"),
        ("A 12-mm nodule.", "agrees"),
        ("It measures 12 x 9 mm.", "agrees"),
        ("It measures 1.2 cm x 0.9 cm.", "agrees"),
        ("It measures 9 × 12 mm.", "agrees"),
        ("It measures 12 by 20 mm.", "contradicts"),
        ("It measures 3 cm.", "contradicts"),
        ("It measures 5-8 mm.", "contradicts"),
        ("It measures 10 to 15 millimetres.", "agrees"),
        ("It is below 30 mm.", "agrees"),
        ("It is larger than 30 mm.", "contradicts"),
        ("It is not larger than 8 mm.", "contradicts"),
        ("It is at least 1 cm.", "agrees"),
        ("It lies 5 mm from the pleura.", "not_checkable"),
        ("It was read on 1 mm slices.", "not_checkable"),
        ("It has increased by 3 mm.", "not_checkable"),
        ("It does not measure 12 mm.", "not_checkable"),
    ],
)
def test_a_size_is_compared_with_the_lesions_axes(text: str, verdict: str) -> None:
    assert [found for _, found in _verdicts(text)] == [verdict]


def test_a_size_needs_geometry() -> None:
    bare = _lesion(20, long_axis_mm=None, short_axis_mm=None, area_mm2=None)
    (found,) = check("It measures 12 mm.", bare)
    assert found.verdict == "not_checkable"
    assert "geometry" in found.measured


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Its mean is 25 HU.", "agrees"),
        ("Its mean is 65 HU.", "not_checkable"),
        ("Its mean is −650 HU.", "contradicts"),
        ("Its density is minus 650 Hounsfield units.", "contradicts"),
        ("Between -20 and 40 HU.", "agrees"),
        ("20 to 40 HU", "agrees"),
        ("Above -100 HU.", "agrees"),
        ("Below -100 HU.", "contradicts"),
        ("A window of -600 HU.", "not_checkable"),
    ],
)
def test_hu_are_compared_with_the_lesions_mean(text: str, verdict: str) -> None:
    assert [found for _, found in _verdicts(text)] == [verdict]


# The rest


def test_normality_is_not_proved_by_a_measurement() -> None:
    (there,) = check("No finding.", NODULE)
    assert there.verdict == "not_checkable"
    assert "stands out" in there.measured
    (nothing,) = check("no abnormality", Evidence(BOX, None, "right"))
    assert nothing.verdict == "not_checkable"


def test_what_is_outside_the_lexicon_says_so() -> None:
    (found,) = check("First look at the whole slice.", NODULE)
    assert found.claim == "First look at the whole slice."
    assert found.verdict == "not_checkable"
    assert "lexicon" in found.measured
    named = check("It is solid and spiculated.", NODULE)
    assert [(each.claim, each.verdict) for each in named] == [
        ("solid", "agrees"),
        ("spiculated", "not_checkable"),
    ]
    assert check("  ", NODULE) == ()


def test_every_check_says_what_was_measured() -> None:
    for text in ("It is solid.", "right", "12 mm", "20 HU", "normal", "spiculated", "anything"):
        assert all(each.claim and each.measured for each in check(text, NODULE))


def test_a_claim_said_twice_is_checked_once() -> None:
    assert len(find_claims("It is solid. It is solid.")) == 1


@pytest.mark.parametrize(
    "text", ["", "...", "mm", "HU", "12", "no", "not", "x" * 5000, "(((", "no, no, no or no"]
)
def test_odd_texts_are_read_without_harm(text: str) -> None:
    check(text, NODULE)


def test_the_published_lexicon_is_consistent() -> None:
    names = [density.name for density in lexicon().densities]
    assert len(names) == len(set(names))
    for density in lexicon().densities:
        assert density.low_hu < density.high_hu
        assert density.margin_hu > 0
        if density.present is not None:
            assert density.low_hu <= density.present[0] < density.present[1] <= density.high_hu


def test_a_larger_size_is_not_contradicted_where_the_box_cuts_the_lesion_off() -> None:
    x, _ = BALL.centre
    half = measure(
        chest(), nothing_padded(), PLANE, SliceBox(AROUND_BALL.x0, AROUND_BALL.y0, x, AROUND_BALL.y1)
    )
    tight = measure(chest(), nothing_padded(), PLANE, BALL)
    assert half.lesion_cut
    assert not tight.lesion_cut
    assert _verdicts("It measures 60 mm.", half) == [("60 mm", "not_checkable")]
    assert _verdicts("It measures 4 mm.", half) == [("4 mm", "contradicts")]
    assert _verdicts("It measures 60 mm.", tight) == [("60 mm", "contradicts")]
