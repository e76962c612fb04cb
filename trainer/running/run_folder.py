"""Where everything of one run lies.

::

    RUN/                     readable by its user alone: pixels and replies in it are patient data
        config.toml          the config with which the run last went on
        run.log              one log: every line of every stage, appended to
        run.lock             held while a run goes on; never two at once
        data/                the data set that ingest made, or phantoms (none where the config names one)
        heldout/             phantoms for evaluation alone
        sft/work/            checkpoints of the fine-tuning, two at most
        sft/bundle/          the fine-tuned bundle
        grpo/work/           checkpoints of the reinforcement learning; replies/ holds what the model said
        grpo/bundle/         the bundle with rewards
        control/             fine-tuning gone on with for as long as the reinforcement learning took
        evaluate/NAME.json   figures of a bundle on the held-out slices: start, sft, control, grpo; and
                             constant, the best answer that never looks; the last model also as
                             NAME.ABLATION.json
        evaluate/NAME.jsonl  what it said of each slice
        report/report.html   the report, one file
        export/bundle/       what the viewer gets
        tensorboard/         for ``tensorboard --logdir``: one folder a training
        stages/NAME.begun    with which inputs a stage began
        stages/NAME.done     the same, once it is done: its last act
        earlier/N/           what ``run --from`` put aside, in the same places

A stage is done when its ``.done`` file holds the SHA-256 of the inputs it has now and its outputs are there.
Every file and bundle is written beside and renamed: it is whole or not there.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from medreason_viewer.errors import TrainingError

from .config import Stage

_FOLDERS: Final[dict[Stage, tuple[str, ...]]] = {
    "ingest": ("data", "heldout"),
    "sft": ("sft", "tensorboard/sft", "tensorboard/warm-up"),
    "grpo": ("grpo", "tensorboard/grpo"),
    "control": ("control", "tensorboard/control"),
    "evaluate": ("evaluate",),
    "report": ("report",),
    "export": ("export",),
}


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The places of one run; nothing is made before :meth:`prepare`."""

    path: Path

    @property
    def data(self) -> Path:
        """The data set to train on, where the run makes one."""
        return self.path / "data"

    @property
    def heldout(self) -> Path:
        """Phantoms for evaluation."""
        return self.path / "heldout"

    @property
    def log(self) -> Path:
        """The log of all stages."""
        return self.path / "run.log"

    @property
    def tensorboard(self) -> Path:
        """For ``tensorboard --logdir``."""
        return self.path / "tensorboard"

    @property
    def report(self) -> Path:
        """The report, one HTML file."""
        return self.path / "report" / "report.html"

    @property
    def exported(self) -> Path:
        """The bundle for the viewer."""
        return self.path / "export" / "bundle"

    def work(self, stage: Stage) -> Path:
        """Checkpoints of a training stage."""
        return self.path / stage / "work"

    def bundle(self, stage: Stage) -> Path:
        """The bundle that a training stage writes."""
        return self.path / stage / "bundle"

    def figures(self, name: str) -> Path:
        """The figures of one model: start, sft, control, grpo or constant."""
        return self.path / "evaluate" / f"{name}.json"

    def predictions(self, name: str) -> Path:
        """What one model said of each slice."""
        return self.path / "evaluate" / f"{name}.jsonl"

    def prepare(self) -> None:
        """Make the folder, for its user alone."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.path / "stages").mkdir(exist_ok=True)

    @contextlib.contextmanager
    def lock(self) -> Iterator[int]:
        """Keep others out; yields the lock's file descriptor, for children to keep it too.

        Raises
        ------
        TrainingError
            If a run goes on in this folder already.
        """
        descriptor = os.open(self.path / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor, self.path)
            yield descriptor
        finally:
            os.close(descriptor)

    def record(self, stage: Stage, state: str) -> dict[str, Any] | None:
        """What a stage noted when it began or was done; None where it did not."""
        try:
            found: dict[str, Any] = json.loads((self.path / "stages" / f"{stage}.{state}").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found

    def note(self, stage: Stage, state: str, told: dict[str, Any]) -> None:
        """Note that a stage has begun or is done."""
        write_whole(self.path / "stages" / f"{stage}.{state}", json.dumps(told, indent=2) + "\n")

    def put_aside(self, stages: tuple[Stage, ...]) -> Path | None:
        """Move what some stages made to ``earlier/N``; None where there was nothing."""
        named = [name for stage in stages for name in _FOLDERS[stage]]
        named += [f"stages/{stage}.{state}" for stage in stages for state in ("begun", "done")]
        there = [name for name in named if (self.path / name).exists()]
        if not there:
            return None
        earlier = self.path / "earlier"
        aside = next(path for n in range(1, 10_000) if not (path := earlier / str(n)).exists())
        for name in there:
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).rename(aside / name)
        return aside


def _lock(descriptor: int, folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise TrainingError(
            f"A run goes on in {folder} already: wait for it, stop it, or name another folder."
        ) from None


def write_whole(path: Path, text: str) -> None:
    """Write a file beside, flush it to disk, then rename it."""
    beside = path.with_name(f"{path.name}.part")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
