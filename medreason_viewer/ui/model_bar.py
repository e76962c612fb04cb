"""Which model answers, under which licence, from what it learned, and for what: always in sight."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QVBoxLayout

from ..reasoning.request import ModelInfo, ModelState
from .plain import ElidedLabel, PlainLabel, tooltip
from .session import Session


class ModelBar(QFrame):
    """Reads the session's model state."""

    def __init__(self, session: Session, known: ModelInfo | None = None) -> None:
        super().__init__()
        self.setObjectName("card")
        self._session = session
        self._known = known
        self._before: ModelState | None = None  # what the model before this one said last
        self.name = ElidedLabel(role="strong")
        self.runs = ElidedLabel(role="small")
        self.remote = PlainLabel("remote", "remote")
        self.remote.setToolTip("Pixels of what is explained leave this machine.")
        self.origin = PlainLabel(role="small", wrap=True)
        self.state = PlainLabel(role="small", wrap=True)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Loading the model")
        column = QVBoxLayout(self)
        column.setContentsMargins(11, 7, 11, 8)
        column.setSpacing(2)
        column.addWidget(self.name)
        second = QHBoxLayout()
        second.addWidget(self.runs, 1)
        second.setSpacing(10)
        second.addWidget(self.remote)
        second.addWidget(PlainLabel("research use only", "badge"))
        column.addLayout(second)
        for widget in (self.origin, self.state, self.progress):
            column.addWidget(widget)
        session.model_state_changed.connect(self.show_state)
        self.show_state()

    def show_known(self, model: ModelInfo) -> None:
        """Another model was chosen; this is what its manifest says."""
        self._known, self._before = model, self._session.model_state
        self.show_state()

    def show_state(self) -> None:
        """Show what the model's process says of itself."""
        state = self._session.model_state
        if state is self._before:
            state = None
        if state is not None and state.model is not None:
            self._known = state.model
        self.name.setText(self._known.name if self._known else "No model")
        self.runs.setText(_how_it_runs(self._known))
        self.remote.setVisible(self._known is not None and self._known.remote)
        self.origin.setText(_origin(self._known))
        self.origin.setToolTip(tooltip(self._known.intended_use) if self._known else "")
        self.state.setText("" if state is None or state.state == "ready" else state.text)
        self.state.setVisible(bool(self.state.text()))
        self._show_progress(state)

    def _show_progress(self, state: ModelState | None) -> None:
        loading = state is not None and state.state in ("starting", "loading", "reloading")
        self.progress.setVisible(loading)
        if state is not None and state.progress is not None:
            self.progress.setRange(0, 100)
            self.progress.setValue(round(100 * state.progress))
        else:
            self.progress.setRange(0, 0)


def _how_it_runs(model: ModelInfo | None) -> str:
    """Device, once it is loaded, and quantisation; where a server answers, which."""
    if model is None:
        return ""
    device = model.device if model.remote else model.device.upper()
    return " · ".join(part for part in (device, model.quantization) if part)


def _origin(model: ModelInfo | None) -> str:
    if model is None:
        return "Regions cannot be explained; everything else works."
    return f"Licence {model.licence or 'not stated'} · trained on {model.trained_on or 'not stated'}"
