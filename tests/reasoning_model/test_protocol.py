"""Frames: what is written is read back; anything else is refused with a sentence, whatever the bytes."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_requests import slice_request

from medreason_viewer.reasoning.follow_up import Exchange, follow_up
from medreason_viewer.reasoning.process.protocol import (
    MAX_ARRAY_BYTES,
    AskFurther,
    CancelRequest,
    Explain,
    Heartbeat,
    ProtocolError,
    read_message,
    write_message,
)
from medreason_viewer.reasoning.request import (
    Answered,
    Check,
    Evidence,
    Explanation,
    Failed,
    FollowUpAnswer,
    FollowUpAnswered,
    Located,
    ModelInfo,
    ModelState,
    Region,
    Statistics,
    Step,
    StepArrived,
    Stopped,
    TextArrived,
    Timing,
    ZoomReady,
)
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.window import Window

BOX = SliceBox(1.5, 2, 3, 4.25)
STATISTICS = Statistics(-301.25, 0.1, -1000.0, 44.0, 12, 48.0, None, None)
EVIDENCE = Evidence(STATISTICS, None, "right", ((0.0, 0.5), (1.0, 1.0), (2.0, 0.0)))
MODEL = ModelInfo("n", "s", "nf4", "cpu", "l", "t", "i")
STEP = Step("It is µ–sharp.", BOX, (Check("solid", "12 HU", "agrees"),))


def _explanation() -> Explanation:
    request = slice_request()
    return Explanation(
        request_id=request.id,
        key=request.key,
        slice_index=3,
        display_window=Window(40, 400),
        model_windows=(Window(-600, 1500),),
        region=Region(BOX, "grown", "x"),
        steps=(STEP, Step("Second.")),
        answer=None,
        answer_checks=(),
        raw_reply="raw \ud83d\n",
        evidence=EVIDENCE,
        model=MODEL,
        timing=Timing(1.0, 0.2, 3.0, 40, 13.5),
        warnings=("w",),
    )


FURTHER = FollowUpAnswer("b", "And \ud83d?", (STEP,), None, (), "raw", MODEL, Timing(1.0, 0.2, 3.0, 4, 13.5))

MESSAGES: list[Any] = [
    CancelRequest("a"),
    Heartbeat(),
    ModelState("loading", "Loading.", None, 0.5),
    ModelState("ready", "Ready.", MODEL),
    Located("a", Region(BOX, "reader"), EVIDENCE, ("w",)),
    TextArrived("a", "text é"),
    StepArrived("a", 0, STEP),
    Answered("a", _explanation()),
    FollowUpAnswered("b", "a", FURTHER),
    Answered("a", dataclasses.replace(_explanation(), follow_ups=(FURTHER,))),
    TextArrived("b", "text", "a"),
    StepArrived("b", 1, STEP, "a"),
    Stopped("a"),
    Failed("b", "No.", "a"),
]


def _frame(message: Any) -> bytes:
    stream = io.BytesIO()
    write_message(stream, message)
    return stream.getvalue()


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_is_read_as_it_was_written(message: Any) -> None:
    assert read_message(io.BytesIO(_frame(message))) == message


def test_arrays_travel_exactly() -> None:
    request = slice_request(hu=np.random.default_rng(0).normal(size=(64, 64)))
    read = read_message(io.BytesIO(_frame(Explain(request))))
    assert isinstance(read, Explain)
    np.testing.assert_array_equal(read.request.hu, request.hu)
    assert read.request.hu.dtype == np.float64
    assert read.request.padding.dtype == np.bool_
    assert dataclasses.replace(read.request, hu=request.hu, padding=request.padding).key == request.key
    image = np.random.default_rng(1).integers(0, 256, (28, 56, 3), dtype=np.uint8)
    zoomed = read_message(io.BytesIO(_frame(ZoomReady("a", image[:, ::2], image, BOX))))
    assert isinstance(zoomed, ZoomReady)
    np.testing.assert_array_equal(zoomed.model_input, image[:, ::2])


def test_a_further_question_travels_with_all_it_needs() -> None:
    request = slice_request()
    explained = dataclasses.replace(_explanation(), follow_ups=(FURTHER,))
    asked = follow_up(request, explained, "And its margin?")
    read = read_message(io.BytesIO(_frame(AskFurther(asked))))
    assert isinstance(read, AskFurther)
    again = read.request
    np.testing.assert_array_equal(again.request.hu, request.hu)
    assert again.so_far == (Exchange(FURTHER.question, "raw"),)
    for name in ("id", "parent_id", "region", "raw_reply", "question", "model"):
        assert getattr(again, name) == getattr(asked, name)


def test_messages_follow_one_another_and_the_end_is_no_error() -> None:
    stream = io.BytesIO(b"".join(map(_frame, MESSAGES)))
    assert [read_message(stream) for _ in MESSAGES] == MESSAGES
    assert read_message(stream) is None


def _handmade(body: object, payload: bytes = b"") -> bytes:
    header = json.dumps(body).encode()
    return struct.pack("<4sIQ", b"MRF1", len(header), len(payload)) + header + payload


def _fields(**changes: object) -> bytes:
    fields = {"request_id": "a", "text": "t"} | changes
    return _handmade({"message": "TextArrived", "fields": fields, "arrays": []})


BAD = {
    "print": b"Loading weights: 100%\n" + bytes(40),
    "short head": b"MRF1\x00",
    "short body": _frame(MESSAGES[5])[:-1],
    "huge header": struct.pack("<4sIQ", b"MRF1", 2**32 - 1, 0),
    "huge payload": struct.pack("<4sIQ", b"MRF1", 2, MAX_ARRAY_BYTES + 1) + b"{}",
    "no json": struct.pack("<4sIQ", b"MRF1", 2, 0) + b"\xff\xfe",
    "no object": _handmade([1]),
    "unknown message": _handmade({"message": "Popen", "fields": {}, "arrays": []}),
    "a field too many": _fields(more=1),
    "a number for a text": _fields(text=5),
    "a list for a text": _fields(text=["a"]),
    "bytes of no array": _handmade({"message": "Heartbeat", "fields": {}, "arrays": []}, b"abc"),
    "an object array": _handmade(
        {"message": "Heartbeat", "fields": {}, "arrays": [{"dtype": "|O", "shape": [1]}]}, bytes(8)
    ),
    "a negative shape": _handmade(
        {"message": "Heartbeat", "fields": {}, "arrays": [{"dtype": "|u1", "shape": [-1]}]}, b"abc"
    ),
    "an unknown state": _handmade(
        {
            "message": "ModelState",
            "fields": {"state": "on fire", "text": "", "model": None, "progress": None},
            "arrays": [],
        }
    ),
}


@pytest.mark.parametrize("frame", BAD.values(), ids=BAD.keys())
def test_what_is_no_message_is_refused_with_a_sentence(frame: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"The model's process sent something unreadable \(.+\)\."):
        read_message(io.BytesIO(frame))


def test_an_array_of_another_type_is_refused() -> None:
    frame = _frame(Explain(slice_request())).replace(b'"<f8"', b'"<i8"')
    with pytest.raises(ProtocolError):
        read_message(io.BytesIO(frame))


def test_a_box_that_is_none_is_refused() -> None:
    frame = _frame(Located("a", Region(SliceBox(1, 2, 3, 4), "reader"), EVIDENCE)).replace(
        b'"x1":3', b'"x1":0'
    )
    with pytest.raises(ProtocolError):
        read_message(io.BytesIO(frame))


def test_deeply_nested_json_is_refused() -> None:
    header = b"[" * 100_000
    with pytest.raises(ProtocolError):
        read_message(io.BytesIO(struct.pack("<4sIQ", b"MRF1", len(header), 0) + header))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_damaged_frame_raises_anything_else(data: st.DataObject) -> None:
    frame = bytearray(_frame(data.draw(st.sampled_from([*MESSAGES, Explain(slice_request())]))))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(frame)))
    stream = io.BytesIO(bytes(frame[:cut]))
    with contextlib.suppress(ProtocolError):
        while read_message(stream) is not None:
            pass


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_garbage_raises_anything_else(garbage: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        read_message(io.BytesIO(garbage))
