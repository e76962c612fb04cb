"""How fast a training went, kept beside its checkpoints: so that another can go on for as long."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from medreason_viewer.errors import TrainingError

_NAME: Final = "pace.json"


class _Clock(TrainerCallback):
    """Seconds a step, checkpoints included, over what one process did of a training."""

    def __init__(self) -> None:
        self._began, self._first = time.monotonic(), 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Start, where a resumed training resumed."""
        self._began, self._first = time.monotonic(), state.global_step

    def pace_s(self, step: int) -> float | None:
        """None where no step was made."""
        done = step - self._first
        return (time.monotonic() - self._began) / done if done > 0 else None


@contextlib.contextmanager
def kept(trainer: Trainer, folder: Path) -> Iterator[None]:
    """Within the block a training goes to its end; its pace is then written to the folder."""
    clock = _Clock()
    trainer.add_callback(clock)
    yield
    pace_s = clock.pace_s(trainer.state.global_step)
    if pace_s is not None and trainer.args.should_save:
        told = {"steps": trainer.state.global_step, "seconds_per_step": pace_s}
        (folder / _NAME).write_text(json.dumps(told) + "\n", encoding="utf-8")


def steps_of(as_long_as: Path, at_pace_of: Path) -> int:
    """How many steps at the pace of one training take as long as another did; at least one.

    Parameters
    ----------
    as_long_as, at_pace_of : Path
        The folders of their checkpoints.

    Raises
    ------
    TrainingError
        If one of them did not come to its end.
    """
    whole, one = _read(as_long_as), _read(at_pace_of)
    return max(1, int(whole["steps"] * whole["seconds_per_step"] / one["seconds_per_step"]))


def _read(folder: Path) -> dict[str, float]:
    try:
        found: dict[str, float] = json.loads((folder / _NAME).read_text("utf-8"))
        return {name: float(found[name]) for name in ("steps", "seconds_per_step")}
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"{folder} holds no training that came to its end.") from error
