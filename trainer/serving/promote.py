"""Whether a bundle may serve: compared with the one that serves, on the site's set and on a fixed one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from medreason_viewer.errors import TrainingError
from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import Manifest

from ..data import dataset
from ..data.case import Split
from ..evaluation import evaluate
from ..evaluation.metrics import compare
from ..evaluation.predictions import Said
from .which import Serving, note

JUDGED: Final = {
    "accuracy": "accuracy",
    "mean_iou": "overlap of regions",
    "format_rate": "share of readable replies",
    "side_accuracy": "share of right sides",
}
"""A bundle that is worse in one of them, beyond its paired interval, does not serve."""
ALLOWED_DROP: Final = 0.05
"""Of a figure on the regression set, even within its interval."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trial:
    """On what a bundle is tried.

    Attributes
    ----------
    data : Path
        The site's set.
    split : str or None
        Its slices of this split alone.
    regression : Path or None
        A fixed set that no bundle may forget.
    allowed_drop : float
    limit : int or None
        The first so many slices of each set.
    """

    data: Path
    split: Split | None = None
    regression: Path | None = None
    allowed_drop: float = ALLOWED_DROP
    limit: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.allowed_drop < 1:
            raise ValueError("the allowed drop must be from 0 to below 1")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found.

    Attributes
    ----------
    differences : dict
        Of each set: as :func:`~trainer.evaluation.metrics.compare`, the candidate less the one that serves.
    objections : tuple of str
        Why it must not serve; empty where it may.
    """

    serving: Path
    differences: dict[str, dict[str, Any]] = field(default_factory=dict)
    objections: tuple[str, ...] = ()


def promote(candidate: Path, serving: Serving, trial: Trial) -> Verdict:
    """Try a bundle and let it serve, at the viewers' next start.

    The bundle that serves goes on serving until the last act, and is kept for
    :func:`~trainer.serving.which.rollback`.

    Raises
    ------
    TrainingError
        If it is refused; the sentence says why.
    BundleError, DataSetError
        If the bundle or a set cannot be used.
    """
    verdict = examine(candidate, serving.current(), trial)
    if verdict.objections:
        raise TrainingError(f"{candidate.name} is not promoted: {'; '.join(verdict.objections)}.")
    target = serving.place(candidate)
    note(serving, "promote", verdict.serving, target, differences=verdict.differences)
    serving.switch(target)
    return verdict


def examine(candidate: Path, current: Path, trial: Trial) -> Verdict:
    """Compare a bundle with the one that serves; changes nothing."""
    manifests = bundle.verify(candidate), bundle.verify(current)
    if evaluate.identity(manifests[0]) == evaluate.identity(manifests[1]):
        raise TrainingError(f"{candidate.name} is the model that serves already.")
    chosen = {"the site's set": _chosen(trial.data, trial.split, trial.limit)}
    if trial.regression is not None:
        chosen["the regression set"] = _chosen(trial.regression, None, trial.limit)
    for data, slices in chosen.values():
        _refuse_unknown(data, slices, manifests[0])
    ours = _answers(candidate, manifests[0], chosen)
    theirs = _answers(current, manifests[1], chosen)
    differences = {name: _difference(ours[name], theirs[name], manifests[0]) for name in chosen}
    objections = [each for name, found in differences.items() for each in worse(found, name)]
    if trial.regression is not None:
        objections += forgotten(differences["the regression set"], trial.allowed_drop)
    return Verdict(current, differences, tuple(dict.fromkeys(objections)))


Chosen = tuple[dataset.DataSet, Sequence[int]]


def _chosen(folder: Path, split: Split | None, limit: int | None) -> Chosen:
    data = dataset.read(folder)
    slices = [index for index in data.to_measure(split) if data.cases[index].pixels == "hu"][:limit]
    if not slices:
        raise TrainingError(f"There is no slice to try a bundle on in {folder}.")
    learnt = sum(data.cases[index].split == "train" for index in slices)
    if learnt and not split:
        _log.warning(
            "%d of %d slices of %s are for training: if a bundle learnt from them, name --split test",
            learnt,
            len(slices),
            folder,
        )
    return data, slices


def _refuse_unknown(data: dataset.DataSet, slices: Sequence[int], manifest: Manifest) -> None:
    for index in slices:
        if (finding := data.cases[index].finding) not in manifest.answer_classes:
            raise TrainingError(
                f"{data.row(index)}: {manifest.name} cannot answer {finding!r}, so it cannot be tried here."
            )


def _answers(folder: Path, manifest: Manifest, chosen: dict[str, Chosen]) -> dict[str, list[Said]]:
    """What one bundle says of each set; it is loaded once, and let go before the next."""
    engine = evaluate.load_engine(folder, manifest)
    _log.info("trying %s", manifest.name)
    progress: Callable[[], Any] = evaluate.log_progress
    return {
        name: evaluate.answers(engine, data, manifest, slices, progress=progress())
        for name, (data, slices) in chosen.items()
    }


def _difference(ours: Sequence[Said], theirs: Sequence[Said], manifest: Manifest) -> dict[str, Any]:
    said = [[each.prediction for each in every] for every in (ours, theirs)]
    classes = dict.fromkeys([*manifest.answer_classes, *(p.answer for p in said[1] if p.answer)])
    return compare(ours, said[0], said[1], tuple(classes))


def worse(difference: dict[str, Any], where: str) -> list[str]:
    """The judged figures that fell beyond their paired interval, one clause each."""
    return [
        f"on {where} its {title} is lower by {-difference[name]:.3f} (95 % interval {-span[1]:.3f} to "
        f"{-span[0]:.3f}, {difference['n']} slices)"
        for name, title in JUDGED.items()
        if (span := difference[f"{name}_ci"]) is not None and span[1] < 0
    ]


def forgotten(difference: dict[str, Any], allowed_drop: float) -> list[str]:
    """The judged figures that fell by more than is allowed, one clause each."""
    return [
        f"it forgets: on the regression set its {title} is lower by {-difference[name]:.3f}, and "
        f"{allowed_drop:.3f} is allowed"
        for name, title in JUDGED.items()
        if difference[name] is not None and -difference[name] > allowed_drop
    ]
