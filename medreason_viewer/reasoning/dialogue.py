"""The dialogue as a pure turn machine: locate, then reason on the zoom, then further questions.

It decides what the model is asked next and what its replies mean, and runs no model: the viewer's worker
drives one, the trainer and the evaluation many::

    emit(dialogue.begin())
    while turn := dialogue.next_turn():
        for piece in engine.stream(turn):
            emit(dialogue.feed(piece))
        emit(dialogue.end_turn())
    emit(Answered(id, explanation(request, manifest, dialogue.outcome, model, timing)))

A region comes from the reader's box as drawn; else from the model's own *locate* reply, where one of its
boxes holds the reader's point; else it is grown from the point; else :class:`RegionError` says that there is
none. Without box and point the model alone decides; where it names no region it reasons on the plain slice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..errors import AnswerUnreadable, RegionError
from ..volume.measure import grow_region
from . import evidence as evidences
from . import prompt, zoom
from .bundles.manifest import Manifest
from .follow_up import FollowUp
from .parse import LabelledBox, ReplyStep, StreamingSteps, parse_boxes, parse_reply
from .request import (
    Check,
    Event,
    Evidence,
    ExplainRequest,
    Located,
    Region,
    Step,
    StepArrived,
    TextArrived,
    ZoomReady,
)
from .scope import scope_warnings
from .turns import DialogueInput, Outcome, Turn, explanation

__all__ = ["Dialogue", "DialogueInput", "Outcome", "Turn", "explanation"]

NOTHING_THERE: Final = (
    "Neither the model nor region growing found a region that holds this point. "
    "Draw a box around what you want explained."
)


class Dialogue:
    """One dialogue about one slice.

    Parameters
    ----------
    request : ExplainRequest or DialogueInput
    manifest : Manifest
        The bundle's: which turns, which prompts, which formats.
    with_evidence : bool
        Whether to measure the region and check the model's claims (training needs neither).

    Raises
    ------
    RegionError
        From :meth:`begin` or :meth:`end_turn`, where no region can be had.
    """

    def __init__(
        self, request: ExplainRequest | DialogueInput, manifest: Manifest, *, with_evidence: bool = True
    ) -> None:
        self.input = DialogueInput.of(request) if isinstance(request, ExplainRequest) else request
        self.manifest = manifest
        self._measures = with_evidence
        self._pending: list[Turn] = []
        self._turn: Turn | None = None
        self._text = ""
        self._stream: StreamingSteps | None = None
        self._messages: list[prompt.Message] = []
        self._composite: zoom.Composite | None = None
        self._id, self._parent_id = self.input.id, ""
        self._region: Region | None = None
        self._evidence: Evidence | None = None
        self._located: tuple[LabelledBox, ...] | None = None
        self._raw_locate, self._raw_reply = "", ""
        self._steps: tuple[Step, ...] = ()
        self._answer: str | None = None
        scope = self.input.scope
        self._warnings = list(scope_warnings(scope, manifest.scope)) if scope else []
        self._reply_warnings: list[str] = []  # of the latest question only

    @classmethod
    def resumed(cls, asked: FollowUp, manifest: Manifest) -> Dialogue:
        """The dialogue in which a further question is the next turn, from what the question carries.

        What was said is said again, so that image and messages are the very ones of a dialogue that went on.

        Raises
        ------
        RegionError
            As :meth:`ask`.
        """
        dialogue = cls(asked.request, manifest)
        dialogue._look_at(asked.region)
        dialogue.next_turn()
        dialogue.reply(asked.raw_reply)
        for exchange in asked.so_far:
            dialogue.ask(exchange.question)
            dialogue.next_turn()
            dialogue.reply(exchange.raw_reply)
        dialogue.ask(asked.question, id=asked.id)
        return dialogue

    def begin(self) -> list[Event]:
        """Start; what is known before the model says a word."""
        if self.input.box_slice is not None:
            return self._look_at(Region(self.input.box_slice, "reader"))
        if "locate" in self.manifest.turns:
            image = zoom.model_image(self.input.hu, self.manifest, self.input.padding).image
            limit = self.manifest.decoding.locate_max_new_tokens
            self._pending.append(Turn("locate", prompt.locate_messages(self.manifest), image, limit))
            return []
        return self._look_at(self._grown_region())

    def next_turn(self) -> Turn | None:
        """The next thing to ask; None when there is nothing more."""
        self._turn = self._pending.pop(0) if self._pending else None
        self._text = ""
        if self._turn is not None and self._turn.kind != "locate":
            self._stream = StreamingSteps(self._turn.image.shape[:2], self.manifest.reply)
            self._steps, self._answer, self._raw_reply = (), None, ""
            self._reply_warnings = []
        return self._turn

    def feed(self, piece: str) -> list[Event]:
        """More of the reply to the turn, as decoded; steps come out as they are complete."""
        turn = self._asked()
        self._text += piece
        if turn.kind == "locate" or self._stream is None:
            return []
        events: list[Event] = [TextArrived(self._id, piece, self._parent_id)] if piece else []
        for read in self._stream.feed(piece):
            self._steps = (*self._steps, self._step(read))
            number = len(self._steps) - 1
            events.append(StepArrived(self._id, number, self._steps[number], self._parent_id))
        return events

    def end_turn(self) -> list[Event]:
        """The reply to the turn is complete."""
        turn, self._turn = self._asked(), None
        if turn.kind == "locate":
            self._raw_locate = self._text
            return self._look_at(self._located_region(turn))
        self._raw_reply = self._text
        self._messages = turn.messages
        try:
            reply = parse_reply(self._text, turn.image.shape[:2], self.manifest.reply)
        except AnswerUnreadable as error:
            self._steps = ()
            self._reply_warnings.append(f"{error} Its text is shown as it came.")
        else:
            self._answer = reply.answer
        return []

    def reply(self, text: str) -> list[Event]:
        """A whole reply at once: :meth:`feed`, then :meth:`end_turn`."""
        return [*self.feed(text), *self.end_turn()]

    def ask(self, question: str, *, id: str = "") -> None:  # noqa: A002 (the request's own word)
        """Ask a further question on the same image; only after an answer, and where the model knows the turn.

        Raises
        ------
        RegionError
            If there is nothing to go on from, or the model answers one question only.
        """
        if "follow_up" not in self.manifest.turns:
            raise RegionError("This model answers one question only: explain the region again instead.")
        if self._composite is None or not self._messages:
            raise RegionError("There is no answer yet to ask further about.")
        if id:
            self._id, self._parent_id = id, self.input.id
        messages = prompt.follow_up_messages(self.manifest, self._messages, self._raw_reply, question)
        limit = self.manifest.decoding.reason_max_new_tokens
        self._pending.append(Turn("follow_up", messages, self._composite.image, limit))

    @property
    def composite(self) -> zoom.Composite | None:
        """The image of the *reason* turn, once there is one."""
        return self._composite

    @property
    def outcome(self) -> Outcome:
        """What the dialogue came to so far."""
        return Outcome(
            region=self._region,
            located=self._located,
            steps=self._steps,
            answer=self._answer,
            answer_checks=self._checked(self._answer) if self._answer else (),
            raw_locate=self._raw_locate,
            raw_reply=self._raw_reply,
            evidence=self._evidence,
            warnings=tuple(dict.fromkeys((*self._warnings, *self._reply_warnings))),
        )

    # Where to look

    def _asked(self) -> Turn:
        if self._turn is None:
            raise RuntimeError("no turn is being answered")
        return self._turn

    def _located_region(self, turn: Turn) -> Region | None:
        (rows, cols), (height, width) = self.input.hu.shape, turn.image.shape[:2]
        slice_map = zoom.SliceMap(rows, cols, height, width)
        try:
            self._located = parse_boxes(self._raw_locate, (height, width), self.manifest.reply)
        except AnswerUnreadable as error:
            said = " ".join(self._raw_locate.split())[:200]
            self._warnings.append(f"{error} It said: “{said}”")
        regions = [
            Region(slice_map.box_to_slice(each.box_model), "model", each.label)
            for each in self._located or ()
        ]
        if self.input.point_slice is None:
            return regions[0] if regions else None
        return _holding(self.input.point_slice, regions) or self._grown_region()

    def _grown_region(self) -> Region | None:
        point = self.input.point_slice
        if point is None:
            return None
        grown = grow_region(self.input.hu, self.input.padding, point, self.input.plane)
        if grown is None:
            raise RegionError(NOTHING_THERE)
        return Region(grown, "grown")

    def _look_at(self, region: Region | None) -> list[Event]:
        """The region is settled: measure it, enlarge it, and ask about it."""
        given, manifest = self.input, self.manifest
        box = region.box_slice if region else None
        composite = zoom.composite(given.hu, box, manifest, given.padding)
        events: list[Event] = []
        if region is not None and self._measures:
            self._evidence = evidences.measure(given.hu, given.padding, given.plane, region.box_slice)
            events.append(Located(self._id, region, self._evidence, tuple(self._warnings)))
        if composite.zoom is not None and composite.crop_slice is not None:
            events.append(ZoomReady(self._id, composite.image, composite.zoom, composite.crop_slice))
        self._region, self._composite = region, composite
        messages = prompt.reason_messages(manifest, given.question)
        limit = manifest.decoding.reason_max_new_tokens
        self._pending.append(Turn("reason", messages, composite.image, limit))
        return events

    # What was said

    def _step(self, read: ReplyStep) -> Step:
        box = None
        if read.box is not None and self._composite is not None:
            box = self._composite.box_to_slice(read.box.box_model)
        if read.refused:
            self._reply_warnings.append("A step names a region that is not on the image; it is not drawn.")
        return Step(read.text, box, self._checked(read.text))

    def _checked(self, text: str) -> tuple[Check, ...]:
        return evidences.check(text, self._evidence) if self._evidence else ()


def _holding(point: tuple[float, float], regions: Iterable[Region]) -> Region | None:
    """The smallest region that holds the point."""

    def area(region: Region) -> float:
        box = region.box_slice
        return (box.x1 - box.x0) * (box.y1 - box.y0)

    return min((each for each in regions if each.box_slice.contains(*point)), key=area, default=None)
