"""A remote client whose events a test waits for."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from medreason_viewer.model_server import ModelServer
from medreason_viewer.network.chat.endpoint import ChatEndpoint
from medreason_viewer.reasoning.bundles.bundle import DEMO_BUNDLE, read_manifest
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.remote.client import RemoteClient
from medreason_viewer.reasoning.request import (
    Answered,
    Event,
    ExplainRequest,
    Failed,
    FollowUpAnswered,
    ModelState,
    Stopped,
    TextArrived,
)

MANIFEST = read_manifest(DEMO_BUNDLE)
Ended = Answered | FollowUpAnswered | Failed | Stopped


class Remote:
    """A client of a server, and all it says."""

    def __init__(self, server: ModelServer, token: str, manifest: Manifest) -> None:
        self.seen: list[Event] = []
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.client = RemoteClient(ChatEndpoint(server, lambda _: token), manifest, self._events.put)

    def until(self, wanted: Callable[[Event], bool], within_s: float = 30.0) -> Event:
        """The next event that is wanted; those before it are kept in ``seen``."""
        give_up = time.monotonic() + within_s
        while True:
            event = self._events.get(timeout=max(0.01, give_up - time.monotonic()))
            self.seen.append(event)
            if wanted(event):
                return event

    def state(self, name: str) -> ModelState:
        """The next event with this state."""
        event = self.until(lambda event: isinstance(event, ModelState) and event.state == name)
        assert isinstance(event, ModelState)
        return event

    def text(self) -> TextArrived:
        """The next piece of a reply."""
        event = self.until(lambda event: isinstance(event, TextArrived))
        assert isinstance(event, TextArrived)
        return event

    def answer(self, request: ExplainRequest) -> Ended:
        """Ask, and wait for the end."""
        self.client.explain(request)
        return self.end_of(request.id)

    def end_of(self, request_id: str) -> Ended:
        """How a request ended."""

        def is_end(event: Event) -> bool:
            return isinstance(event, Ended) and event.request_id == request_id

        event = self.until(is_end)
        assert isinstance(event, Ended)
        return event


@contextmanager
def remote(server: ModelServer, token: str = "", manifest: Manifest = MANIFEST) -> Iterator[Remote]:
    """A client, closed afterwards."""
    asked = Remote(server, token, manifest)
    try:
        yield asked
    finally:
        asked.client.close()
