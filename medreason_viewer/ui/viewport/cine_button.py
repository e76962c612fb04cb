"""Cine in the bar and in the menus: start and stop, with the rate in sight and to choose."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from .. import theme
from ..keys.bindings import InputBindings
from ..overrides import guarded
from .cine import RATES_FPS, Cine


class CineMenu(QMenu):
    """Start or stop, loop or turn round, and images per second."""

    def __init__(self, cine: Cine, bindings: InputBindings, parent: QWidget | None = None) -> None:
        super().__init__("&Cine", parent)
        self._cine, self._bindings = cine, bindings
        self._run = self._line("cine", cine.toggle)
        self._bounce = self._line("cine_bounce", lambda: cine.set_bounces(not cine.bounces))
        self._bounce.setCheckable(True)
        self.addSeparator()
        self._faster = self._line("cine_faster", cine.faster)
        self._slower = self._line("cine_slower", cine.slower)
        self.addSeparator()
        rates = QActionGroup(self)
        self._rates = {fps: rates.addAction(f"{fps} images per second") for fps in RATES_FPS}
        for fps, action in self._rates.items():
            action.setCheckable(True)
            action.triggered.connect(partial(cine.set_rate, fps))
        self.addActions(list(self._rates.values()))
        cine.changed.connect(self.refresh)
        bindings.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what the cine does, and its keys."""
        cine = self._cine
        words = {
            self._run: "Stop" if cine.running else "Start",
            self._bounce: "Back and forth",
            self._faster: "Faster",
            self._slower: "Slower",
        }
        for action, text in words.items():
            action.setText(text + self._bindings.sign(action.objectName()))
        self._bounce.setChecked(cine.bounces)
        for fps, action in self._rates.items():
            action.setChecked(fps == cine.rate_fps)

    def _line(self, name: str, do: Callable[[], object]) -> QAction:
        action = self.addAction("")
        action.setObjectName(name)
        action.triggered.connect(lambda: do())
        return action


@guarded
class CineButton(QToolButton):
    """A press starts or stops; the arrow beside opens the menu."""

    def __init__(self, cine: Cine, menu: CineMenu) -> None:
        super().__init__()
        self._cine = cine
        self.setMenu(menu)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.setCheckable(True)
        self.setObjectName("cine")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.clicked.connect(cine.toggle)
        cine.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show whether it runs, and how fast."""
        cine = self._cine
        self.setChecked(cine.running)
        self.setIcon(theme.icon("mdi6.stop" if cine.running else "mdi6.play"))
        self.setText(f"{cine.rate_fps}/s")
        way = "back and forth" if cine.bounces else "in a loop"
        self.setToolTip(f"Cine, {cine.rate_fps} images per second, {way}")
        self.setAccessibleName(f"Cine, {cine.rate_fps} images per second")
