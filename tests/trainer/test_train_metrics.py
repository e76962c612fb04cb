"""The figures against ones worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from medreason_viewer.volume.geometry import SliceBox
from trainer.data.case import Case
from trainer.evaluation.metrics import Prediction, best_constant, compare, macro_f1, scores

CLASSES = ("nodule", "mass", "no finding")


def _case(finding: str, box: SliceBox | None = None, side: str = "", patient: str = "") -> Case:
    return Case(patient, finding, box, side, "carina", None, (1.0, 1.0), "phantom", "Apache-2.0")


CASES = [
    _case("nodule", SliceBox(0, 0, 10, 10), "right"),
    _case("nodule", SliceBox(0, 0, 10, 10), "left"),
    _case("mass", SliceBox(0, 0, 20, 10), "left"),
    _case("no finding"),
]
SAID = [
    Prediction("nodule", SliceBox(0, 0, 10, 10), "right", readable=True),
    Prediction("mass", SliceBox(0, 0, 10, 5), "right", readable=True),
    Prediction("mass", SliceBox(15, 0, 35, 10), "left", readable=True),
    Prediction(None, None, None, readable=False),
]


def test_by_hand() -> None:
    found = scores(CASES, SAID, CLASSES)
    assert found["accuracy"] == pytest.approx(2 / 4)
    # nodule: 1 of 2 found, 1 named: 2/3; mass: 1 of 1, 2 named: 2/3; no finding: 0
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    # 1, 1/2, and 5 x 10 of 35 x 10
    assert found["mean_iou"] == pytest.approx((1 + 0.5 + 50 / 350) / 3)
    assert found["iou_50"] == pytest.approx(2 / 3)
    # centres (5, 5), (5, 2.5) inside; (25, 5) is not
    assert found["centre_inside"] == pytest.approx(2 / 3)
    assert found["format_rate"] == pytest.approx(3 / 4)
    assert found["side_accuracy"] == pytest.approx(2 / 3)
    assert found["n"] == 4
    assert found["per_class"]["mass"] == {
        "n": 1,
        "recall": 1.0,
        "precision": 0.5,
        "mean_iou": pytest.approx(50 / 350),
        "centre_inside": 0.0,
    }
    assert found["per_class"]["no finding"]["precision"] is None


def test_a_missed_lesion_has_no_overlap() -> None:
    found = scores(CASES[:1], [Prediction("no finding", None, None, readable=True)], CLASSES)
    assert found["mean_iou"] == found["centre_inside"] == found["side_accuracy"] == 0


def test_a_box_where_nothing_is_counts_in_no_box_figure() -> None:
    found = scores(CASES[3:], [Prediction("mass", SliceBox(0, 0, 1, 1), "left", readable=True)], CLASSES)
    assert found["mean_iou"] is None
    assert found["mean_iou_ci"] is None
    assert found["accuracy"] == 0


def test_intervals_hold_the_value_and_narrow_with_more_slices() -> None:
    few, many = scores(CASES, SAID, CLASSES), scores(CASES * 50, SAID * 50, CLASSES)
    for name in (
        "accuracy",
        "macro_f1",
        "mean_iou",
        "iou_50",
        "centre_inside",
        "format_rate",
        "side_accuracy",
    ):
        low, high = many[f"{name}_ci"]
        assert low <= many[name] <= high
        assert high - low < few[f"{name}_ci"][1] - few[f"{name}_ci"][0]
    # 200 draws of one half: the binomial's own 95 % interval is 0.43 to 0.57
    assert many["accuracy_ci"] == pytest.approx([0.43, 0.57], abs=0.015)
    assert scores(CASES, SAID, CLASSES) == few


def test_macro_f1_of_perfect_and_useless_answers() -> None:
    truth = np.array([0, 1, 2, 2])
    assert macro_f1(truth, truth, 3) == 1.0
    assert macro_f1(truth, np.full(4, -1), 3) == 0.0
    assert macro_f1(truth, np.full(4, 2), 3) == pytest.approx((2 * 2 / (2 + 4)) / 3)


def test_best_constant_is_the_commonest_answer_and_the_median_box() -> None:
    said = best_constant(CASES)
    assert said == Prediction("nodule", SliceBox(0, 0, 10, 10), "left", readable=True)
    found = scores(CASES, [said] * 4, CLASSES)
    assert found["accuracy"] == 0.5
    assert found["format_rate"] == 1
    assert best_constant(CASES[3:]) == Prediction("no finding", None, None, readable=True)


def test_the_confusion_matrix_counts_every_slice_once() -> None:
    assert scores(CASES, SAID, CLASSES)["confusion"] == {
        "truth": ["nodule", "mass", "no finding"],
        "said": ["nodule", "mass", "no finding", None],
        "counts": [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]],
    }


def test_a_finding_that_the_model_does_not_know_is_never_right() -> None:
    cases = [*CASES, _case("effusion")]
    said = [*SAID, Prediction("nodule", None, None, readable=True)]
    found = scores(cases, said, CLASSES)
    assert found["accuracy"] == pytest.approx(2 / 5)
    assert found["confusion"]["truth"][-1] == "effusion"
    assert found["per_class"]["effusion"]["recall"] == 0


def test_slices_of_one_patient_are_drawn_together() -> None:
    """Ten patients whose slices are all alike tell no more than ten slices do."""
    right, wrong = (Prediction(name, None, None, readable=True) for name in ("mass", "nodule"))
    said = [right] * 50 + [wrong] * 50
    alone = scores([_case("mass")] * 100, said, CLASSES)["accuracy_ci"]
    grouped = scores([_case("mass", patient=str(n // 10)) for n in range(100)], said, CLASSES)["accuracy_ci"]
    assert alone == pytest.approx([0.4, 0.6], abs=0.03)
    assert grouped == pytest.approx([0.2, 0.8], abs=0.1)


def test_a_comparison_is_the_difference_of_both_evaluations() -> None:
    better = [Prediction(case.finding, case.box_slice, case.side, readable=True) for case in CASES]
    found = compare(CASES, better, SAID, CLASSES)
    one, other = scores(CASES, better, CLASSES), scores(CASES, SAID, CLASSES)
    for name in ("accuracy", "macro_f1", "mean_iou", "iou_50", "format_rate", "side_accuracy"):
        assert found[name] == pytest.approx(one[name] - other[name])
    assert (found["only_ours_right"], found["only_theirs_right"], found["n"]) == (2, 0, 4)
    mirrored = compare(CASES, SAID, better, CLASSES)
    assert mirrored["accuracy"] == -found["accuracy"]
    assert mirrored["accuracy_ci"] == pytest.approx([-edge for edge in reversed(found["accuracy_ci"])])


def test_pairing_narrows_the_interval() -> None:
    """Slices that are hard for both say nothing of the difference."""
    cases, wrong = CASES[:3] * 20, Prediction(None, None, None, readable=False)
    one = [Prediction(case.finding, None, None, readable=True) for case in cases[:31]] + [wrong] * 29
    other = [*one[:30], *[wrong] * 30]
    low, high = compare(cases, one, other, CLASSES)["accuracy_ci"]
    assert 0 <= low <= 1 / 60 <= high < 0.06  # the accuracies' own intervals are 0.25 wide
    assert compare(cases, one, one, CLASSES)["accuracy_ci"] == [0, 0]
