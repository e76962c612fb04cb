"""A further question about an explained region as the window knows it, and all that has come back so far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ...reasoning.follow_up import FollowUp
from ...reasoning.request import (
    Failed,
    FollowUpAnswer,
    FollowUpAnswered,
    Step,
    StepArrived,
    Stopped,
    TextArrived,
)

FurtherEvent = TextArrived | StepArrived | FollowUpAnswered | Stopped | Failed


@dataclass(frozen=True, slots=True, eq=False)
class Further:
    """A question and its reply so far; every event gives a new one.

    Attributes
    ----------
    steps : tuple of Step
        Complete steps, in order.
    answer : FollowUpAnswer or None
        Set only when ``status`` is ``"answered"``.
    problem : str
        Why there is no answer, when ``status`` is ``"failed"``.
    """

    id: str
    question: str
    status: Literal["waiting", "reasoning", "answered", "stopped", "failed"] = "waiting"
    steps: tuple[Step, ...] = ()
    answer: FollowUpAnswer | None = None
    problem: str = ""

    @classmethod
    def asked(cls, question: FollowUp) -> Further:
        """A question that was sent just now."""
        return cls(question.id, question.question)

    @classmethod
    def answered(cls, answer: FollowUpAnswer) -> Further:
        """A question that has its answer."""
        return cls(answer.request_id, answer.question, "answered", answer.steps, answer)

    @property
    def running(self) -> bool:
        """Whether more may come."""
        return self.status in ("waiting", "reasoning")

    def after(self, event: FurtherEvent) -> Further:
        """The question once ``event`` has happened; itself if it is another's, or comes late."""
        if event.request_id != self.id or not self.running:
            return self
        match event:
            case TextArrived():
                return replace(self, status="reasoning")
            case StepArrived(index=index, step=step):
                return replace(self, status="reasoning", steps=(*self.steps[:index], step))
            case FollowUpAnswered(answer=answer):
                asked = (answer.request_id, answer.question) == (self.id, self.question)
                return Further.answered(answer) if asked else self
            case Stopped():
                return replace(self, status="stopped", steps=())
            case Failed(text=problem):
                return replace(self, status="failed", steps=(), problem=problem)
