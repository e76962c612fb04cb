"""An explained region and what the reader made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from ..reasoning.request import Explanation, FollowUpAnswer
from ..volume.geometry import SliceBox

Verdict = Literal["accepted", "corrected", "rejected"]
VERDICTS: Final[tuple[Verdict, ...]] = ("accepted", "corrected", "rejected")


@dataclass(frozen=True, slots=True)
class Judgement:
    """A reader's verdict on one explained region.

    Attributes
    ----------
    reader : str
        The name under which it is given.
    at : datetime
        With its time zone.
    box_slice : SliceBox or None
        The region as the reader left it, in slice pixels; None where they said that there is nothing.
    answer : str
        As the reader left it; of a rejected region it is the model's, and does not count.
    text : str
        The reader's own words in place of the reasoning; empty where it stands.
    reason : str
        Why it was rejected.

    Raises
    ------
    ValueError
        If the verdict is unknown, no reader is named, the time has no zone, or a rejection has no reason.
    """

    verdict: Verdict
    reader: str
    at: datetime
    box_slice: SliceBox | None
    answer: str
    text: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"the verdict {self.verdict!r} is not one of {', '.join(VERDICTS)}")
        if not self.reader.strip():
            raise ValueError("a verdict needs its reader's name")
        if self.at.tzinfo is None:
            raise ValueError("the time of a verdict needs its zone")
        if self.verdict == "rejected" and not self.reason.strip():
            raise ValueError("a rejection needs its reason")


@dataclass(frozen=True, slots=True)
class Finding:
    """One explanation with its verdict, if there is one already.

    Attributes
    ----------
    id : str
        Unique in the journal.
    explanation : Explanation
        As the model gave it, with the further questions it answered; never edited: what the reader changed
        stands in the judgement.
    made_at : datetime
        When the answer was complete, with its time zone.
    """

    id: str
    explanation: Explanation
    made_at: datetime
    judgement: Judgement | None = None

    def with_follow_up(self, answer: FollowUpAnswer) -> Finding:
        """The same once a further question is answered."""
        follow_ups = (*self.explanation.follow_ups, answer)
        return replace(self, explanation=replace(self.explanation, follow_ups=follow_ups))

    @property
    def box_slice(self) -> SliceBox | None:
        """The region that counts now: the reader's, else the model's."""
        return self.judgement.box_slice if self.judgement else self.explanation.region.box_slice

    @property
    def answer(self) -> str | None:
        """The answer that counts now; None where the reply was unreadable and nobody answered."""
        return self.judgement.answer if self.judgement else self.explanation.answer
