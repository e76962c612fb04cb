"""The client against workers that misbehave in every way; none of them has a model."""

from __future__ import annotations

import queue
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from tiny_requests import slice_request

from medreason_viewer.reasoning.client import Limits, ModelClient
from medreason_viewer.reasoning.request import Event, Failed, ModelState, Stopped, TextArrived

FAKE = Path(__file__).with_name("fake_worker.py")
QUICK = Limits(heartbeat_s=1.0, loading_heartbeat_s=20.0, cancel_s=0.5, close_s=0.5, restarts=2)


class Watched:
    """A client and all it says."""

    def __init__(self, behaviour: str, limits: Limits = QUICK) -> None:
        self.seen: list[Event] = []
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        command = [sys.executable, str(FAKE), behaviour]
        self.client = ModelClient(Path("bundle"), self._events.put, worker_command=command, limits=limits)
        self.client.start()

    def until(self, wanted: Callable[[Event], bool], within_s: float = 20.0) -> Event:
        """The next event that is wanted; those before it are kept in ``seen``."""
        give_up = time.monotonic() + within_s
        while True:
            event = self._events.get(timeout=max(0.01, give_up - time.monotonic()))
            self.seen.append(event)
            if wanted(event):
                return event

    def state(self, name: str, within_s: float = 20.0) -> ModelState:
        """The next event with this state."""
        event = self.until(lambda event: isinstance(event, ModelState) and event.state == name, within_s)
        assert isinstance(event, ModelState)
        return event

    def text_of(self, request_id: str) -> TextArrived:
        """The next piece of text for this request."""
        event = self.until(lambda event: isinstance(event, TextArrived) and event.request_id == request_id)
        assert isinstance(event, TextArrived)
        return event

    def end_of(self, request_id: str, within_s: float = 20.0) -> Event:
        """How this request ended."""
        return self.until(
            lambda event: isinstance(event, Failed | Stopped) and event.request_id == request_id, within_s
        )


@pytest.fixture
def watch() -> Iterator[Callable[..., Watched]]:
    """Makes clients, closes them, and makes sure that no child is left."""
    made: list[Watched] = []

    def make(behaviour: str, limits: Limits = QUICK) -> Watched:
        made.append(Watched(behaviour, limits))
        return made[-1]

    before = set(psutil.Process().children())
    yield make
    for each in made:
        each.client.close()
        assert each.client.state.state == "closed"
    assert set(psutil.Process().children()) <= before


def test_text_streams_and_states_are_told_in_order(watch: Callable[..., Watched]) -> None:
    watched = watch("good")
    request = slice_request()
    watched.client.explain(request)  # before it is ready: waits for it
    assert watched.text_of(request.id).text == "0 "
    assert watched.text_of(request.id).text == "1 "
    states = [event.state for event in watched.seen if isinstance(event, ModelState)]
    assert states == ["starting", "loading", "ready"]
    assert watched.client.state.state == "ready"


def test_a_cancel_is_told_at_once_and_nothing_comes_after_it(watch: Callable[..., Watched]) -> None:
    watched = watch("good")
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


def test_a_new_request_stops_the_running_and_the_waiting_one(watch: Callable[..., Watched]) -> None:
    watched = watch("slow load")
    waiting, running, last = slice_request(), slice_request(), slice_request()
    watched.client.explain(waiting)
    watched.client.explain(running)
    assert watched.end_of(waiting.id) == Stopped(waiting.id)
    watched.text_of(running.id)
    watched.client.explain(last)
    assert watched.end_of(running.id) == Stopped(running.id)
    watched.text_of(last.id)


def test_a_request_is_cancelled_while_the_model_loads(watch: Callable[..., Watched]) -> None:
    watched = watch("slow load")
    request = slice_request()
    watched.client.explain(request)
    watched.client.cancel(request.id)
    assert watched.end_of(request.id, 0.4) == Stopped(request.id)
    watched.state("ready")
    time.sleep(0.2)
    assert not [event for event in watched.seen if isinstance(event, TextArrived)]


def test_a_worker_that_does_not_hear_the_cancel_is_replaced(watch: Callable[..., Watched]) -> None:
    watched = watch("deaf", Limits(cancel_s=0.5, restarts=0))  # not counted as a crash
    request = slice_request()
    watched.client.explain(request)
    watched.text_of(request.id)
    pid, asked = watched.client.worker_pid, time.monotonic()
    watched.client.cancel(request.id)
    watched.end_of(request.id, 0.4)
    assert "did not stop" in watched.state("reloading", 2.0).text
    assert time.monotonic() - asked < 2.0
    watched.state("ready")
    assert watched.client.worker_pid != pid


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("garbage", "sent something unreadable"),
        ("crash", "crashed (SIGSEGV)"),
        ("exception", "the model is upside down"),
        ("freeze", "no longer responded"),
    ],
)
def test_a_worker_that_breaks_is_named_and_replaced(
    watch: Callable[..., Watched], behaviour: str, said: str
) -> None:
    watched = watch(behaviour)
    watched.state("ready")
    request = slice_request()
    watched.client.explain(request)
    failed = watched.end_of(request.id, 4.0)
    assert isinstance(failed, Failed)
    assert said in failed.text
    assert watched.state("reloading", 1.0).text.endswith("Reloading the model.")
    watched.state("ready")


def test_a_worker_killed_while_answering_is_told_within_two_seconds(watch: Callable[..., Watched]) -> None:
    watched = watch("good")
    request, again = slice_request(), slice_request()
    watched.client.explain(request)
    watched.text_of(request.id)
    killed = time.monotonic()
    assert watched.client.worker_pid is not None
    psutil.Process(watched.client.worker_pid).kill()
    failed = watched.end_of(request.id, 2.0)
    assert time.monotonic() - killed < 1.0
    assert isinstance(failed, Failed)
    assert "killed" in failed.text
    watched.client.explain(again)  # while it reloads
    watched.text_of(again.id)


def test_a_process_that_stops_beating_is_hung_even_when_idle(watch: Callable[..., Watched]) -> None:
    watched = watch("good")
    watched.state("ready")
    assert watched.client.worker_pid is not None
    psutil.Process(watched.client.worker_pid).suspend()
    assert "no longer responded" in watched.state("reloading", 4.0).text
    watched.state("ready")


def test_it_gives_up_after_several_restarts_and_starts_anew_when_asked(watch: Callable[..., Watched]) -> None:
    watched = watch("stillborn")
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


def test_a_bundle_error_is_passed_through_and_not_tried_again(watch: Callable[..., Watched]) -> None:
    watched = watch("broken bundle")
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


def test_close_kills_what_does_not_end(watch: Callable[..., Watched]) -> None:
    watched = watch("stays")
    watched.state("ready")
    started = time.monotonic()
    watched.client.close()
    assert time.monotonic() - started < 3.0


def test_close_works_while_the_worker_is_frozen_with_a_full_pipe(watch: Callable[..., Watched]) -> None:
    watched = watch("good", Limits())
    watched.state("ready")
    assert watched.client.worker_pid is not None
    psutil.Process(watched.client.worker_pid).send_signal(signal.SIGSTOP)
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

    command = [sys.executable, str(FAKE), "good"]
    client = ModelClient(Path("bundle"), receive, worker_command=command)
    client.start()
    ready.get(timeout=20)
    client.close()
    assert states == ["starting", "loading", "ready", "closed"]
