"""The steps of one reply, one below the other, as they arrive."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout

from ...reasoning.request import Step
from .step_row import StepRow


class StepRows(QFrame):
    """Rows that stay while others arrive, so that a step in focus keeps it.

    Signals
    -------
    chosen : int
        The reader chose the step of this place (see :meth:`.Answer.step`).
    focused : StepRow
        The keyboard moved to another row.
    """

    chosen = Signal(int)
    focused = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[StepRow] = []
        self._first = 0
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 4, 0)
        self._column.setSpacing(2)
        self._column.addStretch(1)

    def show_steps(self, steps: tuple[Step, ...], first: int = 0) -> None:
        """Show these steps, the first of which has the place ``first``."""
        same = 0
        while first == self._first and same < min(len(steps), len(self.rows)) and self._holds(same, steps):
            same += 1
        self._first = first
        for row in self.rows[same:]:
            row.hide()
            row.deleteLater()
        self.rows[same:] = [self._add(number, steps[number]) for number in range(same, len(steps))]

    def choose(self, index: int | None) -> None:
        """Mark the step whose region is on the slice."""
        for row in self.rows:
            row.set_chosen(row.index == index)

    def _holds(self, number: int, steps: tuple[Step, ...]) -> bool:
        return self.rows[number].step == steps[number]

    def _add(self, number: int, step: Step) -> StepRow:
        row = StepRow(self._first + number, step, number + 1)
        row.chosen.connect(self.chosen)
        row.moved.connect(self._focus)
        self._column.insertWidget(number, row)
        return row

    def _focus(self, index: int) -> None:
        number = index - self._first
        if 0 <= number < len(self.rows):
            self.rows[number].setFocus(Qt.FocusReason.OtherFocusReason)
            self.focused.emit(self.rows[number])
