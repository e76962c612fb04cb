"""Qt can be called as often as a working day takes."""

from __future__ import annotations

import subprocess
import sys

import pytest

_CALLS = {
    "medreason_viewer.ui": "source.told.emit(number)",
    "medreason_viewer.drawing": "source.setObjectName('a name')",
}
_PROGRAM = """
from PySide6.QtCore import QCoreApplication, QObject, Signal
import {room}

class Source(QObject):
    told = Signal(int)

application, source = QCoreApplication([]), Source()
for number in range(100_000):
    {call}
print("alive")
"""


@pytest.mark.parametrize(("room", "call"), _CALLS.items())
def test_a_hundred_thousand_calls_do_not_end_the_program(room: str, call: str) -> None:
    program = _PROGRAM.format(room=room, call=call)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr
