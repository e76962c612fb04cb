"""What keeps a window's findings: made for the window, wired to its parts, closed with it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject

from ...findings.journal import JournalWriter
from ...settings import Settings
from ..main_window import MainWindow
from .book import FindingBook
from .finding_list import FindingList
from .link import JournalLink
from .pending_sign import PendingSign
from .reader import Reader
from .restoring import Restoring
from .verdict_bar import VerdictBar
from .verdicts import Verdicts

_LAST_WORDS_S: Final = 10.0  # how long closing waits for a disk


class FindingDesk(QObject):
    """The reader's verdicts, and the journal they go to.

    Parameters
    ----------
    journal : JournalWriter
        Closed by :meth:`close`.
    """

    def __init__(self, window: MainWindow, journal: JournalWriter, settings: Settings) -> None:
        super().__init__(window)
        session, parts = window.parts.session, window.parts
        self.window = window
        self.link = JournalLink(journal, self)
        self.book = FindingBook(session, self.link, self)
        self.reader = Reader(session, settings.reader_name, shared=settings.shared_login)
        self.verdicts = Verdicts(session, self.book, self.reader)
        self.bar = VerdictBar(self.verdicts, parts.view.bindings)
        self.sign = PendingSign(self.link, self.book)
        self.list = FindingList(session, self.book)
        self.restoring = Restoring(session, self.link, self.book)
        parts.explain.put_below(self.bar)
        parts.series.put_below(self.list)
        parts.footer.addPermanentWidget(self.sign)
        parts.view.action_requested.connect(self.verdicts.do)
        for said in (self.verdicts.message, self.book.message, self.link.refused):
            said.connect(lambda text: window.banners.say(text, "caution"))

    def close(self) -> bool:
        """Write what is pending; returns whether that was done in time."""
        self.restoring.close()
        return self.link.close(_LAST_WORDS_S)
