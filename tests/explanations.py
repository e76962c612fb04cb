"""Explanations and findings of every shape, for the tests of what keeps them."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from medreason_viewer.findings.finding import VERDICTS, Finding, Judgement
from medreason_viewer.reasoning.request import (
    Check,
    Evidence,
    Explanation,
    ModelInfo,
    Region,
    Statistics,
    Step,
    Timing,
)
from medreason_viewer.volume.ct import ImageKey
from medreason_viewer.volume.geometry import SliceBox, SlicePlane
from medreason_viewer.volume.window import Window

PLANE = SlicePlane((-170.0, -130.0, 40.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.3, 1.3))
texts = st.text(max_size=40)  # line breaks, NUL, lone surrogates of a cut reply and all
numbers = st.floats(-1e6, 1e6)
lengths = st.none() | st.floats(0, 1e4)


@st.composite
def boxes(draw: st.DrawFn) -> SliceBox:
    """A box on a slice."""
    x0, y0 = draw(st.floats(0, 500)), draw(st.floats(0, 500))
    return SliceBox(x0, y0, x0 + draw(st.floats(0.125, 100)), y0 + draw(st.floats(0.125, 100)))


@st.composite
def keys(draw: st.DrawFn) -> ImageKey:
    """A key, with geometry or without."""
    words = [draw(texts) for _ in range(5)]
    where = (PLANE.origin_mm, PLANE.x_axis, PLANE.y_axis, PLANE.spacing_mm)
    placed = where if draw(st.booleans()) else (None, None, None, None)
    return ImageKey(*words[:4], draw(st.integers(1, 500)), words[4], *placed, "ab" * 32)


checks = st.builds(Check, texts, texts, st.sampled_from(["agrees", "contradicts", "not_checkable"]))
windows = st.builds(Window, st.floats(-2000, 3000), st.floats(1, 5000))
statistics = st.builds(Statistics, *[numbers] * 4, st.integers(1, 10**6), lengths, lengths, lengths)
outlines = st.none() | st.lists(st.tuples(numbers, numbers), max_size=5).map(tuple)
explanations = st.builds(
    Explanation,
    request_id=texts,
    key=keys(),
    slice_index=st.integers(0, 3000),
    display_window=windows,
    model_windows=st.lists(windows, max_size=3).map(tuple),
    region=st.builds(Region, boxes(), st.sampled_from(["reader", "model", "grown"]), texts),
    steps=st.lists(
        st.builds(Step, texts, st.none() | boxes(), st.lists(checks, max_size=2).map(tuple)), max_size=3
    ).map(tuple),
    answer=st.none() | texts,
    answer_checks=st.lists(checks, max_size=2).map(tuple),
    raw_reply=texts,
    evidence=st.builds(
        Evidence,
        statistics,
        st.none() | statistics,
        st.sampled_from([None, "right", "left", "midline"]),
        outlines,
        st.booleans(),
    ),
    model=st.builds(ModelInfo, *[texts] * 7, st.none() | texts),
    timing=st.builds(Timing, numbers, numbers, numbers, st.integers(0, 10**6), numbers),
    warnings=st.lists(texts, max_size=3).map(tuple),
)
times = st.datetimes(timezones=st.just(UTC))
names = texts.filter(str.strip)
judgements = st.builds(
    Judgement, st.sampled_from(VERDICTS), names, times, st.none() | boxes(), texts, texts, names
)
findings = st.builds(Finding, names, explanations, times, st.none() | judgements)


def explanation(**changes: object) -> Explanation:
    """One plain explanation: a nodule on slice 12 of patient P1."""
    box = SliceBox(54, 80, 82, 108)
    numbers_of_box = Statistics(-300.5, 12.25, -1000.0, 90.0, 784, 1324.96, None, None)
    values: dict[str, object] = {
        "request_id": "r1",
        "key": key(),
        "slice_index": 12,
        "display_window": Window(50, 350),
        "model_windows": (Window(-600, 1500),),
        "region": Region(box, "reader"),
        "steps": (Step("It is solid.", None, (Check("solid", "12 HU", "agrees"),)), Step("So.", box)),
        "answer": "nodule",
        "answer_checks": (),
        "raw_reply": "<think>It is solid. So.</think><answer>nodule</answer>",
        "evidence": Evidence(numbers_of_box, None, "right"),
        "model": ModelInfo("demo", "cd" * 32, "nf4", "cpu", "Apache-2.0", "phantoms", "shows the program"),
        "timing": Timing(1.5, 0.25, 2.0, 30, 20.0),
        "warnings": ("Slices are missing.",),
    }
    return Explanation(**(values | changes))  # type: ignore[arg-type]


def key(patient: str = "P1", series: str = "1.2.2", sop: str = "1.2.3", study: str = "1.2.1") -> ImageKey:
    """An image of a patient."""
    geometry = (PLANE.origin_mm, PLANE.x_axis, PLANE.y_axis, PLANE.spacing_mm)
    return ImageKey(patient, study, series, sop, 1, "1.2.4", *geometry, "0" * 64)


def judgement(verdict: str = "accepted", **changes: object) -> Judgement:
    """One plain verdict."""
    values: dict[str, object] = {
        "verdict": verdict,
        "reader": "Dr. Ada Read",
        "at": datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        "box_slice": SliceBox(54, 80, 82, 108),
        "answer": "nodule",
        "reason": "It is a vessel." if verdict == "rejected" else "",
    }
    return Judgement(**(values | changes))  # type: ignore[arg-type]
