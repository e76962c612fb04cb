"""Steps: nothing of the thinking text is lost, and what was given out early is what comes out in the end."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from medreason_viewer.errors import AnswerUnreadable
from medreason_viewer.reasoning.bundles.manifest import ReplySpec
from medreason_viewer.reasoning.parse import StreamingSteps, answer_class, parse_reply
from medreason_viewer.reasoning.steps import split_steps

SIZE, SPEC = (224, 224), ReplySpec()

MARKS = ("1. ", "2. ", "3) ", "12. ", "Step 1: ", "Step 2: ", "- ", "* ", "\n", "\n\n", " ", ". ", "? ", "! ")
WORDS = (".", "e.g. ", "1.5 mm", "(see)", "A nodule", "is solid", "No. ", "-850 HU", "α", "é", "…", "\t")
BRACES = ("{", "}", '{"bbox_2d": [1, 2, 30, 40]}', '{"bbox_2d": [1, 2. 3', "<", ">", "</thin")
pieces = st.sampled_from((*MARKS, *WORDS, *BRACES))
texts = st.lists(pieces, max_size=30).map("".join) | st.text(max_size=80)

_NUMBERING = r"(?:\(?(?:step)?\d{1,3}[.):]|[-*•])*"  # once blanks are taken out


def _letters(text: str) -> str:
    return "".join(text.split())


@settings(max_examples=500, deadline=None)
@given(texts)
def test_every_character_but_blanks_and_numbering_is_in_a_step_in_order(text: str) -> None:
    pattern = "".join(f"{_NUMBERING}{re.escape(_letters(step))}" for step in split_steps(text))
    assert re.fullmatch(f"{pattern}{_NUMBERING}", _letters(text), re.IGNORECASE | re.DOTALL)


@given(st.text(st.characters(exclude_characters="-*•0123456789")))
def test_without_numbering_every_character_is_kept(text: str) -> None:
    assert _letters("".join(split_steps(text))) == _letters(text)


@given(texts)
def test_steps_are_never_empty_and_hold_no_outer_blanks(text: str) -> None:
    assert all(step and step == step.strip() for step in split_steps(text))


@settings(max_examples=300, deadline=None)
@example("1. 1. 2. ", 1, True)
@given(texts, st.integers(1, 9), st.booleans())
def test_steps_given_out_while_writing_are_those_of_the_whole(text: str, length: int, ends: bool) -> None:
    raw = f"<think>{text}</think><answer>x</answer>" if ends else f"<think>{text}"
    stream = StreamingSteps(SIZE, SPEC)
    arrived = [step for at in range(0, len(raw), length) for step in stream.feed(raw[at : at + length])]
    assert stream.text == raw
    whole = split_steps(text.split("</think>")[0].strip())
    assert [step.raw for step in arrived] == whole[: len(arrived)]
    try:
        assert tuple(arrived) == parse_reply(raw, SIZE, SPEC).steps
    except AnswerUnreadable:
        assert not ends or not text.strip() or "<" in text


def test_a_step_comes_as_soon_as_the_next_one_begins() -> None:
    stream = StreamingSteps(SIZE, SPEC)
    assert stream.feed("<think>The lung is seen.") == []
    assert [step.text for step in stream.feed(" It")] == ["The lung is seen."]
    assert [step.text for step in stream.feed(" ends</think>")] == ["It ends"]


def test_nothing_comes_from_a_reply_without_thinking_tags() -> None:
    stream = StreamingSteps(SIZE, SPEC)
    assert stream.feed("A nodule. It is solid. And so on.") == []


def test_a_list_after_prose_and_prose_after_a_list() -> None:
    text = "First look. Then:\n1. One. More of one.\n2. Two.\n\nTherefore x. And y."
    assert split_steps(text) == [
        "First look.",
        "Then:",
        "One. More of one.",
        "Two.",
        "Therefore x.",
        "And y.",
    ]


def test_an_answer_names_its_class() -> None:
    classes = ("ground-glass", "no finding")
    assert answer_class(" No  Finding. ", classes) == "no finding"
    assert answer_class("Ground-Glass", classes) == "ground-glass"
    assert answer_class("no finding, I think", classes) is None
    assert answer_class("", classes) is None


@pytest.mark.timeout(60)
@pytest.mark.parametrize("blank", [" ", "\n", " \n", "\t"])
def test_very_long_blanks_cost_no_more_than_their_length(blank: str) -> None:
    many = blank * 200_000
    with pytest.raises(AnswerUnreadable):
        parse_reply(f"{many}x", SIZE, SPEC)
    with pytest.raises(AnswerUnreadable):
        parse_reply(f"<think>a</think>{many}<answer>b</answer>{many}x", SIZE, SPEC)
    read = parse_reply(f"{many}<think>One.{many}Two.</think>{many}<answer>b</answer>{many}", SIZE, SPEC)
    assert [step.text for step in read.steps] == ["One.", "Two."]
