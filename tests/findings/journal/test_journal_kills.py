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
from contextlib import closing
from pathlib import Path

import pytest

from medreason_viewer.findings.journal import Journal
from medreason_viewer.findings.journal.keys import FilePlace
from medreason_viewer.findings.journal.verify import verify

HERE = Path(__file__).parent
REOPENED_S = 2.0
_Acknowledged = dict[int, str]


def _killed(path: Path, keys: Path, tag: str, draw: random.Random) -> _Acknowledged:
    """What a reader had been told was on disk when it was killed: while it opened the journal, or later."""
    command = [sys.executable, str(HERE / "scripted_reader.py"), str(path), str(keys), tag]
    paths = os.pathsep.join([str(HERE), str(HERE.parents[1]), str(HERE.parents[2])])
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths}
    ) as reader:
        assert reader.stdout is not None
        opening = draw.random() < 0.2
        first = "" if opening else reader.stdout.readline()
        time.sleep(draw.uniform(0.2, 0.6) if opening else draw.choice([0.02, 0.5]) * draw.random())
        reader.send_signal(signal.SIGKILL)
        lines = (first + reader.stdout.read()).split("\n")[:-1]  # a last one without its end does not count
    return {int(number): content for number, content in (line.split() for line in lines)}


def _assert_kept(path: Path, acknowledged: _Acknowledged) -> None:
    with closing(sqlite3.connect(path)) as connection:
        rows = dict(connection.execute("SELECT number, content FROM entries").fetchall())
    for number, content in acknowledged.items():
        kept = rows[number]  # erased content is gone, and `verify` has seen that it was erased on request
        assert kept is None or hashlib.sha256(kept.encode()).hexdigest() == content


def _campaign(folder: Path, kills: int, seed: int) -> None:
    draw = random.Random(seed)
    path, keys = folder / "journal.sqlite3", folder / "keyring"
    acknowledged: _Acknowledged = {}
    for number in range(kills):
        acknowledged |= _killed(path, keys, str(number), draw)
        start = time.monotonic()
        Journal.open(path, FilePlace(keys)).close()
        assert time.monotonic() - start < REOPENED_S
        assert verify(path, FilePlace(keys)).problems == ()
        _assert_kept(path, acknowledged)
    assert acknowledged


def test_kills_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    _campaign(tmp_path, 10, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(50))
def test_500_kills_lose_nothing(tmp_path: Path, seed: int) -> None:
    _campaign(tmp_path, 10, seed=100 + seed)
