"""*Explain > Choose model folder*: the reader names a folder, sees what it needs, and uses it or does not."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from ...reasoning.engine.prospect import Prospect, prospect
from ..series.choosing import choose_folder
from ..session import Session
from ..viewport.latest import LatestWins
from .dialog import ModelDialog


class ModelChoosing(QObject):
    """Looks at the folder in a thread; of several chosen, the last counts.

    Signals
    -------
    chosen : Path
        The reader saw what the folder holds, and uses it.
    """

    chosen = Signal(object)

    def __init__(self, window: QWidget, session: Session) -> None:
        super().__init__(window)
        self._window, self._session = window, session
        self._looking = LatestWins("looking at a model folder", self)
        self.dialog: ModelDialog | None = None

    def ask(self) -> None:
        """Let the reader choose a folder."""
        choose_folder(self.dialog or self._window, "Choose a model folder", self.look_at)

    def look_at(self, folder: Path) -> None:
        """Show what is known of a folder, as soon as it is."""
        if self.dialog is None:
            self.dialog = self._opened(folder)
        self.dialog.show_reading(folder)
        self._looking.run(partial(prospect, folder), self._show, self._fail)

    def close(self) -> None:
        """Wait until nothing is looked at any more."""
        self._looking.close()

    def _opened(self, folder: Path) -> ModelDialog:
        dialog = ModelDialog(folder, self._window)
        dialog.used.connect(self.chosen)
        dialog.other_wanted.connect(self.ask)
        dialog.again_wanted.connect(self.look_at)
        dialog.finished.connect(self._closed)
        dialog.open()
        return dialog

    def _show(self, found: Prospect) -> None:
        if self.dialog is not None:
            self.dialog.show_prospect(found, holds_memory=self._holds_memory())

    def _fail(self, text: str) -> None:
        if self.dialog is not None:
            self.dialog.show_fault(text)

    def _closed(self) -> None:
        self._looking.cancel()
        if self.dialog is not None:
            self.dialog.deleteLater()
        self.dialog = None

    def _holds_memory(self) -> bool:
        """Whether a model is loaded on this workstation."""
        state = self._session.model_state
        return state is not None and state.state == "ready" and not (state.model and state.model.remote)
