"""Below the answer: a line to ask further about the region, and what was asked, the newest first."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from ...reasoning.follow_up import LONGEST_QUESTION
from .. import theme
from ..plain import PlainLabel
from .answer import Answer
from .further_card import FurtherCard

_ASK: Final = "Ask about this region …"


class FurtherPanel(QWidget):
    """Shown with an answer that is not folded; why nothing can be asked now stands under the line.

    Signals
    -------
    asked : str
        The reader pressed Return on a question.
    stop_requested
        The reader stopped the question under way.
    step_chosen : int
        The reader chose a step of an answer, by its place (see :meth:`.Answer.step`).
    appeared : FurtherCard
        What the reader just asked stands below the line.
    """

    asked = Signal(str)
    stop_requested = Signal()
    step_chosen = Signal(int)
    appeared = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._request_id = ""
        self._running = self._just_asked = False
        self.cards: dict[str, FurtherCard] = {}
        self._stops: list[QWidget] = []
        self.line, self.ask_button, self.stop_button = QLineEdit(), QPushButton("Ask"), QPushButton("Stop")
        self.line.setPlaceholderText(_ASK)
        self.line.setAccessibleName("Ask about this region")
        self.line.setMaxLength(LONGEST_QUESTION)
        self.stop_button.setIcon(theme.icon("mdi6.stop"))
        self.stop_button.setToolTip("Stop this question")
        self.why_not = PlainLabel(role="small", wrap=True)
        self.line.returnPressed.connect(self._ask)
        self.line.textChanged.connect(self._show_buttons)
        self.ask_button.clicked.connect(self._ask)
        self.stop_button.clicked.connect(self.stop_requested)
        self._build()
        self.show_answer(None)

    def show_answer(
        self,
        answer: Answer | None,
        *,
        folded: bool = False,
        why_not: str = "",
        selected_step: int | None = None,
    ) -> None:
        """Show the questions about an answer; ``why_not`` says why none can be asked now, or is empty."""
        shown = answer is not None and answer.explanation is not None and not folded
        self.setVisible(shown)
        if answer is None or not shown:
            self._show_cards(None)
            return
        if answer.request.id != self._request_id:
            self._request_id = answer.request.id
            self._just_asked = False
            self.line.clear()
        self._running = any(each.running for each in answer.further)
        self.line.setEnabled(not why_not)
        self.line.setAccessibleDescription(why_not)
        self.why_not.setText(why_not)
        self.why_not.setVisible(bool(why_not))
        self._show_buttons()
        self._show_cards(answer)
        self.choose(selected_step)

    def offer_line(self, offered: bool) -> None:
        """Show the line to ask, which a model that answers one question only would never enable."""
        self._row.setVisible(offered)

    def choose(self, index: int | None) -> None:
        """Mark the step whose region is on the slice."""
        for card in self.cards.values():
            card.steps.choose(index)

    def _show_buttons(self) -> None:
        self.stop_button.setVisible(self._running)
        self.ask_button.setVisible(not self._running)
        self.ask_button.setEnabled(self.line.isEnabled() and bool(self.line.text().strip()))

    def _show_cards(self, answer: Answer | None) -> None:
        wanted = {each.id: each for each in answer.further} if answer else {}
        for name in self.cards.keys() - wanted.keys():
            card = self.cards.pop(name)
            card.hide()
            card.deleteLater()
        place = len(answer.steps) if answer else 0
        for name, further in wanted.items():
            card = self.cards.get(name) or self._add_card(name)
            card.show_further(further, first_step=place, known=answer.warnings if answer else ())
            place += len(further.steps)
        self._order_tabs()

    def _order_tabs(self) -> None:
        """Tab goes down as the eye does: newer questions first, though they were made last."""
        cards = reversed(self.cards.values())
        stops: list[QWidget] = [stop for card in cards for stop in (*card.steps.rows, card.raw)]
        if stops != self._stops:
            self._stops = stops
            for before, after in pairwise([self.stop_button, *stops]):
                QWidget.setTabOrder(before, after)

    def _add_card(self, name: str) -> FurtherCard:
        card = self.cards[name] = FurtherCard()
        card.steps.chosen.connect(self.step_chosen)
        self._thread.insertWidget(0, card)
        if self._just_asked:
            self._just_asked = False
            self.appeared.emit(card)
        return card

    def _ask(self) -> None:
        text = self.line.text().strip()
        if text and not self._running:
            self.line.clear()
            self._just_asked = True
            self.asked.emit(text)

    def _build(self) -> None:
        self._row = QWidget()
        row = QHBoxLayout(self._row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.line, 1)
        row.addWidget(self.ask_button)
        row.addWidget(self.stop_button)
        self._thread = QVBoxLayout()
        self._thread.setSpacing(6)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._row)
        column.addWidget(self.why_not)
        column.addLayout(self._thread)
