"""Figures of an evaluation, with bootstrap confidence intervals; pure functions of truth and prediction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medreason_viewer.volume.geometry import SliceBox

from .dataset import Case

RESAMPLES: Final = 2000
_SEED: Final = 0
_COVERED: Final = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model said of one slice.

    Attributes
    ----------
    answer : str or None
        The answer class; None where the reply could not be read or names none of the classes.
    box_slice : SliceBox or None
        The first region it named.
    side : str or None
        ``right`` or ``left``, as its thinking text says.
    readable : bool
        Whether every reply of the dialogue followed the bundle's format.
    """

    answer: str | None
    box_slice: SliceBox | None
    side: str | None
    readable: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """One entry a slice; ``nan`` where a figure does not apply to it."""

    truth: NDArray[np.int64]
    said: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]]
    classes: tuple[str, ...]


def _table(cases: Sequence[Case], predictions: Sequence[Prediction], classes: Sequence[str]) -> _Table:
    place = {name: number for number, name in enumerate(classes)}
    truth = np.array([place[case.finding] for case in cases])
    said = np.array([-1 if each.answer is None else place[each.answer] for each in predictions])
    pairs = list(zip(cases, predictions, strict=True))
    ious = np.array([_iou(case, each) for case, each in pairs])
    columns = {
        "accuracy": (truth == said).astype(np.float64),
        "mean_iou": ious,
        "iou_50": np.where(np.isnan(ious), np.nan, ious >= 0.5),
        "centre_inside": np.array([_centre_inside(case, each) for case, each in pairs]),
        "format_rate": np.array([float(each.readable) for each in predictions]),
        "side_accuracy": np.array(
            [
                float(each.side == case.side) if case.side in ("right", "left") else np.nan
                for case, each in pairs
            ]
        ),
    }
    return _Table(truth, said, columns, tuple(classes))


def _iou(case: Case, said: Prediction) -> float:
    if case.box_slice is None:
        return float("nan")
    return case.box_slice.iou(said.box_slice) if said.box_slice else 0.0


def _centre_inside(case: Case, said: Prediction) -> float:
    if case.box_slice is None:
        return float("nan")
    return float(said.box_slice is not None and case.box_slice.contains(*said.box_slice.centre))


def macro_f1(truth: NDArray[np.int64], said: NDArray[np.int64], classes: int) -> float:
    """Mean F1 of the classes that occur in the truth; a class never named counts 0."""
    right = np.bincount(truth[truth == said], minlength=classes)
    wanted = np.bincount(truth, minlength=classes)
    named = np.bincount(said[said >= 0], minlength=classes)
    occurs = wanted > 0
    return float(np.mean(2 * right[occurs] / (wanted[occurs] + named[occurs])))


def scores(
    cases: Sequence[Case], predictions: Sequence[Prediction], classes: Sequence[str]
) -> dict[str, Any]:
    """The figures of an evaluation.

    Boxes count only where there is a lesion (a missed one has an intersection over union of 0), sides only
    where there is one. Intervals are percentile bootstrap over slices (Efron 1979), 2,000 resamples.

    Returns
    -------
    dict
        ``accuracy``, ``macro_f1``, ``mean_iou``, ``iou_50``, ``centre_inside``, ``format_rate``,
        ``side_accuracy``, each with ``_ci`` [low, high] (None where nothing applies); ``per_class``; ``n``.
    """
    table = _table(cases, predictions, classes)
    samples = np.random.default_rng(_SEED).integers(len(cases), size=(RESAMPLES, len(cases)))
    found: dict[str, Any] = {}
    for name in ("accuracy", "macro_f1", *[name for name in table.columns if name != "accuracy"]):
        if name == "macro_f1":
            value = macro_f1(table.truth, table.said, len(classes))
            drawn = np.array([macro_f1(table.truth[s], table.said[s], len(classes)) for s in samples])
        else:
            value = _mean(table.columns[name])
            drawn = np.array([_mean(table.columns[name][sample]) for sample in samples])
        found[name] = None if np.isnan(value) else value
        found[f"{name}_ci"] = _interval(drawn)
    return {**found, "per_class": _per_class(table), "n": len(cases)}


def _mean(values: NDArray[np.float64]) -> float:
    applies = values[~np.isnan(values)]
    return float(applies.mean()) if len(applies) else float("nan")


def _interval(drawn: NDArray[np.float64]) -> list[float] | None:
    drawn = drawn[~np.isnan(drawn)]
    return [float(edge) for edge in np.percentile(drawn, _COVERED)] if len(drawn) else None


def _per_class(table: _Table) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for number, name in enumerate(table.classes):
        here, named = table.truth == number, table.said == number
        if not here.any():
            continue
        right = int((here & named).sum())
        iou = _mean(table.columns["mean_iou"][here])
        inside = _mean(table.columns["centre_inside"][here])
        found[name] = {
            "n": int(here.sum()),
            "recall": right / int(here.sum()),
            "precision": right / int(named.sum()) if named.any() else None,
            "mean_iou": None if np.isnan(iou) else iou,
            "centre_inside": None if np.isnan(inside) else inside,
        }
    return found


def best_constant(cases: Sequence[Case]) -> Prediction:
    """What a model that never looks could best say: the commonest answer and side, the median box."""
    answer = Counter(case.finding for case in cases).most_common(1)[0][0]
    sides = Counter(case.side for case in cases if case.side in ("right", "left"))
    corners = [case.box_slice.as_tuple() for case in cases if case.box_slice is not None]
    box = SliceBox(*(float(edge) for edge in np.median(corners, axis=0))) if corners else None
    return Prediction(answer, box, sides.most_common(1)[0][0] if sides else None, readable=True)
