"""One command of the trainer as a child process: its lines go to log and terminal, it stops cleanly."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from medreason_viewer.reasoning.process.link import child_environment

from ..tuning import tracking
from .config import CONFIGS, Config, Stage
from .run_folder import RunFolder
from .stages import Step

GRACE_S: Final = 120.0
"""How long a training may take to write its last checkpoint once it is told to stop."""
_TAIL: Final = 200  # a launcher says much after the error itself
_PREFIX: Final = "medreason-train: "
_NEXT: Final = {
    "out of memory": (
        "The GPU's memory ran out. Lower sft.batch or grpo.micro_batch, set grpo.gradient_checkpointing, or "
        "take mode qlora."
    ),
    "No space left on device": "The disk is full. Make room; checkpoints that are whole stay usable.",
    "Cannot allocate memory": "Memory ran out. Lower sft.batch or grpo.micro_batch, or close other programs.",
}


@dataclass(frozen=True, slots=True)
class Finished:
    """How a child ended: its exit code (minus the signal that killed it), and its last lines."""

    code: int
    tail: tuple[str, ...]


def failure(done: Finished) -> str:
    """Why a child failed, and what to do, in a sentence or two."""
    text = "\n".join(done.tail)
    told = next((advice for sign, advice in _NEXT.items() if sign in text), None)
    if told is not None:
        return told
    said = [line for line in done.tail if line.startswith(_PREFIX)]
    if said:
        return said[0].removeprefix(_PREFIX)  # the first of several processes to fail
    if done.code == -signal.SIGKILL or "Killed" in text:
        return "It was killed, most often because memory ran out: lower sft.batch or grpo.micro_batch."
    if done.code < 0:
        return f"It was ended by {signal.Signals(-done.code).name}."
    last = done.tail[-1] if done.tail else "it said nothing"
    return f"It met an error that it did not expect ({last}): please report it with the log."


@dataclass(frozen=True, slots=True)
class Process:
    """Where and how the commands of one stage run."""

    config: Config
    folder: RunFolder
    stage: Stage
    lock: int

    def run(self, step: Step, printed: Path | None = None) -> Finished:
        """Run a command to its end; every line goes to the log and to standard error.

        Parameters
        ----------
        printed : Path, optional
            What the command prints to standard output goes there.

        Raises
        ------
        KeyboardInterrupt
            If the user stopped it: the child was told, and has ended.
        """
        tail: deque[str] = deque(maxlen=_TAIL)
        with contextlib.ExitStack() as open_files:
            log = open_files.enter_context(self.folder.log.open("a", encoding="utf-8"))
            out = open_files.enter_context(printed.open("w")) if printed else subprocess.DEVNULL
            child = subprocess.Popen(
                [sys.executable, "-m", "trainer.running.child", str(os.getpid()), *self.command(step)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=self.environment(),
                start_new_session=True,
                pass_fds=(self.lock,),
            )
            open_files.enter_context(child)
            try:
                self._copy(child.stderr, log, tail)
                return Finished(child.wait(), tuple(tail))
            except BaseException:
                self._copy(_stop(child).splitlines(), log, tail)
                raise

    def say(self, text: str) -> None:
        """A line of the run's own, in the log and on standard error."""
        with self.folder.log.open("a", encoding="utf-8") as log:
            self._write(text, log)

    def command(self, step: Step) -> list[str]:
        """The program and its arguments; a training that is spread over processes starts by accelerate."""
        own = ["-m", "trainer", *step.arguments, *(["--resume"] if step.trains else [])]
        launch = self.config.launch
        if not step.trains or not launch.accelerate:
            return [sys.executable, *own]
        given = ["--config_file", str(accelerate_file(self.config)), "--num_processes", str(launch.processes)]
        return [sys.executable, "-m", "accelerate.commands.launch", *given, *own]

    def environment(self) -> dict[str, str]:
        """The child's environment: off line, on the devices that the config allows."""
        own = {tracking.FOLDER: str(self.folder.tensorboard), "TQDM_DISABLE": "1"}  # the log has its own
        found = child_environment() | own
        if self.config.run.device == "cpu":
            found["CUDA_VISIBLE_DEVICES"] = ""
        elif self.config.launch.processes == 1:
            found.setdefault("CUDA_VISIBLE_DEVICES", "0")  # TRL refuses to spread over threads
        return found

    def _copy(self, lines: Iterable[str] | None, log: IO[str], tail: deque[str]) -> None:
        for line in lines or ():
            if text := line.rstrip():
                tail.append(text)
                self._write(text, log)

    def _write(self, text: str, log: IO[str]) -> None:
        log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {self.stage}: {text}\n")
        log.flush()
        sys.stderr.write(f"[{self.stage}] {text}\n")


def accelerate_file(config: Config) -> Path:
    """The config file of accelerate that the run names, or the program's own of that name."""
    named = config.launch.accelerate
    shipped = CONFIGS / "accelerate" / f"{named}.yaml"
    return shipped if shipped.is_file() else config.beside(named)


def _stop(child: subprocess.Popen[str]) -> str:
    """As Ctrl-C would; killed if that takes too long, or at the next Ctrl-C. Returns what it said."""
    _signal(child, signal.SIGINT)
    try:
        return child.communicate(timeout=GRACE_S)[1] or ""
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        _signal(child, signal.SIGKILL)
        return child.communicate()[1] or ""


def _signal(child: subprocess.Popen[str], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)
