"""A whole run: each stage as the trainer's own command in a child process, picked up where it stopped."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from medreason_viewer import __version__
from medreason_viewer.errors import TrainingError

from . import config_toml
from .config import STAGES, Config, Stage
from .process import Finished, Process, failure
from .run_folder import RunFolder, write_whole
from .stages import Step, Work, digest, plan

_MINUTE_S: Final = 60.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Span:
    """Which stages to do.

    Attributes
    ----------
    until : str
        The last one.
    again : str or None
        From this one on, all are done again; what they made is put aside.

    Raises
    ------
    ValueError
        If the last one comes before the first.
    """

    until: Stage = STAGES[-1]
    again: Stage | None = None

    def __post_init__(self) -> None:
        if self.again and STAGES.index(self.until) < STAGES.index(self.again):
            raise ValueError(f"--until {self.until} comes before --from {self.again}")


def run(config: Config, span: Span | None = None) -> None:
    """Do the stages that are not done yet.

    Raises
    ------
    TrainingError
        If a stage fails, was begun with other settings, or the folder is in use; the sentence says how to go
        on.
    KeyboardInterrupt
        If the user stopped it; what is done stays done.
    """
    span, folder = span or Span(), RunFolder(config.folder)
    folder.prepare()
    with folder.lock() as lock:
        if span.again and (aside := folder.put_aside(STAGES[STAGES.index(span.again) :])):
            _log.info("put aside what %s and later stages made before: %s", span.again, aside)
        write_whole(folder.path / "config.toml", config_toml.text_of(config))
        chosen = [work for work in plan(config) if STAGES.index(work.stage) <= STAGES.index(span.until)]
        for number, work in enumerate(chosen, start=1):
            _stage(work, Process(config, folder, work.stage, lock), f"stage {number} of {len(chosen)}")


def is_done(work: Work, folder: RunFolder) -> bool:
    """Whether a stage was done with the inputs it has now, and what it made is there."""
    done = folder.record(work.stage, "done")
    there = all(step.output.exists() for step in work.steps)
    return there and done is not None and done["sha256"] == digest(work.inputs(folder))


def changed(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs between a stage's inputs then and now, one clause each."""
    clauses = [
        f"{path} has changed" for path, mark in now["reads"].items() if before["reads"].get(path) != mark
    ]
    for old, new in zip(before["commands"], now["commands"], strict=False):
        was, is_now = _pairs(old), _pairs(new)
        clauses += [
            f"{name} was {was.get(name, 'not set')}, now {is_now.get(name, 'not set')}"
            for name in sorted(was.keys() | is_now.keys())
            if was.get(name) != is_now.get(name)
        ]
    return clauses or ["its steps are others"]


def _pairs(command: str) -> dict[str, str]:
    """Options of a command with their values."""
    found: dict[str, str] = {}
    name = ""
    for word in command.split()[1:]:
        if word.startswith("--"):
            name = word.removeprefix("--")
            found[name] = "set"
        else:
            found[name] = word if found.get(name) in ("set", None) else f"{found[name]} {word}"
    return found


def _stage(work: Work, process: Process, place: str) -> None:
    folder = process.folder
    if is_done(work, folder):
        process.say(f"{place}, {work.stage}: done already")
        return
    inputs = work.inputs(folder)
    _refuse_other_settings(work.stage, inputs, folder)
    folder.note(work.stage, "begun", {"sha256": digest(inputs), "inputs": inputs, "at": _now()})
    process.say(f"{place}, {work.stage}: begins")
    began = time.monotonic()
    for step in work.steps:
        _step(step, process)
    minutes = (time.monotonic() - began) / _MINUTE_S
    told = {"sha256": digest(inputs), "inputs": inputs, "at": _now(), "minutes": round(minutes, 2)}
    folder.note(work.stage, "done", told | {"version": __version__})
    process.say(f"{place}, {work.stage}: done in {minutes:.1f} min")


def _refuse_other_settings(stage: Stage, inputs: dict[str, Any], folder: RunFolder) -> None:
    """Hours of training are neither thrown away nor gone on with under other settings unasked."""
    before = folder.record(stage, "done") or folder.record(stage, "begun")
    if before is None or before["sha256"] == digest(inputs):
        return
    told = "; ".join(changed(before["inputs"], inputs)[:3])
    raise TrainingError(
        f"The stage {stage} of {folder.path} was begun with other settings ({told}). Put them back, or do it "
        f"again with --from {stage} (what it made is kept in earlier/), or name another run.folder."
    )


def _step(step: Step, process: Process) -> None:
    if step.output.exists():
        return
    step.output.parent.mkdir(parents=True, exist_ok=True)
    beside = step.output.with_name(step.output.name + ".part") if step.to_output else None
    done = process.run(step, beside)
    if done.code or (beside is None and not step.output.exists()):
        raise _failed(process, done)
    if beside is not None:
        write_whole(step.output, beside.read_text("utf-8"))
        beside.unlink(missing_ok=True)


def _failed(process: Process, done: Finished) -> TrainingError:
    config = process.config.path
    return TrainingError(
        f"The stage {process.stage} stopped: {failure(done)} The log is {process.folder.log}. "
        f"Then go on with: medreason-train run {config}"
    )


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def describe(config: Config) -> Sequence[tuple[Stage, bool]]:
    """The stages of a run, each with whether it is done."""
    folder = RunFolder(config.folder)
    return [(work.stage, is_done(work, folder)) for work in plan(config)]
