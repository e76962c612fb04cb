"""The page before it is printed: what is on it, which way it lies, and where it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QPageLayout
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ...drawing.page import Page, Sheet
from ...drawing.paper import pages_for, paper
from .. import theme
from ..plain import PlainLabel
from .page_preview import PagePreview

MakeSheet = Callable[[bool, bool], Sheet]  # with the patient, with the explanation

_OF_THE_SCREEN: Final = 0.9
_WAYS: Final = {
    "Landscape": QPageLayout.Orientation.Landscape,
    "Portrait": QPageLayout.Orientation.Portrait,
}


class PrintDialog(QDialog):
    """A preview with a few choices.

    Signals
    -------
    print_requested, pdf_requested : Sheet, QPageLayout
        The reader wants these pages printed, or saved.
    """

    print_requested = Signal(object, object)
    pdf_requested = Signal(object, object)

    def __init__(self, make_sheet: MakeSheet, *, explained: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Print")
        self._make_sheet, self._number = make_sheet, 0
        self.pages: tuple[Page, ...] = ()
        self.preview = PagePreview()
        self.way = QComboBox()
        self.way.addItems(list(_WAYS))
        self.way.setAccessibleName("Orientation of the paper")
        self.patient = _checked("Patient on the page", "Without: no name, number, date or institution")
        self.explanation = _checked("Explanation beside the image", "Region, zoom, measurements, reasoning")
        self.explanation.setVisible(explained)
        self.place = PlainLabel(role="muted")
        self.previous, self.following = _turner("Previous page", "left"), _turner("Next page", "right")
        self.problem = PlainLabel(role="caution", wrap=True)
        self.problem.hide()
        self.print_button, self.pdf_button = QPushButton("Print …"), QPushButton("Save as PDF …")
        self.print_button.setObjectName("primary")
        self.print_button.setDefault(True)
        self._build()
        self._connect()
        self.refresh()
        room = self.screen().availableSize()
        self.resize(self.sizeHint().boundedTo(room * _OF_THE_SCREEN))

    def layout_of_paper(self) -> QPageLayout:
        """The paper chosen."""
        return paper(_WAYS[self.way.currentText()])

    def sheet(self) -> Sheet:
        """What is to be printed, as chosen."""
        return self._make_sheet(self.patient.isChecked(), self.explanation.isChecked())

    def refresh(self) -> None:
        """Lay the pages out anew and show the first."""
        self.pages, self._number = pages_for(self.sheet(), self.layout_of_paper()), 0
        self._show_page()

    def say(self, text: str) -> None:
        """Tell why it was not printed, beside the button that helps."""
        self.problem.setText(text)
        self.problem.show()
        self.pdf_button.setFocus()

    def turn(self, by: int) -> None:
        """Show another page."""
        self._number = min(max(self._number + by, 0), len(self.pages) - 1)
        self._show_page()

    def _show_page(self) -> None:
        count = len(self.pages)
        self.preview.show_page(self.pages, self.layout_of_paper(), self._number)
        self.place.setText(f"Page {self._number + 1} of {count}")
        for button, last in ((self.previous, 0), (self.following, count - 1)):
            button.setVisible(count > 1)
            button.setEnabled(self._number != last)

    def _connect(self) -> None:
        self.way.currentTextChanged.connect(self.refresh)
        self.patient.toggled.connect(self.refresh)
        self.explanation.toggled.connect(self.refresh)
        self.previous.clicked.connect(lambda: self.turn(-1))
        self.following.clicked.connect(lambda: self.turn(1))
        self.print_button.clicked.connect(
            lambda: self.print_requested.emit(self.sheet(), self.layout_of_paper())
        )
        self.pdf_button.clicked.connect(lambda: self.pdf_requested.emit(self.sheet(), self.layout_of_paper()))

    def _build(self) -> None:
        close = QPushButton("Close")
        close.setAutoDefault(False)
        close.clicked.connect(self.reject)
        choices, last = QHBoxLayout(), QHBoxLayout()
        chosen: tuple[QWidget, ...] = (self.way, self.patient, self.explanation)
        turned: tuple[QWidget, ...] = (self.previous, self.place, self.following)
        for widget in chosen:
            choices.addWidget(widget)
        choices.addStretch(1)
        for widget in turned:
            choices.addWidget(widget)
        last.addWidget(self.problem, 1)
        last.addStretch(0)
        for button in (close, self.pdf_button, self.print_button):
            last.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(10)
        column.addLayout(choices)
        column.addWidget(self.preview, 1)
        column.addLayout(last)


def _checked(text: str, tip: str) -> QCheckBox:
    box = QCheckBox(text)
    box.setChecked(True)
    box.setToolTip(tip)
    return box


def _turner(name: str, way: str) -> QPushButton:
    button = QPushButton()
    button.setIcon(theme.icon(f"mdi6.chevron-{way}"))
    button.setAccessibleName(name)
    button.setToolTip(name)
    button.setAutoDefault(False)
    return button
