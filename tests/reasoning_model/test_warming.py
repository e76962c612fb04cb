"""Warming: done ahead of time, told, and given up as soon as somebody asks."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from tiny_requests import MANIFEST, slice_request
from watched import Watched

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import ModelOutOfMemory
from medreason_viewer.reasoning.bundles.bundle import template
from medreason_viewer.reasoning.process.answerer import Answerer
from medreason_viewer.reasoning.process.protocol import Explain, read_message, write_message
from medreason_viewer.reasoning.process.worker import Inbox, Outbox, get_ready
from medreason_viewer.reasoning.request import Event, ModelInfo, ModelState
from medreason_viewer.reasoning.turns import Turn

INFO = ModelInfo("slow", "0", "none", "cpu", "l", "t", "i")


class Endless:
    """Never comes to its second token, unless it is told to stop."""

    info, load_s = INFO, 0.0

    def __init__(self) -> None:
        self.turns: list[Turn] = []

    def stream(self, turn: Turn, cancel: Cancel) -> Iterator[str]:
        """One token, then silence."""
        self.turns.append(turn)
        yield "<"
        while True:
            cancel.check()
            time.sleep(0.005)


def test_states_are_told_and_what_the_model_knows_with_them(watch: Callable[[Watched], Watched]) -> None:
    watched = watch(Watched.stub(0.0))
    ready = watched.state("ready")
    states = [event for event in watched.seen if isinstance(event, ModelState)]
    assert [state.state for state in states] == ["starting", "warming", "ready"]
    assert [state.follow_ups for state in states] == [False, True, True]
    assert ready.model == states[1].model


def test_a_question_ends_the_warming_and_is_answered_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "_exit", lambda _code: None)  # the end of the pipe ends the thread alone
    there, here = os.pipe()
    with os.fdopen(there, "rb") as incoming, os.fdopen(here, "wb") as viewer:
        inbox, out, model = Inbox(incoming), io.BytesIO(), Endless()
        listening = threading.Thread(target=inbox.listen)
        listening.start()
        answerer = Answerer(model, MANIFEST, lambda _event: None)
        asks = threading.Timer(0.05, lambda: write_message(viewer, Explain(request)))
        request = slice_request()
        asks.start()
        get_ready(answerer, "cpu", inbox, Outbox(out))
        asks.join()
        question, _ = next(inbox.questions())
        assert question.id == request.id
        out.seek(0)
        told = [read_message(out), read_message(out)]
        viewer.close()
        listening.join(5)
    assert [event.state for event in told if isinstance(event, ModelState)] == ["warming", "ready"]
    (turn,) = model.turns
    assert turn.kind == "reason"
    assert turn.max_new_tokens == 2


@pytest.mark.parametrize("name", ["demo", "medreason-r1"])
def test_it_reads_an_image_of_the_size_that_questions_have(name: str) -> None:
    model, manifest = Endless(), template(name)
    cancel = Cancel()
    cancel.request()
    Answerer(model, manifest, lambda _event: None).warm(cancel)
    height, width = model.turns[0].image.shape[:2]
    assert manifest.image.min_pixels <= height * width <= manifest.image.max_pixels


def test_what_fails_in_it_is_left_to_the_first_question() -> None:
    class Full(Endless):
        def stream(self, turn: Turn, cancel: Cancel) -> Iterator[str]:
            raise ModelOutOfMemory("It does not fit.")

    events: list[Event] = []
    answerer = Answerer(Full(), MANIFEST, events.append)
    answerer.warm(Cancel())
    assert events == []
    answerer.answer(slice_request(), Cancel())
    assert getattr(events[-1], "text", "") == "It does not fit."
