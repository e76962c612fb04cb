"""One step of the reasoning with its checks, and the rows of checks the answer uses too."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from ...reasoning.request import Check, Step
from .. import theme
from ..overrides import guarded
from ..plain import PlainLabel, readable
from .wording import VERDICTS, check_text

_KEYS_OF_CHOICE = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)


class CheckRow(QWidget):
    """A claim of the model, the verdict in an icon and a word, and what was measured."""

    def __init__(self, check: Check, sentence: str = "") -> None:
        super().__init__()
        sign = VERDICTS[check.verdict]
        icon = PlainLabel()
        icon.setPixmap(theme.pixmap(sign.icon, sign.colour, 15))
        self.verdict = PlainLabel(sign.word, sign.role)
        self.claim = PlainLabel(check_text(check, sentence), "muted", wrap=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(5)
        row.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.verdict, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.claim, 1, Qt.AlignmentFlag.AlignTop)


@guarded
class StepRow(QFrame):
    """A step the reader can choose, by mouse, Return or Space; Up and Down move between steps.

    Parameters
    ----------
    index : int
        Its place among all steps of an answer, with those of further questions (see :meth:`.Answer.step`).
    number : int
        What stands before it, from 1.
    """

    chosen = Signal(int)
    moved = Signal(int)

    def __init__(self, index: int, step: Step, number: int) -> None:
        super().__init__()
        self.index, self.number = index, number
        self.step = step
        self.setObjectName("step")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(_spoken(number, step))
        self.text = PlainLabel(step.text, wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(9, 6, 8, 6)
        column.setSpacing(4)
        column.addLayout(self._sentence())
        for check in step.checks:
            row = CheckRow(check, step.text)
            row.setContentsMargins(24, 0, 0, 0)
            column.addWidget(row)

    def set_chosen(self, chosen: bool) -> None:
        """Show whether this is the step whose region is on the slice."""
        self.setProperty("chosen", chosen)
        self.style().unpolish(self)
        self.style().polish(self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the step."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(self.index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose, or move to a neighbour."""
        if event.key() in _KEYS_OF_CHOICE:
            self.chosen.emit(self.index)
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.moved.emit(self.index + (1 if event.key() == Qt.Key.Key_Down else -1))
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Arriving by Tab or arrow chooses the step, as in a list."""
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.OtherFocusReason):
            self.chosen.emit(self.index)

    def _sentence(self) -> QHBoxLayout:
        number = PlainLabel(str(self.number), "muted")
        number.setFixedWidth(18)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(number, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.text, 1)
        if self.step.box_slice is not None:
            marker = PlainLabel()
            marker.setPixmap(theme.pixmap("mdi6.selection", theme.ACCENT, 15))
            marker.setToolTip("This step names a region of its own")
            row.addWidget(marker, 0, Qt.AlignmentFlag.AlignTop)
        return row


def _spoken(number: int, step: Step) -> str:
    verdicts = "; ".join(
        f"{VERDICTS[check.verdict].word}: {check_text(check, step.text)}" for check in step.checks
    )
    return readable(f"Step {number}. {step.text} {verdicts}")
