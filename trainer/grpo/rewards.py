"""Rewards of a sampled reply: correctness, format and validation; pure functions of reply and truth.

The paper on MedReason-R1 (arXiv 2510.19626) names these three and gives no formulas. All that stands below,
weights included, is this project's own. Each reward lies between 0 and 1; a reply that the viewer's own
parser refuses earns nothing at all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from scipy.optimize import linear_sum_assignment

from medreason_viewer.errors import AnswerUnreadable
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.claims.lexicon import lexicon
from medreason_viewer.reasoning.evidence import check
from medreason_viewer.reasoning.parse import LabelledBox, Reply, answer_class, parse_boxes, parse_reply
from medreason_viewer.reasoning.request import Evidence
from medreason_viewer.reasoning.zoom import ModelBox
from medreason_viewer.volume.geometry import SliceBox

from ..examples.items import Turn

NEUTRAL: Final = 0.5
"""Of claims about the region where a reasoning makes none that can be checked: silence must not win."""
_CLAUSE_END: Final = re.compile(r"[.;:,]\s|\bbut\b|\bhowever\b", re.IGNORECASE)


class Picture(Protocol):
    """What the model saw: it knows where a box on it lies on the slice."""

    def box_to_slice(self, box_model: ModelBox) -> SliceBox:
        """The box in slice pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What a reply is judged by.

    Attributes
    ----------
    size : (int, int)
        Height and width of the model's image.
    picture : SliceMap or Composite
    answer : str
        Right for what the picture shows; the name of the finding in a *locate* turn.
    boxes_slice : tuple of SliceBox
        Around the findings that the picture shows.
    evidence : Evidence or None
        Measured in the true lesion; None where nothing can be measured.
    """

    turn: Turn
    manifest: Manifest
    size: tuple[int, int]
    picture: Picture
    answer: str
    boxes_slice: tuple[SliceBox, ...] = ()
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each reward counts in the sum.

    Raises
    ------
    ValueError
        If one is negative, or all are 0.
    """

    correctness: float = 1.0
    format: float = 0.5
    validation: float = 1.0

    def __post_init__(self) -> None:
        if min(self.as_list()) < 0 or not sum(self.as_list()):
            raise ValueError("reward weights must not be negative, and not all be 0")

    def as_list(self) -> list[float]:
        """In the order of :data:`REWARDS`."""
        return [self.correctness, self.format, self.validation]


def correctness(reply: str, truth: Truth) -> float:
    """Whether the answer is right.

    *reason*: 1 for the right answer, 0.5 for other words that name the right class and no other, else 0.
    *locate*: labels found in both, over the larger number of labels; 1 where nothing is to be found and the
    reply says so.
    """
    if truth.turn == "locate":
        boxes = _boxes(reply, truth)
        return 0.0 if boxes is None else _labels_found([box.label for box in boxes], truth)
    read = _reply(reply, truth)
    return 0.0 if read is None else _answer_score(read.answer, truth)


def well_formed(reply: str, truth: Truth) -> float:
    """1 where the viewer's parser reads the whole reply, with an answer of the known classes; else 0.

    Where the bundle asks for no thinking, a reply that thinks nevertheless earns 0.
    """
    if truth.turn == "locate":
        return float(_boxes(reply, truth) is not None)
    read = _reply(reply, truth)
    if read is None or (read.thinking and not truth.manifest.reply.thinking):
        return 0.0
    classes = truth.manifest.answer_classes
    return float(not classes or answer_class(read.answer, classes) is not None)


def validation(reply: str, truth: Truth) -> float:
    """Whether regions lie on the image and on the truth, and the reasoning contradicts nothing.

    *locate*: the best one-to-one matching's summed intersection over union, over the larger number of boxes
    (parsing has refused a box outside the image); 1 where nothing is to be found and the reply says so.

    *reason*: the mean of (a) 1 or 0, whether every region named in a step lies on the image; (b) where steps
    name regions and the truth is known, the mean of their best intersection over union with it; (c) 1 or 0,
    whether the answer is among the answer classes that the reasoning asserts, if it asserts any; (d) the
    share of the checkable claims (side, size, density, HU) that agree with what was measured in the true
    lesion, 0.5 if none was made. (c) and (d) are left out of a reply without thinking.
    """
    if truth.turn == "locate":
        boxes = _boxes(reply, truth)
        return 0.0 if boxes is None else _matched_iou(boxes, truth)
    read = _reply(reply, truth)
    if read is None:
        return 0.0
    parts = [float(not any(step.refused for step in read.steps)), *_step_ious(read, truth)]
    if read.thinking:
        parts.append(float(_consistent(read, truth)))
        parts += _agreement(read, truth)
    return float(np.mean(parts))


Score = Callable[[str, Truth], float]
REWARDS: Final[dict[str, Score]] = {
    "correctness": correctness,
    "format": well_formed,
    "validation": validation,
}


# Reading


def _boxes(reply: str, truth: Truth) -> tuple[LabelledBox, ...] | None:
    try:
        return parse_boxes(reply, truth.size, truth.manifest.reply)
    except AnswerUnreadable:
        return None


def _reply(reply: str, truth: Truth) -> Reply | None:
    try:
        return parse_reply(reply, truth.size, truth.manifest.reply)
    except AnswerUnreadable:
        return None


# Answers


def _plain(text: str) -> str:
    return " ".join(text.lower().rstrip(" .").split())


def _answer_score(answer: str, truth: Truth) -> float:
    if _plain(answer) == _plain(truth.answer):
        return 1.0
    return 0.5 if _named(answer, truth.manifest.answer_classes) == {truth.answer} else 0.0


def _labels_found(labels: Sequence[str], truth: Truth) -> float:
    wanted = Counter([_plain(truth.answer)] * len(truth.boxes_slice))
    found = Counter(map(_plain, labels))
    most = max(wanted.total(), found.total())
    return (wanted & found).total() / most if most else 1.0


def _named(text: str, classes: Iterable[str]) -> set[str]:
    """The answer classes that a text names, denied or not; a class within a longer one does not count."""
    named, rest = set(), text
    for name in sorted(classes, key=len, reverse=True):
        rest, count = _pattern(name).subn(" ", rest)
        if count:
            named.add(name)
    return named


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?:e?s)?(?!\w)", re.IGNORECASE)


# Regions


def _matched_iou(boxes: Sequence[LabelledBox], truth: Truth) -> float:
    if not boxes or not truth.boxes_slice:
        return float(not boxes and not truth.boxes_slice)
    said = [truth.picture.box_to_slice(box.box_model) for box in boxes]
    ious = np.array([[one.iou(other) for other in truth.boxes_slice] for one in said])
    return float(ious[linear_sum_assignment(-ious)].sum() / max(ious.shape))


def _step_ious(read: Reply, truth: Truth) -> list[float]:
    said = [truth.picture.box_to_slice(step.box.box_model) for step in read.steps if step.box is not None]
    if not said or not truth.boxes_slice:
        return []
    return [float(np.mean([max(one.iou(other) for other in truth.boxes_slice) for one in said]))]


# Reasoning


def _consistent(read: Reply, truth: Truth) -> bool:
    asserted = {name for step in read.steps for name in _asserted(step.text, truth.manifest)}
    answer = answer_class(read.answer, truth.manifest.answer_classes)
    return not asserted or answer in asserted


def _asserted(text: str, manifest: Manifest) -> set[str]:
    """The answer classes that a step says are there, clause by clause (*no finding* itself is no denial)."""
    words, asserted = lexicon(), set()
    for clause in _CLAUSE_END.split(text):
        if manifest.no_finding and _pattern(manifest.no_finding).search(clause):
            asserted.add(manifest.no_finding)
        elif not (words.negation.search(clause) or words.left_open.search(clause)):
            asserted |= _named(clause, manifest.answer_classes)
    return asserted


def _agreement(read: Reply, truth: Truth) -> list[float]:
    if truth.evidence is None:
        return []
    verdicts = Counter(one.verdict for step in read.steps for one in check(step.text, truth.evidence))
    judged = verdicts["agrees"] + verdicts["contradicts"]
    return [verdicts["agrees"] / judged if judged else NEUTRAL]
