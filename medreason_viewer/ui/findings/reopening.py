"""At the start, an offer to go on where the reader left off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from ...findings.journal import StudyOpened
from .. import theme
from ..main_window import MainWindow
from ..plain import ElidedLabel, PlainLabel
from .link import JournalLink
from .menus import study_words


class ReopenBar(QFrame):
    """Names the study that was open last; goes once anything is open.

    Signals
    -------
    reopened, dismissed
        The reader wants it, or does not.
    """

    reopened = Signal()
    dismissed = Signal()

    def __init__(self, words: str) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setProperty("kind", "notice")
        sign = PlainLabel()
        sign.setPixmap(theme.pixmap("mdi6.history", theme.ACCENT, 18))
        self.text = ElidedLabel(words)
        self.reopen, self.dismiss = QPushButton("&Reopen"), QPushButton("Not now")
        self.reopen.clicked.connect(self.reopened)
        self.dismiss.clicked.connect(self.dismissed)
        self.setAccessibleName(self.text.text())
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 8, 6)
        row.addWidget(sign, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.text, 1)
        row.addWidget(self.reopen)
        row.addWidget(self.dismiss)


class Reopening(QObject):
    """Asks the journal for the last study, and offers it; where people share a login, without a name."""

    def __init__(self, window: MainWindow, link: JournalLink, *, named: bool) -> None:
        super().__init__(window)
        self._window, self._link, self._named = window, link, named
        self.bar: ReopenBar | None = None
        window.parts.session.scan_changed.connect(self._withdraw)
        window.parts.opening.started.connect(self._withdraw)

    def offer(self) -> None:
        """Offer it once the journal has said which it was; not any more where something is open by then."""
        self._link.ask(lambda journal: journal.recent_studies(1), self._offer)

    def _offer(self, studies: list[StudyOpened]) -> None:
        parts = self._window.parts
        if not studies or parts.session.scan is not None or parts.opening.busy:
            return
        (last,) = studies
        words = f"The last study: {study_words(last)}" if self._named else "Go on with the last study?"
        self.bar = ReopenBar(words)
        self.bar.reopened.connect(_opener(self._window, Path(last.path)))
        self.bar.dismissed.connect(self._withdraw)
        self._window.banners.pin(self.bar)

    def _withdraw(self) -> None:
        if self.bar is not None:
            self.bar.hide()
            self.bar.deleteLater()
            self.bar = None


def _opener(window: MainWindow, path: Path) -> Callable[[], None]:
    return lambda: window.open_path(path)
