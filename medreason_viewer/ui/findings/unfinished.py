"""Findings without a verdict, listed before the reader leaves their study; nobody is kept from leaving."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from .. import theme
from ..plain import ElidedLabel, PlainLabel, clear
from .kept import KeptFinding
from .leaving import Leaving
from .verdicts import REASONS

_WIDTH: Final = 560


class UnfinishedDialog(QDialog):
    """Accept, reject or leave each for later; then go on to what the reader wanted.

    Parameters
    ----------
    then : callable
        What the reader, or another program, wanted; called once each finding has a verdict or was left for
        later.
    why : str
        What another program wanted; empty where it was the reader.
    """

    def __init__(
        self,
        leaving: Leaving,
        then: Callable[[], object],
        *,
        closing: bool,
        parent: QWidget,
        why: str = "",
    ) -> None:
        super().__init__(parent)
        self.why = PlainLabel(role="caution", wrap=True)
        self._leaving, self._then, self._closing = leaving, then, closing
        self._gone_on = self._tried = False
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Findings without a verdict")
        self.setModal(True)
        self.setMinimumWidth(_WIDTH)
        self.heading, self.problem = PlainLabel(role="title", wrap=True), PlainLabel(role="fault", wrap=True)
        self.rows, self.again = QWidget(), QPushButton("Try again")
        self.later, self.stay = QPushButton(), QPushButton("Stay with this study")
        self.rows.setLayout(QVBoxLayout())
        self._build()
        self._say_why(why)
        for changed in (leaving.book.changed, leaving.writing.changed):
            changed.connect(self.refresh)
        self.finished.connect(self._end)
        self.refresh()

    def refresh(self) -> None:
        """List what is still to do, and go on once there is nothing."""
        if self._gone_on:
            return
        open_ones, problem = self._leaving.to_do, self._problem()
        if not open_ones and not problem:
            self._go_on()
            return
        count = len(open_ones)
        verb = "finding has" if count == 1 else "findings have"
        self.heading.setText(f"{count} {verb} no verdict" if count else "Not everything is saved")
        self.problem.setText(problem)
        for widget in (self.problem, self.again):
            widget.setVisible(bool(problem))
        self.later.setText("Close without saving" if problem else "Leave all for later")
        clear(self.rows)
        for known in open_ones:
            self._add_row(known)

    def leave_all(self) -> None:
        """Leave for later whatever is left."""
        for known in self._leaving.to_do:
            self._leaving.left.add(known.kept.id)
        self._leaving.loss_accepted = bool(self._problem())
        self._go_on()

    def go_on_with(self, then: Callable[[], object], why: str) -> None:
        """Another program asks meanwhile: the question stands, and that comes after it."""
        self._then = then
        self._say_why(why)

    def dismiss(self) -> None:
        """Leave all for later; whoever asked goes on by themselves."""
        self._then = lambda: None
        self.leave_all()

    def _say_why(self, why: str) -> None:
        self.why.setText(why)
        self.why.setVisible(bool(why))

    def _problem(self) -> str:
        """Only when the window closes is anything lost: a study that is changed leaves it in memory."""
        if not self._closing:
            return ""
        if self._leaving.problem:
            return f"{self._leaving.problem} What is not saved is lost when the window closes."
        return "Trying again …" if self._tried and not self._leaving.all_saved else ""

    def _try_again(self) -> None:
        self._tried = True
        self._leaving.retry()

    def _end(self) -> None:
        """The dialog is gone: what changes from now on changes nothing of it."""
        self._gone_on = True

    def _go_on(self) -> None:
        self._gone_on = True
        self.close()
        self._then()

    def _add_row(self, known: KeptFinding) -> None:
        row, line = QFrame(), QHBoxLayout()
        row.setObjectName("card")
        row.setLayout(line)
        line.setContentsMargins(8, 5, 8, 5)
        line.addWidget(ElidedLabel(self._leaving.words(known)), 1)
        finding_id = known.kept.id
        show = QPushButton("Show")
        show.setObjectName("link")
        show.clicked.connect(partial(self._show_image, finding_id))
        accept = QPushButton(theme.icon("mdi6.check", theme.GOOD), "Accept")
        accept.setEnabled(known.kept.explanation.answer is not None)
        accept.clicked.connect(lambda: self._leaving.accept(finding_id))
        later = QPushButton("Later")
        later.clicked.connect(partial(self._leave, finding_id))
        for widget in (show, accept, self._reject_button(finding_id), later):
            line.addWidget(widget)
        column = self.rows.layout()
        assert column is not None
        column.addWidget(row)

    def _reject_button(self, finding_id: str) -> QPushButton:
        reject, reasons = QPushButton(theme.icon("mdi6.close", theme.CAUTION), "Reject"), QMenu(self)
        for reason in REASONS.values():
            line = reasons.addAction(reason.capitalize())
            line.triggered.connect(lambda _checked=False, why=reason: self._leaving.reject(finding_id, why))
        reject.setMenu(reasons)
        return reject

    def _show_image(self, finding_id: str) -> None:
        self.close()
        self._leaving.show_finding(finding_id)

    def _leave(self, finding_id: str) -> None:
        self._leaving.left.add(finding_id)
        self.refresh()

    def _build(self) -> None:
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(self.rows)
        self.later.setObjectName("primary")
        self.later.setDefault(True)
        self.later.clicked.connect(self.leave_all)
        self.stay.clicked.connect(self.close)
        self.again.clicked.connect(self._try_again)
        last = QHBoxLayout()
        last.addWidget(self.again)
        last.addStretch(1)
        last.addWidget(self.stay)
        last.addWidget(self.later)
        column = QVBoxLayout(self)
        column.addWidget(self.why)
        column.addWidget(self.heading)
        column.addWidget(self.problem)
        column.addWidget(scroll, 1)
        column.addWidget(PlainLabel("Left for later, they stay in the journal without a verdict.", "muted"))
        column.addLayout(last)
