"""Server-sent events, against the standard written down a second time, and against nonsense."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from medreason_viewer.network.chat.said import read_delta, read_models, read_refusal
from medreason_viewer.network.chat.sse import NotEvents, event_data

LIKELY = st.sampled_from(
    [
        b"data: a",
        b"data:b",
        b"data",
        b"data:  c",
        b": ping",
        b"event: x",
        b"id: 1",
        b"\r",
        b"\n",
        b"\r\n",
        b"\xef\xbb\xbf",
    ]
)
BODIES = st.lists(st.one_of(LIKELY, st.binary(max_size=8)), max_size=30).map(b"".join)


def _by_the_standard(body: bytes) -> list[str]:
    """WHATWG HTML 9.2.6, over the whole body at once."""
    text = body.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events, data = [], b""
    for line in text.split(b"\n")[:-1]:
        field, colon, value = line.partition(b":")
        if not line:
            if data:
                events.append(data.removesuffix(b"\n").decode("utf-8", "replace"))
            data = b""
        elif field == b"data":
            data += (value.removeprefix(b" ") if colon else b"") + b"\n"
    return events


def _cut(body: bytes, at: Iterable[int]) -> list[bytes]:
    places = sorted({place % (len(body) + 1) for place in at} | {0, len(body)})
    return [body[start:end] for start, end in itertools.pairwise(places)]


@given(BODIES, st.lists(st.integers(0, 1000), max_size=12))
@example(b"data: a\r\n\r\ndata: b\r\r", [8, 9, 10])
@example(b"\xef\xbb\xbfdata: a\n\n", [1, 2])
def test_any_cut_reads_as_the_standard_has_it(body: bytes, at: list[int]) -> None:
    assert list(event_data(_cut(body, at))) == _by_the_standard(body)


@given(st.binary(max_size=400), st.integers(1, 64))
def test_no_event_is_larger_than_allowed(body: bytes, most: int) -> None:
    try:
        events = list(event_data([body], most))
    except NotEvents:
        return
    assert all(len(data.encode()) <= 3 * most for data in events)  # U+FFFD takes three bytes for one


@pytest.mark.parametrize("piece", [b"x" * 100, b"data: y\n" * 100])
def test_a_line_or_an_event_without_an_end_is_refused(piece: bytes) -> None:
    with pytest.raises(NotEvents):
        list(event_data(iter([piece] * 1000), 5000))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["choices", "delta", "content", "error", "usage", "data", "id"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_json_comes_is_read_or_refused(value: object) -> None:
    body = json.dumps(value)
    for read in (read_delta, lambda text: read_models(text.encode())):
        with contextlib.suppress(ValueError):
            read(body)
    assert len(read_refusal(body.encode())) <= 200


@pytest.mark.parametrize(
    "body", ["[" * 100000, "{", "", "NaN", "\x00", '{"choices": [{"delta": {"content": 3}}]}']
)
def test_what_is_no_reply_is_refused(body: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_delta(body)
