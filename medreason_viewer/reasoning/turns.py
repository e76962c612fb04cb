"""What a dialogue takes and gives: the slice and the question, a turn, the outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import RegionError
from ..volume.geometry import SliceBox, SlicePlane
from .bundles.manifest import Manifest, TurnKind
from .follow_up import FollowUp
from .parse import LabelledBox
from .prompt import Message
from .request import (
    Check,
    Evidence,
    ExplainRequest,
    Explanation,
    FollowUpAnswer,
    ModelInfo,
    Region,
    Scope,
    Step,
    Timing,
)


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """One thing to ask the model.

    Attributes
    ----------
    messages : list of dict
        Chat messages as Hugging Face templates take them, with one image in the first user message.
    image : array of uint8, shape (height, width, 3)
        That image; it must not be resized again.
    """

    kind: TurnKind
    messages: list[Message]
    image: NDArray[np.uint8]
    max_new_tokens: int


@dataclass(frozen=True, slots=True, eq=False)
class DialogueInput:
    """A slice and what is asked of it; without box and point the model decides where to look.

    Attributes
    ----------
    hu, padding : arrays, shape (row, col)
    plane : SlicePlane or None
    box_slice, point_slice
        At most one, in slice pixels.
    """

    hu: NDArray[np.float64]
    padding: NDArray[np.bool_]
    plane: SlicePlane | None = None
    box_slice: SliceBox | None = None
    point_slice: tuple[float, float] | None = None
    question: str | None = None
    id: str = ""
    scope: Scope | None = None

    def __post_init__(self) -> None:
        if self.box_slice is not None and self.point_slice is not None:
            raise ValueError("a box or a point, not both")
        if self.hu.ndim != 2 or self.hu.shape != self.padding.shape:
            raise ValueError("hu and padding must be one slice of the same shape")

    @classmethod
    def of(cls, request: ExplainRequest) -> DialogueInput:
        """What a reader's request asks."""
        return cls(
            hu=request.hu,
            padding=request.padding,
            plane=request.plane,
            box_slice=request.box_slice,
            point_slice=request.point_slice,
            question=request.question,
            id=request.id,
            scope=request.scope,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a dialogue came to.

    Attributes
    ----------
    region : Region or None
        None where the model was free to look and named none.
    located : tuple of LabelledBox or None
        The boxes of the *locate* reply in model pixels; None without that turn, or where it was unreadable.
    steps, answer
        ``answer`` is None where the reply was unreadable; then there are no steps either.
    raw_locate, raw_reply : str
        What the model wrote, unchanged.
    """

    region: Region | None
    located: tuple[LabelledBox, ...] | None
    steps: tuple[Step, ...]
    answer: str | None
    answer_checks: tuple[Check, ...]
    raw_locate: str
    raw_reply: str
    evidence: Evidence | None
    warnings: tuple[str, ...]


def explanation(
    request: ExplainRequest, manifest: Manifest, outcome: Outcome, model: ModelInfo, timing: Timing
) -> Explanation:
    """The whole answer to a reader's request.

    Raises
    ------
    RegionError
        If the dialogue has settled on no region.
    """
    if outcome.region is None or outcome.evidence is None:
        raise RegionError("No region was found to explain.")
    return Explanation(
        request_id=request.id,
        key=request.key,
        slice_index=request.slice_index,
        display_window=request.display_window,
        model_windows=manifest.image.windows,
        region=outcome.region,
        steps=outcome.steps,
        answer=outcome.answer,
        answer_checks=outcome.answer_checks,
        raw_reply=outcome.raw_reply,
        evidence=outcome.evidence,
        model=model,
        timing=timing,
        warnings=outcome.warnings,
    )


def follow_up_answer(asked: FollowUp, outcome: Outcome, model: ModelInfo, timing: Timing) -> FollowUpAnswer:
    """The answer to a further question."""
    return FollowUpAnswer(
        request_id=asked.id,
        question=asked.question,
        steps=outcome.steps,
        answer=outcome.answer,
        answer_checks=outcome.answer_checks,
        raw_reply=outcome.raw_reply,
        model=model,
        timing=timing,
        warnings=outcome.warnings,
    )
