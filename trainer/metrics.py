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
    right = np.bincount(truth[truth == said], minlength=classes)
    wanted = np.bincount(truth, minlength=classes)
    named = np.bincount(said[said >= 0], minlength=classes)
    occurs = wanted > 0
    return float(np.mean(2 * right[occurs] / (wanted[occurs] + named[occurs])))


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
    drawn = _drawn(table, _resampled(cases))
    found: dict[str, Any] = {}
    for name, value in _figures(table, np.arange(len(cases))).items():
        found[name] = None if np.isnan(value) else value
        found[f"{name}_ci"] = _interval(drawn[name])
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
    samples = _resampled(cases)
    one, other = _table(cases, ours, classes), _table(cases, theirs, classes)
    drawn_one, drawn_other = _drawn(one, samples), _drawn(other, samples)
    every = np.arange(len(cases))
    value_one, value_other = _figures(one, every), _figures(other, every)
    found: dict[str, Any] = {}
    for name, value in value_one.items():
        difference = value - value_other[name]
        found[name] = None if np.isnan(difference) else difference
        found[f"{name}_ci"] = _interval(drawn_one[name] - drawn_other[name])
    right = one.columns["accuracy"] - other.columns["accuracy"]
    return {
        **found,
        "only_ours_right": int((right > 0).sum()),
        "only_theirs_right": int((right < 0).sum()),
        "n": len(cases),
    }


def _figures(table: _Table, sample: NDArray[np.int64]) -> dict[str, float]:
    """Every figure on some slices, in the order in which they are told."""
    means = {name: _mean(column[sample]) for name, column in table.columns.items()}
    f1 = macro_f1(table.truth[sample], table.said[sample], len(table.classes))
    return {"accuracy": means.pop("accuracy"), "macro_f1": f1, **means}


def _drawn(table: _Table, samples: Sequence[NDArray[np.int64]]) -> dict[str, NDArray[np.float64]]:
    rows = [_figures(table, sample) for sample in samples]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _resampled(cases: Sequence[Grouped]) -> list[NDArray[np.int64]]:
    """Slices drawn with replacement, the slices of a known patient together."""
    groups: dict[object, list[int]] = {}
    for index, case in enumerate(cases):
        groups.setdefault(case.patient or index, []).append(index)
    held = [np.array(group) for group in groups.values()]
    draws = np.random.default_rng(_SEED).integers(len(held), size=(RESAMPLES, len(held)))
    if len(held) == len(cases):
        return list(draws)
    return [np.concatenate([held[group] for group in draw]) for draw in draws]


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
    value = _mean(column)
    drawn = np.array([_mean(column[sample]) for sample in _resampled(truths)])
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
