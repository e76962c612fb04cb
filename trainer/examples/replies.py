"""What a model learns to say before its answer: what was measured of the region, and what is known of it.

A phantom's truth is known by its construction, and its sentences are those of :mod:`.phantom_replies`. Of
any other slice nothing is said but its side, size and density as the viewer's own functions measure them,
and the answer that its source gives. Each such sentence is kept only where the viewer's own check of claims
agrees with it, so that no model learns to contradict what stands beside its words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from medreason_viewer.reasoning.evidence import check
from medreason_viewer.reasoning.request import Evidence

from ..data.case import Case
from .phantom_replies import FINDINGS, NO_FINDING, phantom_steps, pick, round_size

__all__ = [
    "ANSWER",
    "FINDINGS",
    "NO_FINDING",
    "QUESTIONS",
    "answer_steps",
    "measured",
    "nothing_steps",
    "questions_of",
    "round_size",
    "steps_for",
]

QUESTIONS: Final = (
    "What is this?",
    "What does this region show?",
    "Is this normal?",
    "Is there a nodule?",
    "Please explain the finding.",
    "Which finding is in the box?",
    "What do you see here?",
    "Is this a lesion?",
)
"""A reader's own questions, a share of the training, so that the prompt's wording matters little."""
_HU_STEP: Final = 50
_SIDE: Final = ("It lies on the {side}.", "It lies on the {side} side of the body.")
_MIDLINE: Final = ("It lies in the midline.",)
_SIZE: Final = ("It measures about {size} mm.", "Its long axis is about {size} mm.")
_HU: Final = ("Its mean is about {hu} HU.", "It averages about {hu} HU.")
_SO: Final = ("The region shows: {answer}.", "It is marked as: {answer}.")
_SO_SLICE: Final = ("The slice shows: {answer}.",)
_NOTHING: Final = ("Nothing in the zoom stands out: {answer}.", "The zoom shows nothing abnormal: {answer}.")
_NOTHING_SLICE: Final = ("Nothing on the slice stands out: {answer}.",)
ANSWER: Final = "The answer is: {answer}."


def questions_of(classes: Sequence[str]) -> tuple[str, ...]:
    """The readers' questions for a model of these answer classes: none names a finding it does not know."""
    strange = [name for name in FINDINGS if name not in classes]
    return tuple(text for text in QUESTIONS if not any(name in text for name in strange))


def steps_for(case: Case, *, shown: bool, zoomed: bool, rng: np.random.Generator) -> list[str]:
    """The thinking text for a phantom, sentence by sentence: see :func:`~.phantom_replies.phantom_steps`."""
    return phantom_steps(case, shown=shown, zoomed=zoomed, rng=rng)


def measured(evidence: Evidence | None, rng: np.random.Generator) -> list[str]:
    """What was measured of a region, as sentences with which the viewer's check agrees.

    Parameters
    ----------
    evidence : Evidence or None
        None where nothing was measured, of which nothing is said.
    """
    if evidence is None:
        return []
    said = []
    if evidence.side is not None:
        wordings = _MIDLINE if evidence.side == "midline" else _SIDE
        said.append(pick(wordings, rng).format(side=evidence.side))
    lesion = evidence.lesion
    if lesion is not None and lesion.long_axis_mm is not None and not evidence.lesion_cut:
        said.append(pick(_SIZE, rng).format(size=round_size(lesion.long_axis_mm)))
    if lesion is not None:
        said.append(pick(_HU, rng).format(hu=round(lesion.mean_hu / _HU_STEP) * _HU_STEP))
    return [text for text in said if _agrees(text, evidence)]


def _agrees(text: str, evidence: Evidence) -> bool:
    return all(claim.verdict == "agrees" for claim in check(text, evidence))


def answer_steps(
    answer: str, evidence: Evidence | None, *, own_question: bool, zoomed: bool, rng: np.random.Generator
) -> list[str]:
    """The thinking text that ends in a known answer.

    Parameters
    ----------
    evidence : Evidence or None
        Of the region shown, if it is the one that the answer is about.
    own_question : bool
        Whether the source asked something of its own, to which the answer may be any word.
    """
    if own_question:
        return [*measured(evidence, rng), ANSWER.format(answer=answer)]
    so = pick(_SO if zoomed else _SO_SLICE, rng)
    return [*measured(evidence, rng), so.format(answer=answer)]


def nothing_steps(answer: str, *, zoomed: bool, rng: np.random.Generator) -> list[str]:
    """The thinking text for a region, or slice, of which it is known that it shows nothing abnormal."""
    return [pick(_NOTHING if zoomed else _NOTHING_SLICE, rng).format(answer=answer)]
