"""The retrievals under the worklist: how far each is, with what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from ..plain import ElidedLabel, PlainLabel
from .arrival_bar import count
from .retrieval import Retrieval
from .rows import name_of, plain

_MOST: Final = 4


class RetrievalRow(QWidget):
    """One of them."""

    def __init__(self, number: int, do: Callable[[str, int], None]) -> None:
        super().__init__()
        self.title, self.state = ElidedLabel(), PlainLabel(role="muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(140)
        self.bar.setAccessibleName("Progress of retrieving")
        self.buttons = {name: QPushButton(words) for name, words in _BUTTONS.items()}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.title, 2)
        row.addWidget(self.state)
        row.addWidget(self.bar)
        for name, button in self.buttons.items():
            button.setObjectName("link")
            button.clicked.connect(partial(do, name, number))
            row.addWidget(button)

    def show_state(self, retrieval: Retrieval) -> None:
        """Say how far it is."""
        of = plain(retrieval.series.description or "series") if retrieval.series else ""
        parts = (plain(name_of(retrieval.study)), plain(retrieval.study.description), of)
        self.title.setText(" · ".join(part for part in parts if part))
        self.state.setText(_words(retrieval))
        self.bar.setVisible(retrieval.state == "running")
        self.bar.setRange(0, retrieval.total)
        self.bar.setValue(retrieval.done)
        self.buttons["open"].setVisible(retrieval.folder is not None)
        self.buttons["cancel"].setVisible(not retrieval.over)
        self.buttons["retry"].setVisible(retrieval.state in ("stopped", "failed"))


_BUTTONS: Final = {"open": "Open", "cancel": "Cancel", "retry": "Try again"}


class RetrievalList(QWidget):
    """The last few; those that are not over come first.

    Signals
    -------
    asked(str, int)
        ``open``, ``cancel`` or ``retry``, and the number of a retrieval.
    """

    asked = Signal(str, int)

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[int, RetrievalRow] = {}
        self.problem, self.more = PlainLabel(role="caution", wrap=True), PlainLabel(role="muted")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._column.addWidget(self.problem)
        self._column.addWidget(self.more)
        self.show_all(())

    def show_all(self, retrievals: tuple[Retrieval, ...]) -> None:
        """Show these, oldest first."""
        shown = _to_show(retrievals)
        for number in set(self.rows) - {each.number for each in shown}:
            gone = self.rows.pop(number)
            gone.hide()
            gone.deleteLater()
        for retrieval in shown:
            if retrieval.number not in self.rows:
                self.rows[retrieval.number] = RetrievalRow(retrieval.number, self.asked.emit)
                self._column.insertWidget(len(self.rows) - 1, self.rows[retrieval.number])
            self.rows[retrieval.number].show_state(retrieval)
        failed = [each.reason for each in shown if each.state == "failed"]
        self.problem.setText(failed[-1] if failed else "")
        self.problem.setVisible(bool(failed))
        waiting = sum(not each.over for each in retrievals) - sum(not each.over for each in shown)
        self.more.setText(f"{waiting} more are waiting")
        self.more.setVisible(waiting > 0)


def _to_show(retrievals: tuple[Retrieval, ...]) -> list[Retrieval]:
    """Those under way before those that failed before those that are done; then the newest."""
    by_worth = sorted(retrievals, key=lambda each: (_WORTH[each.state], each.number), reverse=True)
    return sorted(by_worth[:_MOST], key=lambda each: each.number)


_WORTH: Final = {"running": 4, "waiting": 3, "failed": 2, "stopped": 1, "done": 0}


def _words(retrieval: Retrieval) -> str:
    counted = count(retrieval)
    if retrieval.state == "running":
        return counted or f"Asking {retrieval.server.name} …"
    if retrieval.state == "done":
        return f"{retrieval.done} images are here"
    words = {"waiting": "Waiting", "stopped": "Stopped", "failed": "Failed"}[retrieval.state]
    return f"{words} · {counted}" if counted else words
