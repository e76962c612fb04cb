"""What keeps a window's findings: made for the window, wired to its parts, closed with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject
from shiboken6 import isValid

from ...findings.finding import Finding
from ...findings.journal import JournalWriter
from ...findings.journal.events import Event
from ...settings import Settings
from ..main_window import MainWindow
from .book import FindingBook
from .finding_list import FindingList
from .leaving import Leaving
from .link import JournalLink
from .marks_kept import MarkKeeping
from .pending_sign import PendingSign
from .reader import Reader
from .restoring import Restoring
from .unfinished import UnfinishedDialog
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
        self.leaving = Leaving(session, self.book, self.reader, self.list)
        self._asking: UnfinishedDialog | None = None
        window.may_leave = self.may_leave
        self.marks = MarkKeeping(session, self.link, self)
        parts.explain.put_below(self.bar)
        parts.series.put_below(self.list)
        parts.footer.addPermanentWidget(self.sign)
        parts.view.action_requested.connect(self.verdicts.do)
        for said in (self.verdicts.message, self.book.message, self.link.refused):
            said.connect(lambda text: window.banners.say(text, "caution"))

    def finding_here(self) -> Finding | None:
        """The finding of the image in view, as it will stand in the journal; None where there is none."""
        return None if (known := self.verdicts.here) is None else known.finding

    def note(self, event: Event) -> None:
        """Keep that something was exported, say; where it cannot be, the window says so."""
        self.link.write(event, lambda _receipt: None, self.window.parts.session.message.emit)

    def may_leave(self, then: Callable[[], object], *, closing: bool = False) -> bool:
        """Whether nothing is left to do in this study; else the reader is asked, and ``then`` called after.

        Who asks a second time while the question stands is not kept any longer.
        """
        asking = self._asking
        if asking is not None and isValid(asking) and asking.isVisible():
            asking.dismiss()
            return True
        if not self.leaving.to_do and not (closing and self.leaving.unsaved):
            return True
        self._asking = UnfinishedDialog(self.leaving, then, closing=closing, parent=self.window)
        self._asking.open()
        return False

    def close(self) -> bool:
        """Write what is pending; returns whether that was done in time."""
        self.restoring.close()
        self.marks.close()
        self.book.hand_over()
        return self.link.close(_LAST_WORDS_S)
