"""One question answered: the dialogue, the model and the clock brought together."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final, Protocol

import numpy as np

from ...cancel import Cancel
from ...errors import Cancelled, MedReasonError, RegionError
from ...volume.geometry import SliceBox
from ..bundles.manifest import Manifest
from ..dialogue import Dialogue
from ..follow_up import FollowUp, Question, failed, same_model, stopped
from ..request import Answered, Event, ExplainRequest, FollowUpAnswered, ModelInfo, Timing
from ..turns import DialogueInput, Turn, explanation, follow_up_answer

_BLANK: Final = (512, 512)
_MIDDLE: Final = SliceBox(224, 224, 288, 288)
OTHER_MODEL: Final = "Another model explained this region: explain it again to ask this one further."


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
    """Drives the dialogue with the model, one question at a time; it remembers none of them.

    Parameters
    ----------
    send : callable
        Takes every event as it happens.
    limits : str
        What memory leaves less than the model's own, as a sentence; said with every explanation.
    """

    def __init__(
        self,
        model: StreamingModel,
        manifest: Manifest,
        send: Callable[[Event], None],
        limits: str = "",
    ) -> None:
        self._model, self._manifest, self._send = model, manifest, send
        self.limits = limits

    @property
    def model(self) -> ModelInfo:
        """What the reader must know of the model."""
        return self._model.info

    @property
    def answers_follow_ups(self) -> bool:
        """Whether it can be asked further about a region."""
        return "follow_up" in self._manifest.turns

    def warm(self, cancel: Cancel) -> None:
        """Answer a blank slice for two tokens, so that the first question finds all in place.

        Stopped by ``cancel``; what goes wrong in it is left to the first question to tell.
        """
        blank = DialogueInput(np.zeros(_BLANK), np.zeros(_BLANK, np.bool_), box_slice=_MIDDLE)
        dialogue = Dialogue(blank, self._manifest, with_evidence=False)
        dialogue.begin()
        turn = dialogue.next_turn()
        assert turn is not None
        with contextlib.suppress(MedReasonError):
            for _ in self._model.stream(replace(turn, max_new_tokens=2), cancel):
                pass

    def answer(self, question: Question, cancel: Cancel) -> None:
        """Answer and send what happens on the way; ends in one of the answered events, Stopped or Failed."""
        try:
            cancel.check()
            if isinstance(question, FollowUp):
                self._go_on(question, cancel)
            else:
                self._explain(question, cancel)
        except Cancelled:
            self._send(stopped(question))
        except MedReasonError as error:
            self._send(failed(question, str(error)))

    def _explain(self, request: ExplainRequest, cancel: Cancel) -> None:
        clock, dialogue = _Clock(), Dialogue(request, self._manifest)
        self._send_all(dialogue.begin())
        timing = self._converse(dialogue, clock, cancel)
        made = explanation(request, self._manifest, dialogue.outcome, self._model.info, timing)
        if self.limits:
            made = replace(made, warnings=(*made.warnings, self.limits))
        self._send(Answered(request.id, made))

    def _go_on(self, asked: FollowUp, cancel: Cancel) -> None:
        if not same_model(asked.model, self._model.info):
            raise RegionError(OTHER_MODEL)
        clock, dialogue = _Clock(), Dialogue.resumed(asked, self._manifest)
        timing = self._converse(dialogue, clock, cancel)
        made = follow_up_answer(asked, dialogue.outcome, self._model.info, timing)
        self._send(FollowUpAnswered(asked.id, asked.parent_id, made))

    def _converse(self, dialogue: Dialogue, clock: _Clock, cancel: Cancel) -> Timing:
        """Take every turn that is due."""
        while turn := dialogue.next_turn():
            for piece in clock.timed(self._model.stream(turn, cancel)):
                self._send_all(dialogue.feed(piece))
            self._send_all(dialogue.end_turn())
        return clock.read(self._model.load_s)

    def _send_all(self, events: Iterable[Event]) -> None:
        for event in events:
            self._send(event)
