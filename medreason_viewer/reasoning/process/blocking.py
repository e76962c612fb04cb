"""One explanation without a window: events one after the other, until the last."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from typing import Protocol

from ..request import Answered, Event, ExplainRequest, Failed, Stopped


class Explains(Protocol):
    """What explains, in a process of its own or otherwise."""

    def start(self) -> None:
        """Get ready."""

    def explain(self, request: ExplainRequest) -> None:
        """Begin to answer."""

    def close(self) -> None:
        """End."""


def until_answered(
    make_client: Callable[[Callable[[Event], None]], Explains], request: ExplainRequest
) -> Iterator[Event]:
    """Have one request answered, and yield its events until the last; the client is closed at the end.

    Parameters
    ----------
    make_client : callable
        Makes the client, which gives its events to what it is called with, from any thread.
    """
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    client = make_client(events.put)
    try:
        client.start()
        client.explain(request)
        while True:
            event = events.get()
            yield event
            if isinstance(event, Answered | Failed | Stopped) and event.request_id == request.id:
                return
    finally:
        client.close()
