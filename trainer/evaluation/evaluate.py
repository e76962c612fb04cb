"""Evaluation of a bundle: the viewer's own engine, dialogue and parser on every slice of a data set."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from medreason_viewer.cancel import Cancel
from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import Manifest, Score
from medreason_viewer.reasoning.claims.find import find_claims
from medreason_viewer.reasoning.dialogue import Dialogue, DialogueInput, Outcome
from medreason_viewer.reasoning.parse import answer_class
from medreason_viewer.reasoning.turns import Turn

from ..data import dataset
from .metrics import Prediction, Truth, best_constant, scores
from .predictions import About, Said
from .variants import Variant, asked, region, shown

_LOG_EVERY: Final = 25
_log = logging.getLogger(__name__)


class Answers(Protocol):
    """What is evaluated: it replies to one turn, piece by piece."""

    def stream(self, turn: Turn, cancel: Cancel) -> Any:
        """The reply's text, in pieces."""


def ask(engine: Answers, given: DialogueInput, manifest: Manifest) -> Outcome:
    """One whole dialogue."""
    dialogue = Dialogue(given, manifest, with_evidence=False)
    dialogue.begin()
    cancel = Cancel()
    while turn := dialogue.next_turn():
        for piece in engine.stream(turn, cancel):
            dialogue.feed(piece)
        dialogue.end_turn()
    return dialogue.outcome


def prediction(outcome: Outcome, manifest: Manifest) -> Prediction:
    """What counts of an outcome."""
    answer = answer_class(outcome.answer, manifest.answer_classes) if outcome.answer is not None else None
    located = "locate" not in manifest.turns or outcome.located is not None
    sides = (claim.name for step in outcome.steps for claim in find_claims(step.text) if claim.kind == "side")
    return Prediction(
        answer=answer,
        box_slice=outcome.region.box_slice if outcome.region else None,
        side=next((side for side in sides if side in ("right", "left")), None),
        readable=located and answer is not None,
    )


def answers(
    engine: Answers,
    data: dataset.DataSet,
    manifest: Manifest,
    chosen: Sequence[int],
    *,
    variant: Variant = "",
    progress: Callable[[int, int], None] | None = None,
) -> list[Said]:
    """What the model says of some slices of a data set, one dialogue each.

    Parameters
    ----------
    variant : str
        How they are asked about; see :mod:`trainer.evaluation.variants`.
    progress : callable, optional
        Told how many slices are done, and of how many.
    """
    found = []
    for done, index in enumerate(chosen, start=1):
        case, hu = data.cases[index], shown(data.hu(index), variant)
        marked = region(data, index, manifest, variant)
        given = DialogueInput(hu, np.zeros(hu.shape, np.bool_), box_slice=marked)
        outcome = ask(engine, given, asked(manifest, variant, case.finding))
        found.append(_said(index, case, outcome, manifest))
        if progress is not None:
            progress(done, len(chosen))
    return found


def _said(index: int, case: Truth, outcome: Outcome, manifest: Manifest) -> Said:
    return dataclasses.replace(
        _of(index, case, prediction(outcome, manifest)),
        words=outcome.answer,
        raw_locate=outcome.raw_locate,
        raw_reply=outcome.raw_reply,
    )


def _of(index: int, case: Truth, said: Prediction) -> Said:
    return Said(index, case.patient, case.finding, case.box_slice, case.side, said, words=said.answer)


def about(manifest: Manifest, data: dataset.DataSet, variant: Variant) -> About:
    """What is evaluated, for a file of predictions."""
    return About(
        model=manifest.name,
        sha256=identity(manifest),
        data=str(data.folder.resolve()),
        variant=variant,
        classes=manifest.answer_classes,
    )


def identity(manifest: Manifest) -> str:
    """What identifies a model: the fingerprint of its weights, and its adapter's where it has one."""
    marks = (bundle.fingerprint(manifest), bundle.adapter_fingerprint(manifest))
    return " ".join(mark for mark in marks if mark)


def figures(said: Sequence[Said], manifest: Manifest) -> dict[str, Any]:
    """As :func:`~trainer.evaluation.metrics.scores`."""
    return scores(said, [each.prediction for each in said], manifest.answer_classes)


def evaluate(
    engine: Answers,
    data: dataset.DataSet,
    manifest: Manifest,
    chosen: Sequence[int],
    *,
    blank: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """The figures of :func:`~trainer.evaluation.metrics.scores` for some slices of a data set.

    Parameters
    ----------
    blank : bool
        Show the model air instead of each slice: what it can do without looking.
    """
    variant: Variant = "blank" if blank else ""
    return figures(answers(engine, data, manifest, chosen, variant=variant, progress=progress), manifest)


def constant_answers(data: dataset.DataSet, chosen: Sequence[int]) -> list[Said]:
    """What the best answer that never looks would say (it knows the set's commonest answer)."""
    best = best_constant([data.cases[index] for index in chosen])
    return [_of(index, data.cases[index], best) for index in chosen]


def log_progress() -> Callable[[int, int], None]:
    """A ``progress`` that writes to the log, with the time left."""
    began = time.monotonic()

    def told(done: int, total: int) -> None:
        if done % _LOG_EVERY == 0 or done == total:
            left_s = (time.monotonic() - began) / done * (total - done)
            _log.info("%d of %d slices, %.1f min left", done, total, left_s / 60)

    return told


def load_engine(folder: Path, manifest: Manifest) -> Answers:
    """The viewer's engine on a bundle, in NF4, with its adapter where it has one."""
    from medreason_viewer.reasoning.engine import qwen

    return qwen.load(folder, manifest, adapter=folder / manifest.adapter if manifest.adapter else None)


def record(folder: Path, manifest: Manifest, name: str, found: dict[str, Any]) -> None:
    """Write the figures of a set into a bundle's manifest, in place of earlier ones of that name."""
    kept = tuple(score for score in manifest.scores if score.set != name)
    bundle.write_manifest(folder, dataclasses.replace(manifest, scores=(*kept, score_of(name, found))))


def score_of(name: str, found: dict[str, Any]) -> Score:
    """The figures of a set as a manifest holds them."""
    values: dict[str, float] = {}
    for key, value in found.items():
        if isinstance(value, float):
            values[key] = round(value, 4)
        elif key.endswith("_ci") and value is not None:
            values[f"{key}_low"], values[f"{key}_high"] = (round(edge, 4) for edge in value)
    return Score(name, found["n"], values)
