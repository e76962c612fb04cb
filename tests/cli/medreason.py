"""Runs ``medreason`` as its user does: a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

Done = subprocess.CompletedProcess[str]


def medreason(*arguments: str | Path, timeout_s: float = 240) -> Done:
    """Run the command and wait."""
    command = [sys.executable, "-m", "medreason_viewer.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


def document(done: Done) -> Any:
    """The one JSON document on standard output; fails with the command's own words if there is none."""
    assert done.returncode in (0, 3), done.stderr
    return json.loads(done.stdout)


def assert_refused(done: Done) -> None:
    """Exit code 1, one plain sentence, no traceback, nothing on standard output."""
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    assert lines, done
    assert lines[-1].startswith("medreason: "), done.stderr
    assert not done.stdout
