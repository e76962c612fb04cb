"""The client against workers that misbehave in every way; none of them has a model."""

from __future__ import annotations

import queue
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from tiny_requests import slice_request
from watched import HERE, QUICK, Watched

from medreason_viewer.reasoning.process.client import ModelClient
from medreason_viewer.reasoning.process.limits import Limits
from medreason_viewer.reasoning.request import Event, Failed, ModelState, Stopped, TextArrived

Watch = Callable[[Watched], Watched]


def test_text_streams_and_states_are_told_in_order(watch: Watch) -> None:
    watched = watch(Watched.fake("good"))
    request = slice_request()
    watched.client.explain(request)  # before it is ready: waits for it
    assert watched.text_of(request.id).text == "0 "
    assert watched.text_of(request.id).text == "1 "
    states = [event.state for event in watched.seen if isinstance(event, ModelState)]
    assert states == ["starting", "loading", "ready"]
    assert watched.client.state.state == "ready"


def test_a_cancel_is_told_at_once_and_nothing_comes_after_it(watch: Watch) -> None:
    watched = watch(Watched.fake("good"))
    first, second = slice_request(), slice_request()
    watched.client.explain(first)
    watched.text_of(first.id)
    watched.client.cancel(first.id)
    assert watched.end_of(first.id, 0.5) == Stopped(first.id)
    after = len(watched.seen)
    watched.client.explain(second)
    watched.text_of(second.id)
    assert not [e for e in watched.seen[after:] if getattr(e, "request_id", second.id) != second.id]
    assert watched.client.state.state == "ready"


def test_a_new_request_stops_the_running_and_the_waiting_one(watch: Watch) -> None:
    watched = watch(Watched.fake("slow load"))
    waiting, running, last = slice_request(), slice_request(), slice_request()
    watched.client.explain(waiting)
    watched.client.explain(running)
    assert watched.end_of(waiting.id) == Stopped(waiting.id)
    watched.text_of(running.id)
    watched.client.explain(last)
    assert watched.end_of(running.id) == Stopped(running.id)
    watched.text_of(last.id)


def test_a_request_is_cancelled_while_the_model_loads(watch: Watch) -> None:
    watched = watch(Watched.fake("slow load"))
    request = slice_request()
    watched.client.explain(request)
    watched.client.cancel(request.id)
    assert watched.end_of(request.id, 0.4) == Stopped(request.id)
    watched.state("ready")
    time.sleep(0.2)
    assert not [event for event in watched.seen if isinstance(event, TextArrived)]


def test_a_worker_that_does_not_hear_the_cancel_is_replaced(watch: Watch) -> None:
    watched = watch(Watched.fake("deaf", Limits(cancel_s=0.5, restarts=0)))  # not counted as a crash
    request = slice_request()
    watched.client.explain(request)
    watched.text_of(request.id)
    pid, asked = watched.pid, time.monotonic()
    watched.client.cancel(request.id)
    watched.end_of(request.id, 0.4)
    assert "did not stop" in watched.state("reloading", 2.0).text
    assert time.monotonic() - asked < 2.0
    watched.state("ready")
    assert watched.pid != pid


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("garbage", "sent something unreadable"),
        ("crash", "crashed (SIGSEGV)"),
        ("exception", "the model is upside down"),
        ("freeze", "no longer responded"),
    ],
)
def test_a_worker_that_breaks_is_named_and_replaced(watch: Watch, behaviour: str, said: str) -> None:
    watched = watch(Watched.fake(behaviour))
    watched.state("ready")
    request = slice_request()
    watched.client.explain(request)
    failed = watched.end_of(request.id, 4.0)
    assert isinstance(failed, Failed)
    assert said in failed.text
    assert watched.state("reloading", 1.0).text.endswith("Reloading the model.")
    watched.state("ready")


def test_a_worker_killed_while_answering_is_told_within_two_seconds(watch: Watch) -> None:
    watched = watch(Watched.fake("good"))
    request, again = slice_request(), slice_request()
    watched.client.explain(request)
    watched.text_of(request.id)
    killed = time.monotonic()
    psutil.Process(watched.pid).kill()
    failed = watched.end_of(request.id, 2.0)
    assert time.monotonic() - killed < 1.0
    assert isinstance(failed, Failed)
    assert "killed" in failed.text
    watched.client.explain(again)  # while it reloads
    watched.text_of(again.id)


def test_a_process_that_stops_beating_is_hung_even_when_idle(watch: Watch) -> None:
    watched = watch(Watched.fake("good"))
    watched.state("ready")
    psutil.Process(watched.pid).suspend()
    assert "no longer responded" in watched.state("reloading", 4.0).text
    watched.state("ready")


def test_it_gives_up_after_several_restarts_and_starts_anew_when_asked(watch: Watch) -> None:
    watched = watch(Watched.fake("stillborn"))
    request = slice_request()
    watched.client.explain(request)
    failed = watched.state("failed")
    assert "several times in a row" in failed.text
    assert "nothing to run" in failed.text
    assert [e.state for e in watched.seen if isinstance(e, ModelState)].count("reloading") == QUICK.restarts
    assert isinstance(watched.end_of(request.id), Failed)
    later = slice_request()
    watched.client.explain(later)
    assert watched.end_of(later.id) == Failed(later.id, failed.text)
    watched.client.start()
    watched.state("starting")


def test_a_bundle_error_is_passed_through_and_not_tried_again(watch: Watch) -> None:
    watched = watch(Watched.fake("broken bundle"))
    request = slice_request()
    watched.client.explain(request)
    assert watched.end_of(request.id) == Failed(request.id, "The model in x is incomplete.")
    assert watched.client.state == ModelState("failed", "The model in x is incomplete.")
    assert watched.client.worker_pid is None


def test_a_program_that_cannot_be_started_is_an_error_in_a_sentence() -> None:
    seen: list[Event] = []
    client = ModelClient(Path("bundle"), seen.append, worker_command=["/no/such/program"])
    client.start()
    client.close()
    assert (
        ModelState("failed", "The model's process could not be started: No such file or directory.") in seen
    )


def test_close_kills_what_does_not_end(watch: Watch) -> None:
    watched = watch(Watched.fake("stays"))
    watched.state("ready")
    started = time.monotonic()
    watched.client.close()
    assert time.monotonic() - started < 3.0


def test_close_works_while_the_worker_is_frozen_with_a_full_pipe(watch: Watch) -> None:
    watched = watch(Watched.fake("good", Limits()))
    watched.state("ready")
    psutil.Process(watched.pid).send_signal(signal.SIGSTOP)
    started = time.monotonic()
    for _ in range(8):
        watched.client.explain(slice_request())
    assert time.monotonic() - started < 0.1  # the window never waits
    watched.client.close()
    assert time.monotonic() - started < 6.0


def test_an_event_receiver_that_fails_does_not_stop_the_client() -> None:
    states: list[str] = []
    ready = queue.SimpleQueue[bool]()

    def receive(event: Event) -> None:
        if isinstance(event, ModelState):
            states.append(event.state)
            if event.state == "ready":
                ready.put(True)
        raise RuntimeError("a bug in a panel")

    command = [sys.executable, str(HERE / "fake_worker.py"), "good"]
    client = ModelClient(Path("bundle"), receive, worker_command=command)
    client.start()
    ready.get(timeout=20)
    client.close()
    assert states == ["starting", "loading", "ready", "closed"]
