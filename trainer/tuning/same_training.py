"""A training is gone on with as it was begun: other examples in another order would be another training.

What may change on the way, because an error asks for it or because it changes nothing that was drawn: the
learning rate, micro-batches, lengths, intervals.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from medreason_viewer.errors import TrainingError

from . import processes

_NAME: Final = "training.json"
_DRAWING: Final = frozenset(
    ("steps", "batch", "seed", "turns", "emphasis", "prompts", "group", "updates", "iterations", "curriculum")
)
"""The settings that decide which examples come in which order."""


def hold_to(folder: Path, data: Path, plan: Any, *, resume: bool) -> None:
    """Note what a training draws, or compare with what was noted when it began.

    Parameters
    ----------
    folder : Path
        Of its checkpoints.
    plan : dataclass instance
        Its settings, nested ones included.

    Raises
    ------
    TrainingError
        If it resumes with other examples; the sentence names what is other.
    """
    now = {"data": _mark(data), **dict(_flat(dataclasses.asdict(plan)))}
    path = folder / _NAME
    if resume and path.is_file():
        before = json.loads(path.read_text("utf-8"))
        other = [name for name in now if before.get(name) != json.loads(json.dumps(now[name]))]
        if other:
            told = "; ".join(f"{name} was {before.get(name)}, now {now[name]}" for name in other[:3])
            raise TrainingError(
                f"The training in {folder} was begun with others ({told}). Give those again, or begin anew "
                "in another folder."
            )
    elif processes.is_main():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")


def _mark(data: Path) -> str:
    """SHA-256 of a data set's card: it changes with every slice."""
    return hashlib.sha256((data / "card.json").read_bytes()).hexdigest()


def _flat(settings: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if name == "fit":
            yield from _flat(value)
        elif name in _DRAWING:
            yield name, value
