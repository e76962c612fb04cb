"""What a report tells of a run, gathered from its folder: curves, figures, predictions, model and data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from medreason_viewer.errors import BundleError, DataSetError
from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import Manifest

from ..evaluation import predictions
from ..evaluation.predictions import Evaluation

_STATE: Final = "trainer_state.json"
_LEFT_OUT: Final = frozenset(("earlier", "unfinished"))
_IN_ORDER: Final = ("start", "sft", "control", "grpo")
CONSTANT: Final = "constant"
History = list[dict[str, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A run as found.

    Attributes
    ----------
    histories : dict
        What each training logged, step by step, under the name of its folder.
    figures : dict
        Each evaluation's, under its name: the models in the order in which they came about, then others.
    said : dict
        Predictions of the same evaluations, where they were kept.
    manifest : Manifest or None
        Of the last bundle.
    cards : dict
        Data cards, under the name of the set's folder.
    """

    folder: Path
    histories: dict[str, History]
    figures: dict[str, dict[str, Any]]
    said: dict[str, Evaluation]
    manifest: Manifest | None
    cards: dict[str, dict[str, Any]]

    @property
    def models(self) -> list[str]:
        """Names of the evaluations that are of a model, asked plainly, in order."""
        return [name for name in self.figures if name in _IN_ORDER]


def gather(folder: Path) -> Run:
    """Look through a run's folder.

    Raises
    ------
    DataSetError
        If it is none, or a file of it is damaged.
    """
    if not folder.is_dir():
        raise DataSetError(f"There is no run folder at {folder}.")
    run = Run(
        folder,
        dict(_histories(folder)),
        _figures(folder / "evaluate"),
        _predictions(folder / "evaluate"),
        _manifest(folder),
        _cards(folder),
    )
    if not run.histories and not run.figures:
        raise DataSetError(f"{folder} holds no training and no evaluation to report on.")
    return run


def _histories(folder: Path) -> Iterator[tuple[str, History]]:
    newest: dict[Path, Path] = {}
    for state in sorted(folder.rglob(_STATE), key=_step):
        if not _LEFT_OUT & set(state.relative_to(folder).parts):
            newest[state.parent.parent] = state
    for place, state in sorted(newest.items()):
        rows = _json(state).get("log_history", [])
        yield place.relative_to(folder).as_posix().replace("/work", "").strip("/"), rows


def _step(state: Path) -> int:
    number = state.parent.name.rpartition("-")[2]
    return int(number) if number.isdigit() else 0


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataSetError(f"{path} cannot be read as JSON: {error}.") from error


def _ordered(paths: Iterator[Path]) -> list[Path]:
    place = {name: number for number, name in enumerate(_IN_ORDER)}
    return sorted(paths, key=lambda path: (place.get(path.stem, len(place)), path.stem))


def _figures(folder: Path) -> dict[str, dict[str, Any]]:
    return {path.stem: _json(path) for path in _ordered(folder.glob("*.json"))}


def _predictions(folder: Path) -> dict[str, Evaluation]:
    return {path.stem: predictions.read(path) for path in _ordered(folder.glob("*.jsonl"))}


def _manifest(folder: Path) -> Manifest | None:
    for stage in ("export", "grpo", "sft"):
        try:
            return bundle.read_manifest(folder / stage / "bundle")
        except BundleError:
            continue
    return None


def _cards(folder: Path) -> dict[str, dict[str, Any]]:
    found = {name: folder / name / "card.json" for name in ("data", "heldout")}
    return {name: _json(path) for name, path in found.items() if path.is_file()}
