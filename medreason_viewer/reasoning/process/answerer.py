"""One request answered: the dialogue, the model and the clock brought together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from ...cancel import Cancel
from ...errors import Cancelled, MedReasonError
from ..bundles.manifest import Manifest
from ..dialogue import Dialogue, Turn, explanation
from ..request import Answered, Event, ExplainRequest, Failed, ModelInfo, Stopped, Timing


class StreamingModel(Protocol):
    """What answers a turn: the local model, or a stand-in."""

    info: ModelInfo
    load_s: float

    def stream(self, turn: Turn, cancel: Cancel) -> Iterator[str]:
        """The reply, one piece per token."""
        ...


class _Clock:
    """Times one request; its first token is the first that the reader sees, so *locate* comes before it."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._first_token_s = 0.0
        self._tokens = 0
        self._followers, self._followers_s = 0, 0.0  # tokens after a turn's first, which waits for the image

    def timed(self, pieces: Iterable[str]) -> Iterator[str]:
        """The pieces of one turn, unchanged."""
        first = last = 0.0
        for count, piece in enumerate(pieces):
            last = time.monotonic()
            first = first or last
            self._tokens += 1
            self._followers += bool(count)
            yield piece
        self._followers_s += last - first
        self._first_token_s = (first or time.monotonic()) - self._started

    def read(self, load_s: float) -> Timing:
        """The figures so far."""
        return Timing(
            load_s=load_s,
            first_token_s=self._first_token_s,
            total_s=time.monotonic() - self._started,
            tokens=self._tokens,
            tokens_per_s=self._followers / self._followers_s if self._followers_s else 0.0,
        )


class Answerer:
    """Drives the dialogue with the model, one request at a time.

    Parameters
    ----------
    send : callable
        Takes every event as it happens.
    """

    def __init__(self, model: StreamingModel, manifest: Manifest, send: Callable[[Event], None]) -> None:
        self._model, self._manifest, self._send = model, manifest, send
        self._last: tuple[str, Dialogue] | None = None

    def answer(self, request: ExplainRequest, cancel: Cancel) -> None:
        """Answer and send what happens on the way; ends in Answered, Stopped or Failed."""
        try:
            self._converse(request, cancel)
        except Cancelled:
            self._send(Stopped(request.id))
        except MedReasonError as error:
            self._send(Failed(request.id, str(error)))

    def _converse(self, request: ExplainRequest, cancel: Cancel) -> None:
        clock = _Clock()
        cancel.check()
        dialogue = self._open(request)
        while turn := dialogue.next_turn():
            for piece in clock.timed(self._model.stream(turn, cancel)):
                self._send_all(dialogue.feed(piece))
            self._send_all(dialogue.end_turn())
        timing = clock.read(self._model.load_s)
        outcome = dialogue.outcome
        self._send(
            Answered(request.id, explanation(request, self._manifest, outcome, self._model.info, timing))
        )
        self._last = request.id, dialogue

    def _open(self, request: ExplainRequest) -> Dialogue:
        """The dialogue that the request continues, where it is still known; else a new one."""
        last, self._last = self._last, None
        if last and request.question and request.follow_up_of == last[0]:
            last[1].ask(request.question, id=request.id)
            return last[1]
        dialogue = Dialogue(request, self._manifest)
        self._send_all(dialogue.begin())
        return dialogue

    def _send_all(self, events: Iterable[Event]) -> None:
        for event in events:
            self._send(event)
