"""An error in an event handler is reported, and the program goes on."""

from __future__ import annotations

import gc
import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest
from PySide6.QtCore import QObject
from PySide6.QtGui import QCloseEvent, QHideEvent, QPaintEvent
from PySide6.QtWidgets import QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from medreason_viewer import ui
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


@guarded
class Hidden(QWidget):
    """Is hidden with the window around it."""

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing of its own."""
        super().hideEvent(event)


@guarded
class ClosesBadly(QMainWindow):
    """Its error is on its way while Qt hides what is in it."""

    def closeEvent(self, _event: QCloseEvent) -> None:
        """Fail."""
        raise ValueError("closing")


def test_an_override_outlives_the_references_that_pyside_gives_away(qtbot: QtBot) -> None:
    """Else the function is freed under its class; PySide may learn not to."""
    count = sys.getrefcount(vars(Hidden)["hideEvent"])
    for _ in range(20):
        window = ClosesBadly()
        qtbot.addWidget(window, before_close_func=lambda _: None)
        window.setCentralWidget(Hidden())
        window.show()
        with pytest.raises(ValueError, match="closing"):
            window.close()
    assert count - 20 <= sys.getrefcount(vars(Hidden)["hideEvent"]) <= count
    assert sys.getrefcount(vars(Hidden)["hideEvent"]) > 1000
    gc.collect()


def test_every_widget_of_the_window_is_guarded() -> None:
    for module in pkgutil.iter_modules(ui.__path__, "medreason_viewer.ui."):
        for cls in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(cls) and cls.__module__ == module.name and issubclass(cls, QObject):
                assert not unguarded(cls), f"{module.name}.{cls.__name__} needs @guarded for {unguarded(cls)}"


def unguarded(cls: type) -> list[str]:
    """Overrides of Qt's methods whose errors would end the program."""
    of_qt = [base for base in cls.__mro__ if base.__module__.startswith("PySide6.")]
    return [
        name
        for name, member in vars(cls).items()
        if inspect.isfunction(member)
        and not name.startswith("_")
        and any(hasattr(base, name) for base in of_qt)
        and not hasattr(member, "__wrapped__")
    ]
