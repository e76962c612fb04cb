"""kill -9 at random moments of a reading: nothing that was acknowledged is lost, and nothing is spoilt."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from medreason_viewer.findings.journal import Journal
from medreason_viewer.findings.journal.keys import FilePlace
from medreason_viewer.findings.journal.verify import verify

HERE = Path(__file__).parent
REOPENED_S = 2.0
LIMIT_S = 60.0
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="readers are forked, to be quick about it")


@dataclass
class Readers:
    """A process that forks readers of one journal, which are killed one after the other."""

    process: subprocess.Popen[str]
    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "journal.sqlite3"

    @property
    def keys(self) -> FilePlace:
        return FilePlace(self.folder / "keyring")

    def killed(self, tag: str, draw: random.Random) -> dict[int, str]:
        """What a reader had been told was on disk when it was killed, while it opened the file or later."""
        told = self.folder / f"told-{tag}"
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(self.path, self.keys.path, tag, told, sep="\t", file=self.process.stdin, flush=True)
        reader = int(self.process.stdout.readline())
        if draw.random() < 0.3:
            time.sleep(draw.uniform(0, 0.05))
        else:
            _wait(lambda: told.exists() and told.stat().st_size > 0)
            time.sleep(draw.choice([0.02, 0.5]) * draw.random())
        os.kill(reader, signal.SIGKILL)
        _wait(lambda: not _lives(reader))
        lines = (
            told.read_text().split("\n")[:-1] if told.exists() else []
        )  # one without its end does not count
        return {int(number): content for number, content in (line.split() for line in lines)}


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _wait(happened: Callable[[], bool]) -> None:
    limit = time.monotonic() + LIMIT_S
    while not happened():
        assert time.monotonic() < limit
        time.sleep(0.002)


@pytest.fixture
def readers(tmp_path: Path) -> Iterator[Readers]:
    paths = os.pathsep.join([str(HERE), str(HERE.parents[1]), str(HERE.parents[2])])
    command = [sys.executable, str(HERE / "scripted_reader.py")]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    ) as process:
        yield Readers(process, tmp_path)


def _campaign(readers: Readers, kills: int, seed: int) -> None:
    draw = random.Random(seed)
    acknowledged: dict[int, str] = {}
    for number in range(kills):
        acknowledged |= readers.killed(str(number), draw)
        start = time.monotonic()
        Journal.open(readers.path, readers.keys).close()
        assert time.monotonic() - start < REOPENED_S
        assert verify(readers.path, readers.keys).problems == ()
        _assert_kept(readers.path, acknowledged)
    assert acknowledged


def _assert_kept(path: Path, acknowledged: dict[int, str]) -> None:
    with closing(sqlite3.connect(path)) as connection:
        rows = dict(connection.execute("SELECT number, content FROM entries").fetchall())
    for number, content in acknowledged.items():
        kept = rows[number]  # erased content is gone, and `verify` has seen that it was erased on request
        assert kept is None or hashlib.sha256(kept.encode()).hexdigest() == content


def test_kills_at_random_moments_lose_nothing(readers: Readers) -> None:
    _campaign(readers, 10, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(20))
def test_500_kills_lose_nothing(readers: Readers, seed: int) -> None:
    _campaign(readers, 25, seed=100 + seed)
