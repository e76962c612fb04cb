"""One dialogue without a window: events one after the other, until the last."""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from ..follow_up import FollowUp, follow_up
from ..request import Answered, Event, ExplainRequest, Explanation, Failed, FollowUpAnswered, Stopped


class Explains(Protocol):
    """What explains, in a process of its own or otherwise."""

    def start(self) -> None:
        """Get ready."""

    def explain(self, request: ExplainRequest) -> None:
        """Begin to answer."""

    def ask(self, question: FollowUp) -> None:
        """Begin to answer a further question."""

    def close(self) -> None:
        """End."""


def until_answered(
    make_client: Callable[[Callable[[Event], None]], Explains],
    request: ExplainRequest,
    questions: Sequence[str] = (),
) -> Iterator[Event]:
    """Have one request answered, and yield its events until the last; the client is closed at the end.

    Parameters
    ----------
    make_client : callable
        Makes the client, which gives its events to what it is called with, from any thread.
    questions : sequence of str
        Asked further, one after the other; those after one that fails are not.
    """
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    client = make_client(events.put)
    try:
        client.start()
        client.explain(request)
        explained = yield from _until_end(events, request.id)
        for text in questions:
            if explained is not None:
                further = follow_up(request, explained, text)
                client.ask(further)
                explained = yield from _until_end(events, further.id, explained)
    finally:
        client.close()


def _until_end(
    events: queue.SimpleQueue[Event], question_id: str, explained: Explanation | None = None
) -> Generator[Event, None, Explanation | None]:
    """The events of one question; returns the explanation with its answer, or None where it has none."""
    while True:
        event = events.get()
        yield event
        match event:
            case Answered(request_id=name) if name == question_id:
                return event.explanation
            case FollowUpAnswered(request_id=name) if name == question_id and explained is not None:
                return replace(explained, follow_ups=(*explained.follow_ups, event.answer))
            case Failed(request_id=name) | Stopped(request_id=name) if name == question_id:
                return None
