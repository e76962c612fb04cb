"""The explain side: how far it is, the answer with its evidence, and the model behind it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ...volume.slices import native_plane
from .. import theme
from ..keys.bindings import InputBindings
from ..model_bar import ModelBar
from ..plain import PlainLabel, tooltip
from ..session import Session
from . import wording
from .answer import Answer
from .asker import Asker
from .explain import Explainer
from .explain_pages import AnswerPage, GuidePage
from .scrolled_page import ScrolledPage

_FRAME_MS: Final = 33  # tokens may come 200 a second; the panel follows 30 times a second
_ELSEWHERE: Final = "Another series is still being explained."


class ExplainPanel(QFrame):
    """Shows the explainer's answer for the series in view.

    Signals
    -------
    explain_requested, stop_requested
        The reader pressed *Explain region*, or *Stop*.
    """

    explain_requested = Signal()
    stop_requested = Signal()

    def __init__(
        self, session: Session, explainer: Explainer, model_bar: ModelBar, bindings: InputBindings
    ) -> None:
        super().__init__()
        self.setObjectName("side")
        self._session, self._explainer, self._bindings = session, explainer, bindings
        self._asker = Asker(session, explainer)
        self._soon, self._ticks = _timer(self, _FRAME_MS, once=True), _timer(self, 500)
        self.state, self.elapsed = PlainLabel(role="muted", wrap=True), PlainLabel(role="muted")
        self.flags = PlainLabel(role="caution", wrap=True)
        self.explain_button, self.stop_button, self.there_button = _buttons()
        self.read_first = QCheckBox("Your read first")
        self.read_first.setToolTip("The model's answer stays folded until you have committed your own read")
        self.read_first.setChecked(session.read_first)
        self.guide, self.page = GuidePage(bindings), AnswerPage()
        self._pages, self._answer_page = QStackedWidget(), ScrolledPage(self.page)
        self._build(model_bar)
        self._connect()
        self.show_keys()
        self.refresh()

    def refresh(self) -> None:
        """Show the answer of the pixels in view, or the newest of this series."""
        self._soon.stop()
        answer, here = self._explainer.shown_answer()
        self._show_state(answer)
        self._show_buttons(answer, here)
        self._show_flags(answer)
        folded = answer is not None and self._session.folds(answer)
        step = self._session.selected_step
        why_not = self._asker.why_not(answer, here=here) if answer else ""
        self.page.further.offer_line(not self._asker.answers_once)
        series = self._session.series
        self.page.show_answer(answer, series, folded=folded, selected_step=step, why_not=why_not)
        self._pages.setCurrentWidget(self.guide if answer is None else self._answer_page)

    def put_below(self, widget: QWidget) -> None:
        """Put something between the answer and the model's name."""
        column = self.layout()
        assert isinstance(column, QVBoxLayout)
        column.insertWidget(column.count() - 1, widget)

    def _refresh_soon(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _show_state(self, answer: Answer | None) -> None:
        text = _ELSEWHERE if self._explainer.runs_elsewhere() else ""
        if answer is not None and self._session.series is not None:
            progress = wording.progress(answer, self._session.model_state)
            text = f"{progress}  {wording.place(answer, self._session.series).capitalize()}"
        self.state.setObjectName("fault" if answer is not None and answer.status == "failed" else "muted")
        self.state.style().polish(self.state)
        if text != self.state.text():
            self.state.setText(text)
            announcement = QAccessibleAnnouncementEvent(self.state, text)  # a screen reader says it
            QAccessible.updateAccessibility(announcement)
        self._show_elapsed()

    def show_keys(self) -> None:
        """Name the keys of the profile in use."""
        for button, words, action in (
            (self.explain_button, "Explain the box drawn on this slice", "explain"),
            (self.stop_button, "Stop the model", "menu:stop"),
        ):
            keys = self._bindings.keys_for(action)
            button.setToolTip(f"{words} ({keys[0]})" if keys else words)

    def _show_buttons(self, answer: Answer | None, here: bool) -> None:
        running = answer is not None and answer.running
        self.stop_button.setVisible(running or self._explainer.runs_elsewhere())
        self.explain_button.setVisible(not running)
        self.explain_button.setEnabled(self._explainer.has_model)
        self.there_button.setVisible(answer is not None and not here)
        self._ticks.start() if running else self._ticks.stop()

    def _show_elapsed(self) -> None:
        """The seconds that a running answer has taken."""
        answer, _ = self._explainer.shown_answer()
        seconds = (
            self._explainer.elapsed_s(answer.request.id) if answer is not None and answer.running else None
        )
        self.elapsed.setText("" if seconds is None else f"{seconds:.0f} s")

    def _show_flags(self, answer: Answer | None) -> None:
        warnings = answer.warnings if answer else ()
        self.flags.setText("\n".join(f"⚠ {wording.shortened(warning)}" for warning in warnings))
        self.flags.setToolTip(tooltip("\n".join(warnings)))
        self.flags.setVisible(bool(warnings))

    def _go_there(self) -> None:
        answer, _ = self._explainer.shown_answer()
        if answer is not None and self._session.series is not None:
            self._session.set_plane(native_plane(self._session.series))
            self._session.go_to_slice(answer.request.slice_index)

    def _commit_own_read(self, text: str) -> None:
        answer, _ = self._explainer.shown_answer()
        if answer is not None:
            self._session.commit_own_read(answer.request.id, text)

    def _choose_step(self, index: int) -> None:
        """A step's region is shown where it lies: on the slice that was asked about."""
        self._go_there()
        self._session.select_step(index)

    def _reveal(self, card: QWidget) -> None:
        """What was just asked comes into sight, but not at the cost of the line below which it stands."""
        self._answer_page.reveal(card, self.page.further.line)

    def _connect(self) -> None:
        session, reasoning, further = self._session, self.page.reasoning, self.page.further
        self._soon.timeout.connect(self.refresh)
        self._ticks.timeout.connect(self._show_elapsed)
        session.series_changed.connect(self.refresh)  # at once: nothing of another series may linger
        session.explanation_changed.connect(self._refresh_soon)
        session.model_state_changed.connect(self._refresh_soon)
        session.step_selected.connect(lambda index: self.page.choose(None if index < 0 else index))
        self.read_first.toggled.connect(session.set_read_first)
        self._bindings.changed.connect(self.show_keys)
        for said_by in (reasoning, further):
            said_by.step_chosen.connect(self._choose_step)
        further.asked.connect(self._asker.ask)
        further.appeared.connect(self._reveal)
        further.stop_requested.connect(self._asker.stop)
        reasoning.own_read_committed.connect(self._commit_own_read)
        self.explain_button.clicked.connect(self.explain_requested)
        self.stop_button.clicked.connect(self.stop_requested)
        self.there_button.clicked.connect(self._go_there)

    def _build(self, model_bar: ModelBar) -> None:
        self._pages.addWidget(self.guide)
        self._pages.addWidget(self._answer_page)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        column.addLayout(_row(PlainLabel("Explanation", "title"), self.read_first))
        column.addLayout(_row(self.state, self.elapsed, self.stop_button, self.explain_button))
        column.addWidget(self.there_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.flags)
        column.addWidget(self._pages, 1)
        column.addWidget(model_bar)


def _row(first: QWidget, *others: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addWidget(first, 1)
    for widget in others:
        row.addWidget(widget)
    return row


def _buttons() -> tuple[QPushButton, QPushButton, QPushButton]:
    """Explain, stop, and back to the slice of the answer."""
    explain, stop, there = (
        QPushButton("Explain region"),
        QPushButton("Stop"),
        QPushButton("Back to its image"),
    )
    explain.setObjectName("primary")
    stop.setIcon(theme.icon("mdi6.stop"))
    there.setObjectName("link")
    there.setIcon(theme.icon("mdi6.arrow-left", theme.ACCENT))
    there.setToolTip("Show the image that this explanation is about")
    return explain, stop, there


def _timer(parent: QWidget, interval_ms: int, *, once: bool = False) -> QTimer:
    timer = QTimer(parent)
    timer.setInterval(interval_ms)
    timer.setSingleShot(once)
    return timer
