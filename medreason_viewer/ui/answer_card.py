"""The model's answer with its checks, or the plain fact that no answer could be read."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QPushButton, QVBoxLayout

from ..reasoning.request import Explanation
from .answer import Answer
from .plain import PlainLabel, clear, readable
from .step_row import CheckRow

UNREADABLE: Final = "The model's reply could not be read: no answer was found in it."


class AnswerCard(QFrame):
    """Prominent, and never without the words *research use only*."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self.answer = PlainLabel(role="answer", wrap=True)
        self.answer.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.answer.setAccessibleName("The model's answer")
        self._checks = QFrame()
        rows = QVBoxLayout(self._checks)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(3)
        self._timing = PlainLabel(role="small", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(11, 8, 11, 9)
        column.setSpacing(5)
        column.addWidget(PlainLabel("The model's answer – research use only", "heading"))
        for widget in (self.answer, self._checks, self._timing):
            column.addWidget(widget)

    def show_explanation(self, explanation: Explanation) -> None:
        """Show an answer and its checks."""
        self.answer.setText(UNREADABLE if explanation.answer is None else explanation.answer)
        clear(self._checks)
        layout = self._checks.layout()
        for check in explanation.answer_checks:
            if layout is not None:
                layout.addWidget(CheckRow(check))
        self._checks.setVisible(bool(explanation.answer_checks))
        model, timing = explanation.model, explanation.timing
        self._timing.setText(
            f"{model.name} · {timing.total_s:.1f} s · {timing.tokens} tokens · {model.device}"
        )


class RawReply(QFrame):
    """The reply as the model wrote it, folded until asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.toggle = QPushButton("Show the raw reply")
        self.toggle.setObjectName("link")
        self.toggle.setCheckable(True)
        self.toggle.toggled.connect(self._unfold)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName("The model's reply, unchanged")
        self.text.setTabChangesFocus(True)
        self.text.setFixedHeight(110)
        self.text.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.toggle, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.text)

    def show_reply(self, answer: Answer | None) -> None:
        """Show the reply of an answer; unfolded at once where nothing could be read from it."""
        raw = answer.text if answer else ""
        explanation = answer.explanation if answer else None
        self.setVisible(bool(raw))
        if self.text.toPlainText() != readable(raw):
            self.text.setPlainText(readable(raw))
        if explanation is not None and explanation.answer is None:
            self.toggle.setChecked(True)

    def fold(self) -> None:
        """Hide the text again."""
        self.toggle.setChecked(False)

    def _unfold(self, unfolded: bool) -> None:
        self.text.setVisible(unfolded)
        self.toggle.setText("Hide the raw reply" if unfolded else "Show the raw reply")
