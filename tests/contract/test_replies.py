"""Golden and negative replies: what a model may write, and what viewer and trainer make of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from medreason_viewer.errors import AnswerUnreadable
from medreason_viewer.reasoning.bundles.manifest import ReplySpec
from medreason_viewer.reasoning.parse import StreamingSteps, parse_boxes, parse_reply

HERE = Path(__file__).parent
LOCATE = json.loads((HERE / "locate_replies.json").read_text("utf-8"))
REASON = json.loads((HERE / "reason_replies.json").read_text("utf-8"))
SIZE = (224, 224)
SPEC = ReplySpec()


def _named(cases: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=[case["why"] for case in cases])


def test_there_are_enough_malformed_replies() -> None:
    assert len(LOCATE["unreadable"]) >= 40
    assert len(REASON["unreadable"]) >= 20


@_named(LOCATE["readable"])
def test_boxes_are_read(case: dict[str, Any]) -> None:
    read = parse_boxes(case["raw"], SIZE, SPEC)
    assert [[*each.box_model.as_tuple(), each.label] for each in read] == case["boxes"]


@_named(LOCATE["unreadable"])
def test_what_is_no_box_is_refused_with_its_text(case: dict[str, Any]) -> None:
    with pytest.raises(AnswerUnreadable) as caught:
        parse_boxes(case["raw"], SIZE, SPEC)
    assert caught.value.raw == case["raw"]
    assert "region" in str(caught.value)


@_named(REASON["readable"])
def test_steps_and_answer_are_read(case: dict[str, Any]) -> None:
    read = parse_reply(case["raw"], SIZE, SPEC)
    assert [step.text for step in read.steps] == case["steps"]
    assert read.answer == case["answer"]
    boxes = [list(step.box.box_model.as_tuple()) if step.box else None for step in read.steps]
    assert boxes == case.get("boxes", [None] * len(read.steps))
    assert [step.refused for step in read.steps] == case.get("refused", [False] * len(read.steps))


@_named(REASON["unreadable"])
def test_what_is_no_answer_is_refused_with_its_text(case: dict[str, Any]) -> None:
    with pytest.raises(AnswerUnreadable) as caught:
        parse_reply(case["raw"], SIZE, SPEC)
    assert caught.value.raw == case["raw"]


@_named(REASON["readable"])
@pytest.mark.parametrize("length", [1, 3, 7, 1000])
def test_steps_arrive_while_the_reply_is_written(case: dict[str, Any], length: int) -> None:
    stream = StreamingSteps(SIZE, SPEC)
    raw = case["raw"]
    arrived = [step for at in range(0, len(raw), length) for step in stream.feed(raw[at : at + length])]
    assert tuple(arrived) == parse_reply(raw, SIZE, SPEC).steps


@_named(REASON["readable"])
def test_a_shortened_reply_is_never_taken_for_a_whole_one(case: dict[str, Any]) -> None:
    raw = case["raw"].rstrip()
    for end in range(len(raw)):
        with pytest.raises(AnswerUnreadable):
            parse_reply(raw[:end], SIZE, SPEC)
