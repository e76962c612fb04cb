"""A client whose events a test waits for, and fixtures that leave no process behind."""

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Callable
from pathlib import Path

from medreason_viewer.reasoning.process.client import ModelClient
from medreason_viewer.reasoning.process.limits import Limits
from medreason_viewer.reasoning.request import (
    Answered,
    Event,
    Failed,
    FollowUpAnswered,
    ModelState,
    Stopped,
    TextArrived,
)

HERE = Path(__file__).parent
QUICK = Limits(heartbeat_s=1.0, loading_heartbeat_s=20.0, cancel_s=0.5, close_s=0.5, restarts=2)


class Watched:
    """A client and all it says."""

    def __init__(self, command: list[str] | None, limits: Limits, bundle: Path) -> None:
        self.seen: list[Event] = []
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.client = ModelClient(
            bundle, self._events.put, device="cpu", worker_command=command, limits=limits
        )
        self.client.start()

    @classmethod
    def fake(cls, behaviour: str, limits: Limits = QUICK) -> Watched:
        """A worker without model that misbehaves."""
        return cls([sys.executable, str(HERE / "fake_worker.py"), behaviour], limits, Path("bundle"))

    @classmethod
    def stub(cls, seconds_per_token: float, limits: Limits = QUICK) -> Watched:
        """The real worker around a model that recites."""
        command = [sys.executable, str(HERE / "stub_worker.py"), "bundle", str(seconds_per_token)]
        return cls(command, limits, Path("bundle"))

    @classmethod
    def real(cls, bundle: Path, limits: Limits) -> Watched:
        """The real worker and a real model."""
        return cls(None, limits, bundle)

    @property
    def pid(self) -> int:
        """Of the worker that runs now; between the end of one and the start of the next there is none."""
        give_up = time.monotonic() + 20
        while (pid := self.client.worker_pid) is None:
            assert time.monotonic() < give_up, "no worker was started"
            time.sleep(0.005)
        return pid

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

        def is_end(event: Event) -> bool:
            return (
                isinstance(event, Answered | FollowUpAnswered | Failed | Stopped)
                and event.request_id == request_id
            )

        return self.until(is_end, within_s)
