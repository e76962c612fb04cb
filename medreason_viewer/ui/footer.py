"""The bottom line: research use only, what is being opened or loaded, and what lies under the pointer."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QProgressBar, QPushButton, QStatusBar

from .explanation import wording
from .plain import PlainLabel
from .session import Session

_TOLD_MS: Final = 6000


class Footer(QStatusBar):
    """Never hides its first words.

    Signals
    -------
    cancel_requested
        The reader no longer wants the path that is being scanned.
    """

    cancel_requested = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self.setContentsMargins(0, 0, 10, 0)
        self._scanning = False
        self.research = PlainLabel("Research use only – not for diagnosis", "research")
        self.activity = PlainLabel(role="muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(140)
        self.bar.setAccessibleName("Progress of opening")
        self.cancel = QPushButton("Cancel")
        self.cancel.setObjectName("link")
        self.cancel.clicked.connect(self.cancel_requested)
        self.addWidget(self.research)
        for widget in (self.activity, self.bar, self.cancel):
            self.addPermanentWidget(widget)
        self._told = QTimer(self)
        self._told.setSingleShot(True)
        self._told.setInterval(_TOLD_MS)
        self._told.timeout.connect(self._forget)
        self._show(0, 0, "")
        session.volume_progress.connect(self._show_loading)
        session.series_changed.connect(lambda: self._show_loading(0, 0))

    def show_scan(self, name: str) -> None:
        """A path is being scanned."""
        self._scanning = True
        self._show(0, 0, f"Looking through {name} …")

    def show_scanned(self, done: int, total: int) -> None:
        """So many files have been looked at."""
        if self._scanning:
            self._show(done, total, f"Looked at {done} of {total} files")

    def end_scan(self) -> None:
        """The scan is over."""
        self._scanning = False
        self._show(0, 0, "")

    def tell(self, text: str) -> None:
        """Something was done; said for a few seconds, unless something is being opened."""
        if not self.bar.isVisible():
            self.activity.setText(wording.shortened(text, 80))
            self._told.start()

    def _forget(self) -> None:
        if not self.bar.isVisible():
            self.activity.setText("")

    def _show_loading(self, loaded: int, total: int) -> None:
        if not self._scanning:
            self._show(loaded, total, f"Loaded {loaded} of {total} slices" if loaded < total else "")

    def _show(self, done: int, total: int, text: str) -> None:
        self.activity.setText(text)
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.bar.setVisible(bool(text))
        self.cancel.setVisible(self._scanning)
