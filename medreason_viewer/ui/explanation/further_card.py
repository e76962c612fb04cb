"""One further question with what the model replied: steps, answer, and what was measured beside each."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout

from ...reasoning.request import FollowUpAnswer
from ..plain import PlainLabel, clear, readable
from .answer_card import raw_text
from .further import Further
from .step_row import CheckRow
from .step_rows import StepRows
from .wording import UNREADABLE

_STATES: Final = {
    "waiting": "Waiting for the model …",
    "reasoning": "Answering …",
    "stopped": "Stopped. Nothing of this answer was kept.",
}


class FurtherCard(QFrame):
    """Follows one question; its answer never stands without the words *research use only*."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._shown: Further | None = None
        self.question = PlainLabel(wrap=True)
        self.state = PlainLabel(role="muted", wrap=True)
        self.steps = StepRows()
        self.heading = PlainLabel("The model's answer – research use only", "heading")
        self.answer = PlainLabel(role="strong", wrap=True)
        self.answer.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.answer.setAccessibleName("The model's answer to the further question")
        self.notes = PlainLabel(role="caution", wrap=True)
        self.checks, self._rows = QFrame(), QVBoxLayout()
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(3)
        self.checks.setLayout(self._rows)
        self.timing, self.raw = PlainLabel(role="small", wrap=True), raw_text()
        column = QVBoxLayout(self)
        column.setContentsMargins(11, 7, 8, 7)
        column.setSpacing(4)
        words = (self.heading, self.answer, self.notes)
        for widget in (self.question, self.state, self.steps, *words, self.checks, self.raw, self.timing):
            column.addWidget(widget)

    def show_further(self, further: Further, *, first_step: int, known: tuple[str, ...]) -> None:
        """Show a question and its reply so far.

        Parameters
        ----------
        first_step : int
            Place of its first step among all of the answer that it is about.
        known : tuple of str
            Warnings that stand above that answer already.
        """
        self.steps.show_steps(further.steps, first_step)
        self.steps.setVisible(bool(further.steps))
        if further is self._shown:
            return
        before, self._shown = self._shown, further
        self.question.setText(f"You asked: {further.question}")
        self._show_state(further)
        self._show_answer(further.answer, known)
        if further.answer is not None and before is not None:
            self._announce(further.answer)

    def _show_state(self, further: Further) -> None:
        self.state.setObjectName("fault" if further.status == "failed" else "muted")
        self.state.style().polish(self.state)
        self.state.setText(further.problem or _STATES.get(further.status, ""))
        self.state.setVisible(bool(self.state.text()))

    def _show_answer(self, answer: FollowUpAnswer | None, known: tuple[str, ...]) -> None:
        for widget in (self.heading, self.answer, self.timing):
            widget.setVisible(answer is not None)
        notes = [note for note in answer.warnings if note not in known] if answer else []
        self.notes.setText("\n".join(f"⚠ {note}" for note in notes))
        self.notes.setVisible(bool(notes))
        clear(self.checks)
        for check in answer.answer_checks if answer else ():
            self._rows.addWidget(CheckRow(check))
        self.checks.setVisible(bool(answer and answer.answer_checks))
        self.raw.setVisible(answer is not None and answer.answer is None)
        if answer is not None:
            self.answer.setText(UNREADABLE if answer.answer is None else answer.answer)
            self.raw.setPlainText(readable(answer.raw_reply))
            self.timing.setText(f"{answer.timing.total_s:.1f} s · {answer.timing.tokens} tokens")

    def _announce(self, answer: FollowUpAnswer) -> None:
        """A screen reader says it."""
        text = readable(answer.answer or UNREADABLE)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.answer, text))
