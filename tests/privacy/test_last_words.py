"""A fault is told by its kind and place; its text, which may name a patient, by nobody."""

from __future__ import annotations

import subprocess
import sys

import pytest

FAULTS = {
    "main": "raise ValueError(name)",
    "thread": "t = threading.Thread(target=trip); t.start(); t.join()",
    "finalizer": "Odd()",
    "chained": "\ntry:\n    trip()\nexcept ValueError as error:\n    raise KeyError(name) from error",
}
PROGRAM = """
import logging, sys, threading
from medreason_viewer.last_words import leave_no_core, name_faults
logging.basicConfig(level=logging.DEBUG)
name = "KANAREK"
def trip():
    raise ValueError(name)
class Odd:
    def __del__(self):
        trip()
leave_no_core()
name_faults(lambda words: print("told", words))
"""


@pytest.mark.parametrize("where", FAULTS)
def test_kind_and_place_alone_are_told(where: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + FAULTS[where]], capture_output=True, text=True, check=False
    )
    kind = "KeyError" if where == "chained" else "ValueError"
    assert f"{kind} at " in done.stderr
    assert "KANAREK" not in done.stderr + done.stdout
    assert ("told" in done.stdout) == (where in ("main", "chained"))
    assert done.returncode == int(where in ("main", "chained"))


def test_the_place_is_the_last_line_of_ours() -> None:
    from medreason_viewer.last_words import fault
    from medreason_viewer.volume.window import Window

    with pytest.raises(ValueError) as caught:  # noqa: PT011 - whatever it says
        Window(0, -1)
    where = fault(caught.type, caught.tb)
    assert where.startswith("ValueError at medreason_viewer/volume/window.py:")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no core files")
def test_no_core_is_left_by_the_program_or_its_children() -> None:
    ask = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    run = f"import subprocess; subprocess.run([sys.executable, '-c', {ask!r}])"
    done = subprocess.run([sys.executable, "-c", PROGRAM + run], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("1", "0")
