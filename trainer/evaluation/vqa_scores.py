"""Evaluation on questions about finished pictures: the viewer's prompt, resampling and parser, no zoom."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import AnswerUnreadable
from medreason_viewer.reasoning import prompt
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.parse import parse_reply
from medreason_viewer.reasoning.turns import Turn

from ..data.vocabulary import questioned
from ..examples.pictures import model_picture
from .evaluate import Answers
from .metrics import share
from .vqa_sets import Question

_FREE: Final = "a short answer"
_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Reply:
    """What was said to one question.

    Attributes
    ----------
    words : str or None
        The answer as written; None where the reply could not be read.
    """

    patient: str  # the name under which figures group what is alike
    question: str
    answer: str
    closed: bool
    words: str | None
    raw: str


def answers(
    engine: Answers,
    questions: Sequence[Question],
    manifest: Manifest,
    progress: Callable[[int, int], None] | None = None,
) -> list[Reply]:
    """What the model says to each question."""
    found = []
    for done, asked in enumerate(questions, start=1):
        found.append(_ask(engine, asked, manifest))
        if progress is not None:
            progress(done, len(questions))
    return found


def _ask(engine: Answers, asked: Question, manifest: Manifest) -> Reply:
    own = _fitting(manifest, asked)
    image = model_picture(asked.picture(), own.image).image
    messages = prompt.reason_messages(own, asked.question or None)
    turn = Turn("reason", messages, image, own.decoding.reason_max_new_tokens)
    raw = "".join(engine.stream(turn, Cancel()))
    try:
        words = parse_reply(raw, image.shape[:2], own.reply).answer
    except AnswerUnreadable:
        words = None
    return Reply(asked.group, asked.question, asked.answer, asked.closed, words, raw)


def _fitting(manifest: Manifest, asked: Question) -> Manifest:
    """The manifest with the question's options; where it has none, the prompt asks for a short answer."""
    if asked.options:
        return questioned(manifest, asked.options)
    free = manifest.prompt.reason.replace("one of {classes}", _FREE).replace("{classes}", _FREE)
    return questioned(replace(manifest, prompt=replace(manifest.prompt, reason=free)), ())


def scores(said: Sequence[Reply]) -> dict[str, Any]:
    """The figures, each with ``_ci`` [low, high]; pictures are resampled, with all their questions.

    Returns
    -------
    dict
        ``closed_accuracy`` (the same words, case and punctuation aside), ``open_exact`` likewise,
        ``open_recall`` (share of the truth's words that are said), ``open_f1`` (with the words that are said
        too many), ``format_rate``, ``n``, ``n_closed``, ``n_open``.
    """
    none = float("nan")
    columns = {
        "closed_accuracy": [_same(one) if one.closed else none for one in said],
        "open_exact": [none if one.closed else _same(one) for one in said],
        "open_recall": [none if one.closed else _overlap(one)[0] for one in said],
        "open_f1": [none if one.closed else _overlap(one)[1] for one in said],
        "format_rate": [float(one.words is not None) for one in said],
    }
    found: dict[str, Any] = {}
    for name, values in columns.items():
        found |= share(name, said, values)
    closed = sum(one.closed for one in said)
    return {**found, "n": len(said), "n_closed": closed, "n_open": len(said) - closed}


def _words(text: str | None) -> list[str]:
    return _WORD.findall((text or "").lower())


def _same(one: Reply) -> float:
    return float(_words(one.words) == _words(one.answer))


def _overlap(one: Reply) -> tuple[float, float]:
    """Recall and F1 of the truth's words."""
    truth, said = Counter(_words(one.answer)), Counter(_words(one.words))
    both = (truth & said).total()
    recall = both / truth.total() if truth else 0.0
    precision = both / said.total() if said else 0.0
    return recall, 2 * recall * precision / (recall + precision) if both else 0.0
