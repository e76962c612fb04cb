"""The model's answer with its checks, or the plain fact that no answer could be read."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QPushButton, QScrollArea, QVBoxLayout

from ...reasoning.request import Explanation
from ..overrides import guarded
from ..plain import PlainLabel, clear, readable
from .step_row import CheckRow
from .wording import UNREADABLE

_LONG: Final = 60  # characters from which an answer is set smaller
_TALLEST: Final = 132  # device-independent pixels: a longer answer scrolls, and leaves room for the steps


@guarded
class AnswerText(QScrollArea):
    """The answer's words, as high as they need up to a limit."""

    def __init__(self) -> None:
        super().__init__()
        self.label = PlainLabel(role="answer", wrap=True)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.label.setAccessibleName("The model's answer")
        self.setWidget(self.label)
        self.label.setAutoFillBackground(False)
        self.viewport().setAutoFillBackground(False)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def set_text(self, text: str) -> None:
        """Show the words."""
        self.label.setObjectName("answer" if len(text) < _LONG else "strong")
        self.label.style().polish(self.label)
        self.label.setText(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width needs another height."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        needed = self.label.heightForWidth(max(self.width(), 1))
        policy = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(
            policy.ScrollBarAsNeeded if needed > _TALLEST else policy.ScrollBarAlwaysOff
        )
        self.setFixedHeight(min(max(needed, self.label.fontMetrics().height()), _TALLEST))


class AnswerCard(QFrame):
    """Prominent, and never without the words *research use only*; the raw reply unfolds below."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._shown: Explanation | None = None
        self.answer = AnswerText()
        self._checks, self._rows = QFrame(), QVBoxLayout()
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(3)
        self._checks.setLayout(self._rows)
        self._timing = PlainLabel(role="small", wrap=True)
        self.raw_toggle, self.raw = _raw_toggle(), raw_text()
        self.raw_toggle.toggled.connect(self._unfold_raw)
        self._build()

    def show_explanation(self, explanation: Explanation) -> None:
        """Show an answer and its checks; the raw reply at once where nothing could be read from it."""
        if explanation is self._shown:
            return
        self._shown = explanation
        self.answer.set_text(UNREADABLE if explanation.answer is None else explanation.answer)
        clear(self._checks)
        for check in explanation.answer_checks:
            self._rows.addWidget(CheckRow(check))
        self._checks.setVisible(bool(explanation.answer_checks))
        timing = explanation.timing
        self._timing.setText(f"{timing.total_s:.1f} s · {timing.tokens} tokens · {explanation.model.device}")
        self.raw.setPlainText(readable(explanation.raw_reply))
        self.raw_toggle.setChecked(explanation.answer is None)

    def _unfold_raw(self, unfolded: bool) -> None:
        self.raw.setVisible(unfolded)
        self.raw_toggle.setText("Hide raw reply" if unfolded else "Raw reply")

    def _build(self) -> None:
        last = QHBoxLayout()
        last.addWidget(self._timing, 1)
        last.addWidget(self.raw_toggle)
        column = QVBoxLayout(self)
        column.setContentsMargins(11, 7, 8, 5)
        column.setSpacing(4)
        column.addWidget(PlainLabel("The model's answer – research use only", "heading"))
        column.addWidget(self.answer)
        column.addWidget(self._checks)
        column.addLayout(last)
        column.addWidget(self.raw)


def _raw_toggle() -> QPushButton:
    toggle = QPushButton("Raw reply")
    toggle.setObjectName("link")
    toggle.setCheckable(True)
    toggle.setToolTip("The model's reply, unchanged")
    return toggle


def raw_text() -> QPlainTextEdit:
    """A place for a reply as it came; hidden at first."""
    text = QPlainTextEdit()
    text.setReadOnly(True)
    text.setAccessibleName("The model's reply, unchanged")
    text.setTabChangesFocus(True)
    text.setFixedHeight(96)
    text.hide()
    return text
