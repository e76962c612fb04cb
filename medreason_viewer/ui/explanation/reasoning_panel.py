"""The reasoning, step by step as it arrives, then the answer: each beside its checks."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from ..plain import PlainLabel
from .answer import Answer
from .answer_card import AnswerCard
from .own_read import OwnRead
from .step_row import StepRow
from .step_rows import StepRows

_LEAST_PX: Final = 64  # of the steps in a low window: about one of them, the others scroll
_WITHOUT_ANSWER = ("stopped", "failed")


class ReasoningPanel(QWidget):
    """Steps in a scroll area, the answer below it and always in sight.

    Signals
    -------
    step_chosen : int
        The reader chose a step; its region is wanted on the slice.
    own_read_committed : str
        The reader committed a read of their own.
    """

    step_chosen = Signal(int)
    own_read_committed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._request_id = ""
        self._steps = StepRows()
        self.step_area = _step_area(self._steps)
        self._steps.chosen.connect(self.step_chosen)
        self._steps.focused.connect(self._keep_in_sight)
        self.card, self.own_read = AnswerCard(), OwnRead()
        self.own_read.committed.connect(self.own_read_committed)
        self._committed = PlainLabel(role="small", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.step_area, 1)
        for widget in (self.own_read, self._committed, self.card):
            column.addWidget(widget, 0, Qt.AlignmentFlag.AlignTop)
        self.show_answer(None)

    def show_answer(
        self, answer: Answer | None, *, folded: bool = False, selected_step: int | None = None
    ) -> None:
        """Show an answer so far; ``folded`` while steps and answer wait for the reader's own read."""
        self._begin(answer)
        self.step_area.setVisible(not folded)
        self.own_read.setVisible(folded and answer is not None and answer.status not in _WITHOUT_ANSWER)
        self._show_own_read(answer)
        self._show_reply(None if folded else answer)
        self.choose(selected_step)

    def choose(self, index: int | None) -> None:
        """Mark the step whose region is on the slice."""
        self._steps.choose(index)

    @property
    def rows(self) -> list[StepRow]:
        """The rows of the steps, in order."""
        return self._steps.rows

    def _begin(self, answer: Answer | None) -> None:
        """Start afresh for another request."""
        request_id = answer.request.id if answer else ""
        if request_id != self._request_id:
            self._request_id = request_id
            self.own_read.clear()
            self._steps.show_steps(())

    def _show_own_read(self, answer: Answer | None) -> None:
        own_read = answer.own_read if answer else ""
        self._committed.setText(f"Your read: {own_read}")
        self._committed.setVisible(bool(own_read))

    def _show_reply(self, answer: Answer | None) -> None:
        self._steps.show_steps(answer.steps if answer else ())
        explanation = answer.explanation if answer else None
        self.card.setVisible(explanation is not None)
        if explanation is not None:
            self.card.show_explanation(explanation)

    def _keep_in_sight(self, row: QWidget) -> None:
        self.step_area.ensureWidgetVisible(row)


def _step_area(steps: StepRows) -> QScrollArea:
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setMinimumHeight(_LEAST_PX)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    scroll.setWidget(steps)
    return scroll
