"""What the explain side shows: how to ask, before there is an answer; then the answer with its evidence."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from ...volume.series import Series
from ..keys.bindings import InputBindings
from ..plain import PlainLabel
from .answer import Answer
from .evidence_panel import EvidencePanel
from .further_panel import FurtherPanel
from .reasoning_panel import ReasoningPanel
from .zoom_panel import ZoomPanel

_GUIDE: Final = (
    ("Draw a box around the finding{}, or point at it.", "tool:box", " ({})"),
    ("Right-click and choose Explain region{}.", "explain", ", or press {}"),
    ("The region, its zoom and the reasoning appear here, each claim beside what was measured.", "", ""),
)


class GuidePage(QWidget):
    """Three lines on how to ask, with the keys in use."""

    def __init__(self, bindings: InputBindings) -> None:
        super().__init__()
        self._bindings = bindings
        self.lines = [PlainLabel(role="muted", wrap=True) for _ in _GUIDE]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 6, 0, 0)
        grid.setVerticalSpacing(8)
        for row, line in enumerate(self.lines):
            number = PlainLabel(str(row + 1), "muted")
            number.setFixedWidth(16)
            grid.addWidget(number, row, 0)
            grid.addWidget(line, row, 1)
        grid.setRowStretch(len(_GUIDE), 1)
        grid.setColumnStretch(1, 1)
        bindings.changed.connect(self.show_keys)
        self.show_keys()

    def show_keys(self) -> None:
        """Name the keys of the profile in use."""
        for line, (words, action, naming) in zip(self.lines, _GUIDE, strict=True):
            keys = self._bindings.keys_for(action)[:1]
            line.setText(words.format("".join(naming.format(key) for key in keys)))


class AnswerPage(QWidget):
    """Zoom, measurements, reasoning, further questions."""

    def __init__(self) -> None:
        super().__init__()
        self.zoom, self.evidence, self.reasoning = ZoomPanel(), EvidencePanel(), ReasoningPanel()
        self.further = FurtherPanel()
        self.question = PlainLabel(role="muted", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.zoom, 2)
        column.addWidget(self.evidence)
        column.addWidget(PlainLabel("The model's reasoning", "heading"))
        column.addWidget(self.question)
        column.addWidget(self.reasoning, 3)
        column.addWidget(self.further)

    def show_answer(
        self,
        answer: Answer | None,
        series: Series | None,
        *,
        folded: bool,
        selected_step: int | None,
        why_not: str,
    ) -> None:
        """Show an answer so far on a slice of ``series``; ``folded`` while it waits for the reader's read.

        ``why_not`` says why nothing further can be asked about it, or is empty.
        """
        self.zoom.show_answer(answer)
        self.evidence.show_answer(answer, series)
        question = answer.request.question if answer else None
        self.question.setText(f"You asked: {question}")
        self.question.setVisible(bool(question))
        self.reasoning.show_answer(answer, folded=folded, selected_step=selected_step)
        self.further.show_answer(answer, folded=folded, why_not=why_not, selected_step=selected_step)

    def choose(self, index: int | None) -> None:
        """Mark the step whose region is on the slice."""
        self.reasoning.choose(index)
        self.further.choose(index)
