"""Names that a console cannot write: neither a person nor a machine gets a traceback for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from medreason_viewer.volume.phantom import write_study


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_letters_that_the_console_does_not_have(tmp_path: Path, flags: list[str]) -> None:
    write_study(tmp_path / "study", seed=7, finding="nodule", slices=2, matrix=64)
    (tmp_path / "study" / "山田.txt").write_text("a note")
    done = subprocess.run(
        [sys.executable, "-m", "medreason_viewer.cli", "info", str(tmp_path), *flags],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "cp1252"},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.decode("cp1252")
    if flags:
        passed_over = {Path(item["path"]).name for item in json.loads(said)["unreadable"]}
        assert "山田.txt" in passed_over
    else:
        assert "\\u5c71\\u7530.txt" in said
