"""One *Explain region* as the window knows it: the request, and all that has come back so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from ...findings.finding import Judgement
from ...reasoning.request import (
    Answered,
    Event,
    Evidence,
    ExplainRequest,
    Explanation,
    Failed,
    Located,
    ModelState,
    Region,
    Step,
    StepArrived,
    Stopped,
    TextArrived,
    ZoomReady,
)
from ...volume.ct import ImageKey
from ...volume.geometry import SliceBox
from .further import Further, FurtherEvent

ANOTHER_IMAGE: Final = "The model's answer is about another image, and was dropped. Please ask again."
Status = Literal["waiting", "located", "reasoning", "answered", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class ExplainTarget:
    """What the reader wants explained: a box, or a point, in slice pixels; exactly one of them.

    Raises
    ------
    ValueError
        If neither or both are given.
    """

    box_slice: SliceBox | None = None
    point_slice: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if (self.box_slice is None) == (self.point_slice is None):
            raise ValueError("a target is either a box or a point")


def target_at(box: SliceBox | None, x: float, y: float) -> ExplainTarget | None:
    """The box where the click is in it, else the point (slice pixels); None beside the slice."""
    if box is not None and box.contains(x, y):
        return ExplainTarget(box_slice=box)
    return ExplainTarget(point_slice=(x, y)) if x >= 0 and y >= 0 else None


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A request and its reply so far; every event gives a new one.

    Attributes
    ----------
    text : str
        The raw reply as decoded so far.
    steps : tuple of Step
        Complete steps, in order.
    explanation : Explanation or None
        Set only when ``status`` is ``"answered"``.
    problem : str
        Why there is no answer, when ``status`` is ``"failed"``.
    own_read : str
        What the reader committed before the answer unfolded (*your read first*), or empty.
    judgement : Judgement or None
        The reader's verdict on it.
    further : tuple of Further
        Further questions about the region, in the order in which they were asked.
    """

    request: ExplainRequest
    status: Status = "waiting"
    region: Region | None = None
    evidence: Evidence | None = None
    zoom: ZoomReady | None = None
    text: str = ""
    steps: tuple[Step, ...] = ()
    explanation: Explanation | None = None
    problem: str = ""
    warnings: tuple[str, ...] = ()
    own_read: str = ""
    judgement: Judgement | None = None
    further: tuple[Further, ...] = ()

    @property
    def running(self) -> bool:
        """Whether more may come of the explanation itself."""
        return self.status in ("waiting", "located", "reasoning")

    @property
    def running_ids(self) -> tuple[str, ...]:
        """What is still under way: the explanation, or a further question about it."""
        further = tuple(each.id for each in self.further if each.running)
        return (self.request.id, *further) if self.running else further

    def step(self, index: int) -> Step | None:
        """A step by its place among those of the explanation and then of each further question."""
        steps = (*self.steps, *(step for each in self.further for step in each.steps))
        return steps[index] if 0 <= index < len(steps) else None

    def after(self, event: Event) -> Answer:
        """The answer once ``event`` has happened; itself if the event is another request's, or comes late."""
        if isinstance(event, FurtherEvent) and event.parent_id:
            return self._further_after(event)
        if isinstance(event, ModelState) or event.request_id != self.request.id or not self.running:
            return self
        match event:
            case Located(region=region, evidence=evidence, warnings=warnings):
                return replace(self, status="located", region=region, evidence=evidence, warnings=warnings)
            case ZoomReady():
                return replace(self, zoom=event)
            case TextArrived(text=text):
                return replace(self, status="reasoning", text=self.text + text)
            case StepArrived(index=index, step=step):
                return replace(self, status="reasoning", steps=_placed(self.steps, index, step))
            case Answered(explanation=explanation):
                return self._answered(explanation)
            case Stopped():  # the region stays, being geometry's; nothing of the reply does
                return replace(self, status="stopped", zoom=None, text="", steps=())
            case Failed(text=problem):
                return replace(self, status="failed", problem=problem)
            case _:
                return self

    def _further_after(self, event: FurtherEvent) -> Answer:
        further = tuple(each.after(event) for each in self.further)
        if event.parent_id != self.request.id or further == self.further:
            return self
        made = self.explanation
        if made is not None:  # all that was answered belongs to what is kept
            answered = tuple(each.answer for each in further if each.answer is not None)
            made = replace(made, follow_ups=answered)
        return replace(self, further=further, explanation=made)

    def _answered(self, explanation: Explanation) -> Answer:
        if (explanation.request_id, explanation.key) != (self.request.id, self.request.key):
            return replace(self, status="failed", problem=ANOTHER_IMAGE)
        return replace(
            self,
            status="answered",
            region=explanation.region,
            evidence=explanation.evidence,
            steps=explanation.steps,
            text=explanation.raw_reply,
            warnings=tuple(dict.fromkeys((*self.warnings, *explanation.warnings))),
            explanation=explanation,
        )


def _placed(steps: tuple[Step, ...], index: int, step: Step) -> tuple[Step, ...]:
    return (*steps[:index], step, *steps[index + 1 :])


class Answers:
    """Every explanation of the study that is open, by request; the newest last."""

    def __init__(self) -> None:
        self._answers: dict[str, Answer] = {}

    def __iter__(self) -> Iterator[Answer]:
        return iter(self._answers.values())

    def get(self, request_id: str) -> Answer | None:
        """The explanation of a request, None if there is none here."""
        return self._answers.get(request_id)

    def put(self, answer: Answer) -> None:
        """Keep an explanation, in place of the one of the same request."""
        self._answers[answer.request.id] = answer

    def bring_forward(self, request_id: str) -> None:
        """Let an explanation count as the newest."""
        if (known := self._answers.pop(request_id, None)) is not None:
            self._answers[request_id] = known

    def drop(self, request_id: str) -> None:
        """Forget an explanation."""
        self._answers.pop(request_id, None)

    def clear(self) -> None:
        """Forget all."""
        self._answers.clear()

    def newest(self, key: ImageKey) -> Answer | None:
        """The newest explanation of the very pixels that ``key`` names."""
        return next((answer for answer in reversed(list(self)) if answer.request.key == key), None)
