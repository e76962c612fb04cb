"""Explanations and findings of every shape, for the tests of what keeps them."""

from __future__ import annotations

from datetime import UTC

from explanations import PLANE
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from medreason_viewer.findings.finding import VERDICTS, Finding, Judgement
from medreason_viewer.reasoning.request import (
    Check,
    Evidence,
    Explanation,
    FollowUpAnswer,
    ModelInfo,
    Region,
    Statistics,
    Step,
    Timing,
)
from medreason_viewer.volume.ct import ImageKey
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.window import Window

# A busy machine is no reason to fail: an explanation takes a while to draw.
unhurried = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
steps = st.lists(
    st.builds(Step, texts, st.none() | boxes(), st.lists(checks, max_size=2).map(tuple)), max_size=3
).map(tuple)
models = st.builds(ModelInfo, *[texts] * 7, st.none() | texts)
timings = st.builds(Timing, numbers, numbers, numbers, st.integers(0, 10**6), numbers)
further = st.builds(
    FollowUpAnswer,
    request_id=texts,
    question=texts,
    steps=steps,
    answer=st.none() | texts,
    answer_checks=st.lists(checks, max_size=2).map(tuple),
    raw_reply=texts,
    model=models,
    timing=timings,
    warnings=st.lists(texts, max_size=2).map(tuple),
)
explanations = st.builds(
    Explanation,
    request_id=texts,
    key=keys(),
    slice_index=st.integers(0, 3000),
    display_window=windows,
    model_windows=st.lists(windows, max_size=3).map(tuple),
    region=st.builds(Region, boxes(), st.sampled_from(["reader", "model", "grown"]), texts),
    steps=steps,
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
    model=models,
    timing=timings,
    warnings=st.lists(texts, max_size=3).map(tuple),
    follow_ups=st.lists(further, max_size=2).map(tuple),
)
times = st.datetimes(timezones=st.just(UTC))
names = texts.filter(str.strip)
judgements = st.builds(
    Judgement, st.sampled_from(VERDICTS), names, times, st.none() | boxes(), texts, texts, names
)
findings = st.builds(Finding, names, explanations, times, st.none() | judgements)
