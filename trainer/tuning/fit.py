"""What warm-up and fine-tuning share: rows to draw from, the trainer's settings, progress in the log."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from . import processes, tracking

_log = logging.getLogger(__name__)
_MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Fit:
    """How long and how fast one stage of the training goes.

    Attributes
    ----------
    batch : int
        Examples of one step, over all processes.
    micro_batch : int or None
        Examples of one backward pass, per process; None for all of a step's at once.
    workers : int
        Processes that prepare examples, for each process that trains.
    gradient_checkpointing : bool
        Less memory, more time.

    Raises
    ------
    ValueError
        If a number is not positive.
    """

    steps: int
    batch: int = 24
    micro_batch: int | None = None
    learning_rate: float = 6e-4
    seed: int = 0
    save_every: int = 200
    log_every: int = 25
    workers: int = 1
    gradient_checkpointing: bool = False

    def __post_init__(self) -> None:
        counts = (self.steps, self.batch, self.micro_batch or 1, self.save_every, self.log_every)
        if min(*counts, self.learning_rate) <= 0:
            raise ValueError("steps, batches, learning rate and intervals must be positive")

    def passes(self, count: int) -> tuple[int, int]:
        """Examples of one backward pass, and passes of a step, per process.

        Raises
        ------
        ValueError
            If the examples of a step do not divide.
        """
        share, rest = divmod(self.batch, count)
        each = self.micro_batch or share
        if rest or not share or share % each:
            raise ValueError(
                f"a batch of {self.batch} does not divide into passes of {count} x {each or 1} examples; "
                "change one of them"
            )
        return each, share // each

    def arguments(self, folder: Path) -> dict[str, Any]:
        """The settings as ``transformers.TrainingArguments`` takes them; checkpoints go to the folder."""
        each, passes = self.passes(processes.count())
        return {
            "output_dir": str(folder),
            "max_steps": self.steps,
            "per_device_train_batch_size": each,
            "gradient_accumulation_steps": passes,
            "activation_checkpointing": self.gradient_checkpointing,
            "learning_rate": self.learning_rate,
            "lr_scheduler_type": "cosine",
            "warmup_steps": min(100, self.steps // 10),
            "weight_decay": 0.01,
            "max_grad_norm": 1.0,
            "train_sampling_strategy": "sequential",  # drawn by chance already: see draws
            "seed": self.seed,
            "save_steps": self.save_every,
            "save_total_limit": None,  # checkpoints.py keeps two, for it knows which are whole
            "logging_steps": self.log_every,
            "dataloader_num_workers": self.workers,
            "dataloader_persistent_workers": self.workers > 0,
            "dataloader_pin_memory": False,
            "remove_unused_columns": False,
            "bf16": False,
            "use_cpu": not torch.cuda.is_available(),
            "report_to": tracking.report_to(folder.name),
            "disable_tqdm": True,
        }


def draws(
    cases: Sequence[int],
    count: int,
    turns: dict[str, float],
    seed: int,
    times: Sequence[float] | None = None,
) -> Dataset:
    """One row an example: which slice, which turn (by its share), and the seed of its random choices.

    The slices come in shuffled rounds, so that each is seen equally often.

    Parameters
    ----------
    times : sequence of float, optional
        How often a round shows each case, where not once; of a broken number, the rest by chance.

    Raises
    ------
    ValueError
        If no case would ever be shown.
    """
    rng = np.random.default_rng(seed)
    shown = _in_rounds(np.asarray(cases), np.ones(len(cases)) if times is None else np.asarray(times), rng)
    order = [int(case) for case in itertools.islice(shown, count)]
    names, shares = list(turns), np.array(list(turns.values()))
    chosen = rng.choice(len(names), size=count, p=shares / shares.sum())
    return Dataset.from_dict(
        {
            "case": order,
            "turn": [names[turn] for turn in chosen],
            "draw": rng.integers(2**31, size=count).tolist(),
        }
    )


def _in_rounds(
    cases: NDArray[np.int64], times: NDArray[np.float64], rng: np.random.Generator
) -> Iterator[np.int64]:
    """The cases without end, in shuffled rounds."""
    if not times.any() or (times < 0).any():
        raise ValueError(f"no case to show: {times}")
    while True:
        shown = np.floor(times + rng.random(len(times)) * (times % 1 > 0)).astype(np.int64)
        yield from rng.permutation(np.repeat(cases, shown))


class Progress(TrainerCallback):
    """Writes loss, speed and time left to the log."""

    def __init__(self, stage: str, batch: int) -> None:
        self._stage, self._batch = stage, batch
        self._begun = time.monotonic()
        self._first = 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start the clock, where a resumed run resumed."""
        self._begun, self._first = time.monotonic(), state.global_step

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """One line."""
        done = state.global_step - self._first
        if not logs or not done:
            return
        pace_s = (time.monotonic() - self._begun) / done
        left = (state.max_steps - state.global_step) * pace_s / _MINUTE_S
        figures = " ".join(
            f"{name}={value:.4g}"
            for name, value in logs.items()
            if isinstance(value, int | float) and name not in ("epoch", "num_tokens")
        )
        _log.info(
            "%s step %d of %d, %.1f examples/s, %.1f min left: %s",
            self._stage,
            state.global_step,
            state.max_steps,
            self._batch / pace_s,
            left,
            figures,
        )
