"""The explain side: how far it is, the zoom, what was measured, the reasoning, and the model behind it."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, Qt, QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ..volume.slices import native_plane
from . import theme, wording
from .answer import Answer
from .evidence_panel import EvidencePanel
from .explain import Explainer
from .model_bar import ModelBar
from .plain import PlainLabel
from .reasoning_panel import ReasoningPanel
from .session import Session
from .zoom_panel import ZoomPanel

_HINT = "Draw a box on the slice (B), or right-click a spot, and choose Explain region (E)."


class ExplainPanel(QFrame):
    """Shows the explainer's answer for the series in view.

    Signals
    -------
    explain_requested : str
        The reader pressed *Explain region*; the text is their own question, or empty.
    stop_requested
        The reader wants the model to stop.
    """

    explain_requested = Signal()
    stop_requested = Signal()

    def __init__(
        self, session: Session, explainer: Explainer, model_bar: ModelBar, *, read_first: bool
    ) -> None:
        super().__init__()
        self.setObjectName("side")
        self._session, self._explainer = session, explainer
        self._clock, self._ticks = QElapsedTimer(), QTimer(self)
        self._timed = ""
        self.state, self.elapsed = PlainLabel(role="muted", wrap=True), PlainLabel(role="muted")
        self.flags = PlainLabel(role="caution", wrap=True)
        self.explain_button, self.stop_button = _explain_button(), _stop_button()
        self.there_button = _there_button()
        self.read_first = QCheckBox("Your read first")
        self.read_first.setChecked(read_first)
        self.zoom, self.evidence, self.reasoning = ZoomPanel(), EvidencePanel(), ReasoningPanel()
        self._build(model_bar)
        self._connect()
        self.refresh()

    def refresh(self) -> None:
        """Show the answer of the pixels in view, or the newest of this series."""
        answer = self._explainer.shown_answer
        self._show_state(answer)
        self._show_flags(answer)
        self.zoom.show_answer(answer)
        self.evidence.show_answer(answer)
        folded = self.read_first.isChecked() and answer is not None and not answer.own_read
        self.reasoning.show_answer(answer, folded=folded, selected_step=self._session.selected_step)

    def _show_state(self, answer: Answer | None) -> None:
        elsewhere = self._explainer.runs_elsewhere
        running = answer is not None and answer.running
        self.stop_button.setVisible(running or elsewhere)
        self.there_button.setVisible(answer is not None and self._session.answer is None)
        if answer is not None:
            self.state.setText(wording.progress(answer, self._session.model_state))
            self.there_button.setText(f"About {wording.place(answer)} – go there")
        else:
            self.state.setText("An explanation of another series is still running." if elsewhere else _HINT)
        self._time(answer)

    def _time(self, answer: Answer | None) -> None:
        """Count the seconds of a running answer."""
        running = answer.request.id if answer is not None and answer.running else ""
        if running and running != self._timed:
            self._clock.start()
        self._timed = running
        self._ticks.start(500) if running else self._ticks.stop()
        self._show_elapsed()

    def _show_elapsed(self) -> None:
        self.elapsed.setText(f"{self._clock.elapsed() / 1000:.0f} s" if self._timed else "")

    def _show_flags(self, answer: Answer | None) -> None:
        warnings = answer.warnings if answer else ()
        self.flags.setText("\n".join(f"⚠ {warning}" for warning in warnings))
        self.flags.setVisible(bool(warnings))

    def _go_there(self) -> None:
        answer = self._explainer.shown_answer
        if answer is not None and self._session.series is not None:
            self._session.set_plane(native_plane(self._session.series))
            self._session.go_to_slice(answer.request.slice_index)

    def _commit_own_read(self, text: str) -> None:
        answer = self._explainer.shown_answer
        if answer is not None:
            self._session.commit_own_read(answer.request.id, text)

    def _connect(self) -> None:
        self._ticks.timeout.connect(self._show_elapsed)
        for signal in (self._session.explanation_changed, self._session.model_state_changed):
            signal.connect(self.refresh)
        self._session.step_selected.connect(lambda index: self.reasoning.choose(None if index < 0 else index))
        self.read_first.toggled.connect(self.refresh)
        self.reasoning.step_chosen.connect(self._session.select_step)
        self.reasoning.own_read_committed.connect(self._commit_own_read)
        self.explain_button.clicked.connect(self.explain_requested)
        self.stop_button.clicked.connect(self.stop_requested)
        self.there_button.clicked.connect(self._go_there)

    def _build(self, model_bar: ModelBar) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        column.addLayout(_row(PlainLabel("Explanation", "title"), None, self.read_first))
        column.addLayout(_row(self.state, self.elapsed, self.explain_button, self.stop_button))
        column.addWidget(self.there_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.flags)
        column.addWidget(self.zoom, 1)
        column.addWidget(PlainLabel("Measured on this workstation", "heading"))
        column.addWidget(self.evidence)
        column.addWidget(PlainLabel("The model's reasoning", "heading"))
        column.addWidget(self.reasoning, 4)
        column.addWidget(model_bar)


def _row(first: QWidget, *others: QWidget | None) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addWidget(first, 1)
    for widget in filter(None, others):
        row.addWidget(widget, 0, Qt.AlignmentFlag.AlignTop)
    return row


def _explain_button() -> QPushButton:
    button = QPushButton("Explain region")
    button.setObjectName("primary")
    button.setToolTip("Explain the box drawn on this slice (E)")
    return button


def _stop_button() -> QPushButton:
    button = QPushButton("Stop")
    button.setIcon(theme.icon("mdi6.stop"))
    button.setToolTip("Stop the model (Ctrl+.)")
    return button


def _there_button() -> QPushButton:
    button = QPushButton()
    button.setObjectName("link")
    button.setIcon(theme.icon("mdi6.arrow-left", theme.ACCENT))
    return button
