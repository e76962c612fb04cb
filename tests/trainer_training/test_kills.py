"""Killed at random moments, saving included, a run resumes, and its curve is that of a run nobody killed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from short_runs import losses

from trainer.tuning import checkpoints

HERE = Path(__file__).parent
PATIENCE_S = 60
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a child is forked")


class Runs:
    """Starts runs, one at a time, in children of a process that has everything loaded."""

    def __init__(self, model: Path, data: Path) -> None:
        self._given = {"model": str(model), "data": str(data)}
        env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "forked.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env,
        )

    def start(self, kind: str, run: Path, told: Path, steps: int, save_every: int) -> int:
        """The child's id."""
        asked = {"kind": kind, "run": str(run), "told": str(told), "steps": steps, "save_every": save_every}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._given | asked) + "\n")
        self._process.stdin.flush()
        return int(self._line())

    def end(self) -> int:
        """How the child ended."""
        return int(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.kill()
        self._process.wait(60)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def runs(tiny_bundle: Path, phantom_folder: Path) -> Iterator[Runs]:
    made = Runs(tiny_bundle, phantom_folder)
    yield made
    made.close()


def _until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < end, "the run does not come on"
        time.sleep(0.001)


def _written(run: Path) -> int:
    """When something was last written into the folder of unfinished checkpoints."""
    beside = run / checkpoints.UNFINISHED
    return max((path.stat().st_mtime_ns for path in beside.glob("checkpoint-*")), default=0)


def _wait_for_a_moment(
    run: Path, told: Path, before: tuple[int, int], moment: int, dice: random.Random
) -> None:
    """Somewhere in the start, between steps, or in a save."""
    lines, written = before
    if moment == 0:
        time.sleep(dice.uniform(0, 1))
    elif moment == 1:
        steps = dice.randrange(1, 4)
        _until(lambda: told.exists() and len(told.read_bytes().splitlines()) >= lines + steps)
        time.sleep(dice.uniform(0, 0.1))
    else:
        with contextlib.suppress(FileNotFoundError):
            _until(lambda: _written(run) > written)
        time.sleep(dice.uniform(0, 0.03))


def _campaign(runs: Runs, kind: str, kills: int, steps: int, folder: Path) -> int:
    """Kill a run so often, then let it end. Returns how many saves were cut short."""
    whole, cut, told = folder / "whole", folder / "cut", folder / "cut.jsonl"
    runs.start(kind, whole, folder / "whole.jsonl", steps, 2)
    assert runs.end() == 0
    dice, halved = random.Random(kills), 0
    for kill in range(kills):
        before = (len(told.read_bytes().splitlines()) if told.exists() else 0, _written(cut))
        child = runs.start(kind, cut, told, steps, 2)
        _wait_for_a_moment(cut, told, before, (kill + 1) % 3, dice)
        os.kill(child, signal.SIGKILL)
        assert runs.end() == -signal.SIGKILL
        halved += any((cut / checkpoints.UNFINISHED).glob("checkpoint-*"))
    runs.start(kind, cut, told, steps, 2)
    assert runs.end() == 0
    return halved


def _assert_same(folder: Path, steps: int) -> None:
    expected = {told["step"]: told for told in losses(folder / "whole.jsonl")}
    found = losses(folder / "cut.jsonl")
    assert sorted(expected) == list(range(1, steps + 1))
    assert {told["step"] for told in found} == set(expected)
    assert all(told == expected[int(told["step"])] for told in found)
    last = checkpoints.name_of(steps)
    for name in ("model.safetensors", "optimizer.pt", "rng_state.pth"):
        assert _hash(folder / "cut" / last, name) == _hash(folder / "whole" / last, name)
    kept = sorted(path.name for path in (folder / "cut").glob("checkpoint-*"))
    assert kept == sorted(checkpoints.name_of(step) for step in (steps - 2, steps))


def _hash(folder: Path, name: str) -> Any:
    return json.loads((folder / checkpoints.HASHES).read_text())["files"][name]["sha256"]


def test_three_kills_leave_the_curve_as_it_was(runs: Runs, tmp_path: Path) -> None:
    _campaign(runs, "sft", 3, 12, tmp_path)
    _assert_same(tmp_path, 12)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["sft", "grpo"])
def test_twenty_kills_leave_the_curve_as_it_was(kind: str, runs: Runs, tmp_path: Path) -> None:
    halved = _campaign(runs, kind, 20, 60, tmp_path)
    assert halved >= 3
    _assert_same(tmp_path, 60)
