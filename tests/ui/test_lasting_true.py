"""Signals can be emitted as often as a working day takes."""

from __future__ import annotations

import subprocess
import sys

_EMIT = """
from PySide6.QtCore import QCoreApplication, QObject, Signal
import medreason_viewer.ui

class Source(QObject):
    told = Signal(int)

application, source = QCoreApplication([]), Source()
for number in range(100_000):
    source.told.emit(number)
print("alive")
"""


def test_a_hundred_thousand_signals_do_not_end_the_program() -> None:
    done = subprocess.run([sys.executable, "-c", _EMIT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "alive\n")
