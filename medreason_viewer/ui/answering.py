"""One explanation as it unfolds: plain data that each event turns into the next; the panels only show it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from ..reasoning.request import (
    Answered,
    Event,
    Evidence,
    Explanation,
    ExplainRequest,
    Failed,
    Located,
    Region,
    Scope,
    Step,
    StepArrived,
    Stopped,
    TextArrived,
    ZoomReady,
)
from ..volume.ct import ImageKey
from ..volume.geometry import SlicePlane

Phase = Literal["waiting", "locating", "looking", "reasoning", "answered", "stopped", "failed"]

RUNNING: Final[frozenset[Phase]] = frozenset({"waiting", "locating", "looking", "reasoning"})
_SENTENCES: Final[dict[Phase, str]] = {
    "waiting": "Loading the model …",
    "locating": "Locating the region …",
    "looking": "Reading the zoom …",
    "reasoning": "Reasoning …",
    "answered": "Answered",
    "stopped": "Stopped. Nothing of this answer was kept.",
    "failed": "",
}


@dataclass(frozen=True, slots=True, eq=False)
class Answering:
    """What is known so far of one request; ``key`` alone says on which pixels it may be shown.

    Attributes
    ----------
    phase : Phase
        How far it is.
    text : str
        The raw reply as it has arrived.
    failure : str
        A sentence with the next action, where ``phase`` is ``failed``.
    own_read : str
        What the reader committed before the answer unfolded (*your read first*), or empty.
    """

    request_id: str
    key: ImageKey
    slice_index: int
    plane_name: str
    plane: SlicePlane | None
    scope: Scope
    question: str | None = None
    phase: Phase = "locating"
    region: Region | None = None
    evidence: Evidence | None = None
    zoom: ZoomReady | None = None
    steps: tuple[Step, ...] = ()
    text: str = ""
    explanation: Explanation | None = None
    warnings: tuple[str, ...] = ()
    failure: str = ""
    own_read: str = ""

    @property
    def running(self) -> bool:
        """Whether more is to come."""
        return self.phase in RUNNING

    @property
    def sentence(self) -> str:
        """How far it is, in words."""
        return self.failure or _SENTENCES[self.phase]


def begin(request: ExplainRequest, *, waiting: bool) -> Answering:
    """The state right after a request was made; ``waiting`` where the model is not loaded yet."""
    return Answering(
        request_id=request.id,
        key=request.key,
        slice_index=request.slice_index,
        plane_name=request.scope.plane,
        plane=request.plane,
        scope=request.scope,
        question=request.question,
        phase="waiting" if waiting else "locating",
    )


def advance(now: Answering, event: Event) -> Answering:
    """What is known after ``event``; itself after an event of another request, or one that comes too late."""
    if getattr(event, "request_id", None) != now.request_id or not now.running:
        return now
    match event:
        case Located(region=region, evidence=evidence, warnings=warnings):
            merged = _merge(now.warnings, warnings)
            return replace(now, phase="looking", region=region, evidence=evidence, warnings=merged)
        case ZoomReady():
            return replace(now, phase="looking", zoom=event)
        case TextArrived(text=text):
            return replace(now, phase="reasoning" if now.zoom else "locating", text=now.text + text)
        case StepArrived(index=index, step=step):
            return replace(now, phase="reasoning", steps=(*now.steps[:index], step))
        case Answered(explanation=explanation):
            return _answered(now, explanation)
        case Stopped():  # nothing of it may be kept as an answer
            return replace(now, phase="stopped", region=None, evidence=None, zoom=None, steps=(), text="")
        case Failed(text=failure):
            return replace(now, phase="failed", failure=failure)
        case _:  # ModelState belongs to no request
            return now


def _answered(now: Answering, explanation: Explanation) -> Answering:
    return replace(
        now,
        phase="answered",
        region=explanation.region,
        evidence=explanation.evidence,
        steps=explanation.steps,
        text=explanation.raw_reply,
        explanation=explanation,
        warnings=_merge(now.warnings, explanation.warnings),
    )


def _merge(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
