"""``explanation.json`` and ``reasoning.md``: every field of the contract, and nothing that is not plain."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from chest_slice import AROUND_BALL, PLANE, key, request
from drawn_explanations import explanations, unhurried
from hypothesis import given

from medreason_viewer.errors import RecordUnreadable
from medreason_viewer.reasoning.bundles.bundle import template
from medreason_viewer.reasoning.dialogue import Dialogue, explanation
from medreason_viewer.reasoning.record import explanation_json, read_explanation, reasoning_markdown
from medreason_viewer.reasoning.request import Explanation, FollowUpAnswer, ModelInfo, Timing

MANIFEST = template("demo")
INFO = ModelInfo("demo", "ab" * 32, "nf4", "cpu", "Apache-2.0", "synthetic phantoms", "shows the program")
BOX = '{"bbox_2d": [52, 83, 67, 118]}'
REPLY = (
    f"<think> It is in the left lung. It is solid, at {BOX} here. So it is. </think>"
    "<answer> ground-glass </answer>"
)

TOP = {
    *(
        "schema_version",
        "key",
        "slice_index",
        "display_window",
        "model_windows",
        "region_source",
        "box_slice",
    ),
    *("corners_mm", "steps", "answer", "raw_reply", "evidence", "checks", "model", "timing", "warnings"),
    *("request_id", "region_label", "answer_checks", "follow_ups"),
}
STATISTICS = {"mean_hu", "sd_hu", "min_hu", "max_hu", "area_mm2", "long_axis_mm", "short_axis_mm", "pixels"}


def _explained(reply: str = REPLY, **changes: Any) -> Explanation:
    asked = request(**changes)
    dialogue = Dialogue(asked, MANIFEST)
    dialogue.begin()
    dialogue.next_turn()
    dialogue.reply(reply)
    return explanation(asked, MANIFEST, dialogue.outcome, INFO, Timing(1.5, 0.2, 0.9, 30, 42.0))


def test_the_document_has_the_fields_of_the_contract_and_no_other() -> None:
    document = explanation_json(_explained())
    assert document.keys() == TOP
    assert all(step.keys() == {"text", "box_slice", "checks"} for step in document["steps"])
    assert document["evidence"].keys() == {"box", "lesion", "side", "lesion_outline_slice", "lesion_cut"}
    assert document["evidence"]["box"].keys() == STATISTICS
    assert document["evidence"]["lesion"].keys() == STATISTICS
    assert document["model"].keys() == {field.name for field in dataclasses.fields(ModelInfo)}
    assert document["timing"].keys() == {"load_s", "first_token_s", "total_s", "tokens", "tokens_per_s"}
    assert all(check.keys() == {"claim", "measured", "verdict"} for check in document["checks"])


def test_the_document_is_json_and_says_what_happened() -> None:
    document = json.loads(json.dumps(explanation_json(_explained()), allow_nan=False))
    assert document["schema_version"] == 2
    assert document["key"]["patient_key"] == "P1"
    assert document["box_slice"] == list(AROUND_BALL.as_tuple())
    assert document["region_source"] == "reader"
    assert document["answer"] == "ground-glass"
    assert document["raw_reply"] == REPLY
    assert document["evidence"]["side"] == "right"
    assert document["display_window"] == {"centre_hu": 50, "width_hu": 350}
    assert document["model_windows"] == [{"centre_hu": -600.0, "width_hu": 1500.0}]
    assert [step["box_slice"] is not None for step in document["steps"]] == [False, True, False]
    verdicts = {check["claim"]: check["verdict"] for check in document["checks"]}
    assert verdicts["left"] == "contradicts"
    assert verdicts["solid"] == "agrees"
    assert verdicts["ground-glass"] == "contradicts"


def test_the_corners_are_the_planes() -> None:
    corners = explanation_json(_explained())["corners_mm"]
    x0, y0, x1, y1 = AROUND_BALL.as_tuple()
    expected = [
        [PLANE.origin_mm[0] + (x - 0.5) * 1.3, PLANE.origin_mm[1] + (y - 0.5) * 1.3, PLANE.origin_mm[2]]
        for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    ]
    for found, wanted in zip(corners, expected, strict=True):
        assert found == pytest.approx(wanted, abs=1e-9)


def test_without_geometry_there_are_no_millimetres() -> None:
    bare = key(origin_mm=None, x_axis=None, y_axis=None, spacing_mm=None)
    document = explanation_json(_explained(plane=None, key=bare))
    assert document["corners_mm"] is None
    assert document["evidence"]["side"] is None
    assert document["evidence"]["lesion"]["long_axis_mm"] is None


def test_an_unreadable_reply_is_kept_whole_with_answer_null() -> None:
    made = _explained("A nodule, I think.\n```\n# Heading")
    document = explanation_json(made)
    assert document["answer"] is None
    assert document["steps"] == []
    assert document["raw_reply"] == "A nodule, I think.\n```\n# Heading"
    assert document["warnings"]
    text = reasoning_markdown(made)
    assert "could not be read" in text
    assert text.count("```") == 2  # the reply cannot end its own fence


def test_the_text_for_people_puts_the_measurement_beside_the_sentence() -> None:
    text = reasoning_markdown(_explained())
    assert "Research use only" in text
    assert "1. It is in the left lung." in text
    assert "“left”: **contradicts** (right (centre of the lesion))" in text
    assert "synthetic phantoms" in text
    assert "drawn by the reader" in text
    for warning in _explained().warnings:
        assert warning in text


def test_markup_of_a_model_stays_text() -> None:
    reply = "<think># Big. <img src=x onerror=y> [a](http://b) **c** seen.</think><answer>`rm` | x</answer>"
    text = reasoning_markdown(_explained(reply))
    assert "<img" not in text.replace("\\<img", "")
    assert "[a](" not in text.replace("\\[a\\](", "")
    assert "\n# Big" not in text
    assert "\\`rm\\` \\| x" in text


def test_no_patient_is_in_the_text_for_people() -> None:
    made = dataclasses.replace(_explained(), key=key(patient_key="DOE-4711"))
    assert "4711" not in reasoning_markdown(made)


@unhurried
@given(explanations)
def test_every_explanation_is_read_back_equal(made: Explanation) -> None:
    text = json.dumps(explanation_json(made), allow_nan=False)
    assert read_explanation(json.loads(text)) == made


def test_a_real_explanation_is_read_back_equal() -> None:
    made = _explained()
    assert read_explanation(json.loads(json.dumps(explanation_json(made)))) == made


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("schema_version",), 7, "schema_version is 7, and this program reads 1 and 2"),
        (("key", "frame_number"), "1", "key.frame_number is not a whole number"),
        (("key", "patient"), "P", "key.patient is not known"),
        (("evidence", "box", "mean_hu"), None, "evidence.box.mean_hu is not a number"),
        (("evidence", "box", "mean_hu"), float("nan"), "evidence.box.mean_hu is not a number"),
        (("evidence", "side"), "up", "evidence.side is none of right, left, midline"),
        (("box_slice",), [1, 2, 1, 4], "empty or negative box"),
        (("box_slice",), [1, 2, 3], "box_slice does not have 4 values"),
        (("box_slice",), None, "region.box_slice is not an object"),
        (("box_slice",), [54, 80, 82, 109], "its corners_mm are not those of its box"),
        (("steps",), "none", "steps is not a list of objects"),
        (("steps", 1, "box_slice"), [0], "steps[1].box_slice does not have 4 values"),
        (("steps", 0, "checks"), [], "its checks are not those of its steps"),
        (("corners_mm",), [[0, 0, 0]], "corners_mm does not have 4 values"),
        (("corners_mm",), [[0, 0, 0]] * 4, "its corners_mm are not those of its box"),
        (("corners_mm",), None, "its corners_mm are not those of its box"),
        (("display_window", "width_hu"), 0, "display_window is refused: not a window"),
        (("answer",), ["a"], "answer is not a text"),
    ],
)
def test_nonsense_is_refused_with_its_place(place: tuple[Any, ...], value: Any, said: str) -> None:
    document = explanation_json(_explained())
    inner = document
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    with pytest.raises(RecordUnreadable) as caught:
        read_explanation(document)
    assert said in str(caught.value)


def _asked_further() -> Explanation:
    made = _explained()
    steps = tuple(dataclasses.replace(step, text=f"<{step.text}>") for step in made.steps)
    answered = FollowUpAnswer(
        "f1", "How *large*?", steps, "21 mm", made.answer_checks, "raw", INFO, made.timing, ("Odd.",)
    )
    unreadable = FollowUpAnswer("f2", "And?", (), None, (), "<b>eh</b>", INFO, made.timing, made.warnings)
    return dataclasses.replace(made, follow_ups=(answered, unreadable))


def test_further_questions_are_read_back_equal() -> None:
    made = _asked_further()
    document = json.loads(json.dumps(explanation_json(made), allow_nan=False))
    first, second = document["follow_ups"]
    assert (first["question"], first["answer"], second["answer"]) == ("How *large*?", "21 mm", None)
    assert first["steps"][1].keys() == {"text", "box_slice", "checks"}
    assert first["steps"][1]["box_slice"] == document["steps"][1]["box_slice"]
    assert document["checks"] == explanation_json(_explained())["checks"]
    assert read_explanation(document) == made
    first["steps"][0] = 5
    with pytest.raises(RecordUnreadable, match=r"follow_ups\[0\].steps is not a list of objects"):
        read_explanation(document)


def test_a_record_of_the_first_version_is_read() -> None:
    made = _explained()
    document = {**explanation_json(made), "schema_version": 1}
    del document["follow_ups"]
    assert read_explanation(document) == made


def test_further_questions_stand_below_the_answer() -> None:
    text = reasoning_markdown(_asked_further())
    after = text[text.index("## Answer") : text.index("## Measured")]
    assert after.count("## Further question") == 2
    assert "“How \\*large\\*?”" in after
    assert "> **Note:** Odd." in after
    assert "1. \\<It is in the left lung.\\>" in after
    assert "“left”: **contradicts**" in after
    assert "could not be read" in after
    assert "```text\n<b>eh</b>\n```" in after


@pytest.mark.parametrize("document", [None, [], 5, {}, {"schema_version": 1}])
def test_what_is_no_record_is_refused(document: Any) -> None:
    with pytest.raises(RecordUnreadable, match="not the record of an explanation"):
        read_explanation(document)


@pytest.mark.parametrize("name", sorted(TOP - {"schema_version", "warnings", "follow_ups"}))
def test_a_missing_part_is_named(name: str) -> None:
    document = explanation_json(_explained())
    del document[name]
    with pytest.raises(RecordUnreadable, match=f"{name} is missing"):
        read_explanation(document)
