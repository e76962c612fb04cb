"""A further question about a region that has been explained: all that it takes to go on with the dialogue."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from .request import ExplainRequest, Explanation, Failed, ModelInfo, Region, Stopped

LONGEST_QUESTION: Final = 2000  # characters


@dataclass(frozen=True, slots=True)
class Exchange:
    """A further question, and the reply to it as it came."""

    question: str
    raw_reply: str


@dataclass(frozen=True, slots=True, eq=False)
class FollowUp:
    """One further question; whoever answers it need not remember the dialogue.

    Attributes
    ----------
    id : str
        Unique per question; every event carries it back, with ``parent_id``.
    request : ExplainRequest
        The explanation's own, with its pixels.
    region : Region
        On which the dialogue had settled.
    raw_reply : str
        The explanation's, as it came.
    model : ModelInfo
        Which gave it: no other one can go on from its words.
    so_far : tuple of Exchange
        Further questions before this one that were answered, in order.

    Raises
    ------
    ValueError
        If nothing is asked, or the region does not lie on the slice.
    """

    id: str
    request: ExplainRequest
    region: Region
    raw_reply: str
    question: str
    model: ModelInfo
    so_far: tuple[Exchange, ...] = ()

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise ValueError("nothing is asked")
        if not self.region.box_slice.fits(*self.request.hu.shape):
            raise ValueError("the region does not lie on the slice")

    @property
    def parent_id(self) -> str:
        """Id of the request whose answer is asked about."""
        return self.request.id


def same_model(one: ModelInfo, other: ModelInfo) -> bool:
    """Whether two answers come from one model (see :attr:`.ModelInfo.identity`) with one adapter."""
    return (one.identity, one.adapter_sha256) == (other.identity, other.adapter_sha256)


Question = ExplainRequest | FollowUp


def follow_up(request: ExplainRequest, explained: Explanation, question: str) -> FollowUp:
    """A further question, with a new id, after all that was answered before.

    Parameters
    ----------
    request : ExplainRequest
        The explanation's, with its pixels.
    """
    return FollowUp(
        id=uuid.uuid4().hex,
        request=request,
        region=explained.region,
        raw_reply=explained.raw_reply,
        question=question.strip()[:LONGEST_QUESTION],
        model=explained.model,
        so_far=tuple(Exchange(each.question, each.raw_reply) for each in explained.follow_ups),
    )


def stopped(question: Question) -> Stopped:
    """The event that ends a question that was taken back."""
    return Stopped(question.id, _parent_id(question))


def failed(question: Question, text: str) -> Failed:
    """The event that ends a question without an answer; ``text`` is a sentence."""
    return Failed(question.id, text, _parent_id(question))


def _parent_id(question: Question) -> str:
    return question.parent_id if isinstance(question, FollowUp) else ""
