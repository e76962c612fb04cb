"""Figures of an evaluation, with bootstrap confidence intervals; pure functions of truth and prediction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from medreason_viewer.volume.geometry import SliceBox

RESAMPLES: Final = 2000
_SEED: Final = 0
_COVERED: Final = (2.5, 97.5)


class Grouped(Protocol):
    """What belongs to a patient; what belongs to the same one is alike."""

    @property
    def patient(self) -> str:
        """Whose it is; empty where nobody said."""


class Truth(Grouped, Protocol):
    """What is known of a slice, as a data set's case tells it."""

    @property
    def finding(self) -> str:
        """The right answer class."""

    @property
    def box_slice(self) -> SliceBox | None:
        """Around the lesion; None without one."""

    @property
    def side(self) -> str:
        """``right``, ``left``, ``midline`` or empty."""


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


def _table(cases: Sequence[Truth], predictions: Sequence[Prediction], classes: Sequence[str]) -> _Table:
    """``classes`` come first; findings that are none of them follow, and no model is right on those."""
    names = tuple(dict.fromkeys((*classes, *(case.finding for case in cases))))
    place = {name: number for number, name in enumerate(names)}
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
        "side_accuracy": np.array([_side_right(case, each) for case, each in pairs]),
    }
    return _Table(truth, said, columns, names)


def _side_right(case: Truth, said: Prediction) -> float:
    return float(said.side == case.side) if case.side in ("right", "left") else float("nan")


def _iou(case: Truth, said: Prediction) -> float:
    if case.box_slice is None:
        return float("nan")
    return case.box_slice.iou(said.box_slice) if said.box_slice else 0.0


def _centre_inside(case: Truth, said: Prediction) -> float:
    if case.box_slice is None:
        return float("nan")
    return float(said.box_slice is not None and case.box_slice.contains(*said.box_slice.centre))


def macro_f1(truth: NDArray[np.int64], said: NDArray[np.int64], classes: int) -> float:
    """Mean F1 of the classes that occur in the truth; a class never named counts 0."""
    return float(_macro_f1(truth, said, classes, np.ones((1, len(truth))))[0])


def _macro_f1(
    truth: NDArray[np.int64], said: NDArray[np.int64], classes: int, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One figure for each row of weights, shape (row, slice)."""
    every = np.arange(classes)
    is_truth, is_said = truth[:, None] == every, said[:, None] == every
    right, wanted, named = (weights @ each for each in (is_truth & is_said, is_truth, is_said))
    f1 = 2 * right / np.maximum(wanted + named, 1)
    occurs = wanted > 0
    mean: NDArray[np.float64] = (f1 * occurs).sum(axis=1) / occurs.sum(axis=1)
    return mean


def scores(
    cases: Sequence[Truth], predictions: Sequence[Prediction], classes: Sequence[str]
) -> dict[str, Any]:
    """The figures of an evaluation.

    Boxes count only where there is a lesion (a missed one has an intersection over union of 0), sides only
    where there is one. Intervals are percentile bootstrap (Efron 1979), 2,000 resamples: of patients where
    one has several slices (slices of one patient are alike), else of slices.

    Returns
    -------
    dict
        ``accuracy``, ``macro_f1``, ``mean_iou``, ``iou_50``, ``centre_inside``, ``format_rate``,
        ``side_accuracy``, each with ``_ci`` [low, high] (None where nothing applies); ``per_class``;
        ``confusion`` (``truth``: rows, ``said``: columns, None for no readable answer, ``counts``); ``n``.
    """
    table = _table(cases, predictions, classes)
    drawn = _figures(table, _resampled(cases))
    found: dict[str, Any] = {}
    for name, value in _figures(table, np.ones((1, len(cases)))).items():
        found |= _told(name, float(value[0]), drawn[name])
    return {**found, "per_class": _per_class(table), "confusion": _confusion(table), "n": len(cases)}


def compare(
    cases: Sequence[Truth],
    ours: Sequence[Prediction],
    theirs: Sequence[Prediction],
    classes: Sequence[str],
) -> dict[str, Any]:
    """How much better ``ours`` is than ``theirs`` on the same slices.

    Both are resampled together (paired bootstrap), so what makes a slice easy or hard for both cancels.

    Returns
    -------
    dict
        Each figure of :func:`scores` as a difference, ours less theirs, with its ``_ci``; ``n``; and how many
        slices only one of them answered right: ``only_ours_right``, ``only_theirs_right``.
    """
    weights, once = _resampled(cases), np.ones((1, len(cases)))
    one, other = _table(cases, ours, classes), _table(cases, theirs, classes)
    drawn_one, drawn_other = _figures(one, weights), _figures(other, weights)
    value_one, value_other = _figures(one, once), _figures(other, once)
    found: dict[str, Any] = {}
    for name, value in value_one.items():
        difference = float((value - value_other[name])[0])
        found |= _told(name, difference, drawn_one[name] - drawn_other[name])
    right = one.columns["accuracy"] - other.columns["accuracy"]
    return {
        **found,
        "only_ours_right": int((right > 0).sum()),
        "only_theirs_right": int((right < 0).sum()),
        "n": len(cases),
    }


def _figures(table: _Table, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Every figure, one for each row of weights (how often a slice counts), in the order told."""
    means = {name: _means(column, weights) for name, column in table.columns.items()}
    f1 = _macro_f1(table.truth, table.said, len(table.classes), weights)
    return {"accuracy": means.pop("accuracy"), "macro_f1": f1, **means}


def _means(column: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted means of what applies; ``nan`` where nothing does."""
    applies = ~np.isnan(column)
    counted = weights @ applies
    summed = weights @ np.where(applies, column, 0.0)
    found: NDArray[np.float64] = np.full(len(weights), np.nan)
    np.divide(summed, counted, out=found, where=counted > 0)
    return found


def _resampled(cases: Sequence[Grouped]) -> NDArray[np.float64]:
    """How often each slice was drawn, with replacement, the slices of a known patient together.

    Returns
    -------
    array of float, shape (resample, slice)
    """
    places: dict[object, int] = {}
    group = np.array([places.setdefault(case.patient or n, len(places)) for n, case in enumerate(cases)])
    draws = np.random.default_rng(_SEED).integers(len(places), size=(RESAMPLES, len(places)))
    counts = np.stack([np.bincount(draw, minlength=len(places)) for draw in draws])
    return counts[:, group].astype(np.float64)


def _confusion(table: _Table) -> dict[str, Any]:
    occurs = np.unique(table.truth)
    wide = len(table.classes)
    counts = np.zeros((wide, wide + 1), np.int64)
    np.add.at(counts, (table.truth, np.where(table.said < 0, wide, table.said)), 1)
    return {
        "truth": [table.classes[row] for row in occurs],
        "said": [*table.classes, None],
        "counts": counts[occurs].tolist(),
    }


def share(name: str, truths: Sequence[Grouped], values: Sequence[float]) -> dict[str, Any]:
    """One figure over slices with its ``_ci``; ``nan`` where it does not apply to a slice."""
    column = np.asarray(values, np.float64)
    return _told(name, _mean(column), _means(column, _resampled(truths)))


def _told(name: str, value: float, drawn: NDArray[np.float64]) -> dict[str, Any]:
    return {name: None if np.isnan(value) else value, f"{name}_ci": _interval(drawn)}


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


def best_constant(cases: Sequence[Truth]) -> Prediction:
    """What a model that never looks could best say: the commonest answer and side, the median box."""
    answer = Counter(case.finding for case in cases).most_common(1)[0][0]
    sides = Counter(case.side for case in cases if case.side in ("right", "left"))
    corners = [case.box_slice.as_tuple() for case in cases if case.box_slice is not None]
    box = SliceBox(*(float(edge) for edge in np.median(corners, axis=0))) if corners else None
    return Prediction(answer, box, sides.most_common(1)[0][0] if sides else None, readable=True)
