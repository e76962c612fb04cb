"""A user with nothing yet, a study with planted identifiers, and an archive that holds it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from planted import Planted, write_planted
from whole_session import HERE, Home


@pytest.fixture
def planted() -> Planted:
    found = Planted()
    assert len(set(found.all)) == 40
    return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "home")
    yield made
    shutil.rmtree(made.runtime)


@pytest.fixture
def study(tmp_path: Path, planted: Planted) -> Path:
    return write_planted(tmp_path / "cases", planted)


@pytest.fixture
def peer(study: Path) -> Iterator[int]:
    """The port of an archive that holds the study."""
    command = [sys.executable, str(HERE / "planted_peer.py"), str(study)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.kill()
