"""What each drag, and the wheel, does."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QComboBox, QGridLayout, QPushButton, QVBoxLayout, QWidget

from ..plain import PlainLabel
from .action_names import GESTURES, choices_of
from .bindings import InputBindings
from .profile import CHOSEN, PROFILES

_NO_TOOL = "No drag uses the tool chosen in the bar: boxes and measurements cannot be drawn with the mouse."


class MouseEditor(QWidget):
    """One choice per gesture."""

    def __init__(self, bindings: InputBindings) -> None:
        super().__init__()
        self._bindings = bindings
        self.choices: dict[str, QComboBox] = {}
        self.resets: dict[str, QPushButton] = {}
        self.warning = PlainLabel(_NO_TOOL, "caution", wrap=True)
        grid = QGridLayout()
        grid.setColumnStretch(3, 1)
        for row, gesture in enumerate(GESTURES):
            self._add(grid, row, gesture)
        column = QVBoxLayout(self)
        column.addLayout(grid)
        column.addWidget(PlainLabel("A right click, without a drag, always opens the menu.", "muted"))
        column.addWidget(self.warning)
        column.addStretch(1)
        bindings.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is in use."""
        profile = self._bindings.profile
        base = PROFILES[profile.name].mouse
        for gesture, choice in self.choices.items():
            choice.setCurrentIndex(choice.findData(profile.mouse[gesture]))
            self.resets[gesture].setEnabled(profile.mouse[gesture] != base[gesture])
        self.warning.setVisible(CHOSEN not in profile.mouse.values())

    def _add(self, grid: QGridLayout, row: int, gesture: str) -> None:
        choice, reset = QComboBox(), QPushButton("Reset")
        choice.setAccessibleName(GESTURES[gesture])
        reset.setAccessibleName(f"Reset {GESTURES[gesture]}")
        for does, words in choices_of(gesture).items():
            choice.addItem(words, does)
        choice.activated.connect(partial(self._chosen, gesture))
        reset.clicked.connect(partial(self._reset, gesture))
        self.choices[gesture], self.resets[gesture] = choice, reset
        grid.addWidget(PlainLabel(GESTURES[gesture]), row, 0)
        grid.addWidget(choice, row, 1)
        grid.addWidget(reset, row, 2)

    def _chosen(self, gesture: str, place: int) -> None:
        does = self.choices[gesture].itemData(place)
        self._bindings.use(self._bindings.profile.with_gesture(gesture, does))

    def _reset(self, gesture: str) -> None:
        profile = self._bindings.profile
        self._bindings.use(profile.with_gesture(gesture, PROFILES[profile.name].mouse[gesture]))
