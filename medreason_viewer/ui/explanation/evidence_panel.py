"""What was measured in the region, by the program and not by the model."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from ...reasoning.request import Evidence, Scope, Statistics
from ...volume.series import Series
from ..plain import PlainLabel
from . import wording
from .answer import Answer

_ROWS = ("Mean ± SD", "Range", "Area", "Long × short")


class EvidencePanel(QWidget):
    """A small table, box beside lesion, and the patient's side."""

    def __init__(self) -> None:
        super().__init__()
        self._cells = {(row, column): PlainLabel() for row in range(len(_ROWS)) for column in (1, 2)}
        self.side = PlainLabel(role="strong")
        self._circumstances = PlainLabel(role="small", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        heading = QHBoxLayout()
        heading.addWidget(PlainLabel("Measured on this workstation", "heading"), 1)
        heading.addWidget(self.side)
        column.addLayout(heading)
        column.addLayout(self._table())
        column.addWidget(self._circumstances)
        self.show_answer(None)

    def show_answer(self, answer: Answer | None, series: Series | None = None) -> None:
        """Show the measurements of an explanation in a series, or dashes."""
        evidence = answer.evidence if answer else None
        for column, statistics in enumerate(_pair(evidence), start=1):
            texts = (wording.mean_sd, wording.extremes, wording.area, wording.axes)
            for row, text in enumerate(texts):
                self._cells[row, column].setText(text(statistics))
        self.side.setText(wording.side(evidence))
        self._circumstances.setText(_circumstances(answer, series))

    def _table(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.addWidget(PlainLabel("Box", "small"), 0, 1)
        grid.addWidget(PlainLabel("Lesion inside it", "small"), 0, 2)
        for row, name in enumerate(_ROWS):
            grid.addWidget(PlainLabel(name, "muted"), row + 1, 0)
            for column in (1, 2):
                cell = self._cells[row, column]
                cell.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                cell.setAccessibleName(f"{name}, {'box' if column == 1 else 'lesion'}")
                grid.addWidget(cell, row + 1, column)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        return grid


def _pair(evidence: Evidence | None) -> tuple[Statistics | None, Statistics | None]:
    return (evidence.box, evidence.lesion) if evidence else (None, None)


def _circumstances(answer: Answer | None, series: Series | None) -> str:
    """Kernel and contrast stand beside every HU; so does what could not be measured."""
    if answer is None or answer.evidence is None or series is None:
        return ""
    parts = [_acquisition(answer.request.scope), wording.without_mm(answer, series)]
    if answer.evidence.lesion is None:
        parts.append("No lesion stands out inside the box.")
    return " ".join(filter(None, parts))


def _acquisition(scope: Scope) -> str:
    return f"Kernel {scope.kernel or 'not recorded'}, contrast {scope.contrast or 'not recorded'}."
