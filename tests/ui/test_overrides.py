"""An error in an event handler is reported, and the program goes on."""

from __future__ import annotations

import subprocess
import sys

import pytest
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from medreason_viewer.ui.overrides import guarded


@guarded
class Faulty(QWidget):
    """Fails as the interpreter fails, not as ``raise`` does."""

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Divide by zero."""
        self.width() / (self.height() - self.height())

    def shown(self) -> str:
        """Not Qt's: left as it is."""
        return "mine"


def test_the_error_is_reported(qtbot: QtBot) -> None:
    widget = Faulty()
    qtbot.addWidget(widget)
    with pytest.raises(ZeroDivisionError):
        widget.grab()
    assert not hasattr(Faulty.shown, "__wrapped__")


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="PySide6 crashes before Python 3.12 only")
def test_without_the_guard_the_program_dies() -> None:
    """Says when the guard can go: this fails once PySide6 is mended."""
    code = "\n".join(
        (
            "from PySide6.QtWidgets import QApplication, QWidget",
            "class Faulty(QWidget):",
            "    def paintEvent(self, event): 1 / 0",
            "application, widget = QApplication([]), Faulty()",
            "widget.grab()",
            "print('alive')",
        )
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "alive" not in done.stdout
