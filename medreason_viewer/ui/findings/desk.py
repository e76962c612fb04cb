"""What keeps a window's findings: made for the window, wired to its parts, closed with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject
from shiboken6 import isValid

from ...errors import MedReasonError
from ...findings.journal import JournalWriter
from ...reasoning.bundles.bundle import read_manifest
from ...settings import Settings
from ..main_window import MainWindow
from .book import FindingBook
from .coming_back import ComingBack
from .erasing import Erasing
from .everywhere import FindingsEverywhere
from .finding_actions import FindingActions
from .finding_list import FindingList
from .leaving import Leaving
from .left_off import LeftOff
from .link import JournalLink
from .marks_back import kept_marks
from .marks_kept import MarkKeeping
from .menus import RecentMenu, VerdictMenu, menu_of
from .own_reads import OwnReads
from .pending_sign import PendingSign
from .reader import Reader
from .reopening import Reopening
from .restoring import kept_findings
from .steady import SteadyWriting
from .unfinished import UnfinishedDialog
from .verdict_bar import VerdictBar
from .verdicts import Verdicts

_KEPT: Final = "What is kept of it is shown when it is opened again."
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
        self.bar = VerdictBar(self.verdicts, parts.views.bindings)
        self.writing = SteadyWriting(self.link, self)
        self.left_off = LeftOff(session, self.link, self.writing)
        self.reopening = Reopening(window, self.link, named=not settings.shared_login)
        self.own_reads = OwnReads(session, self.reader, self.writing)
        self.sign = PendingSign(self.link, self.book, self.writing)
        self.list = FindingList(session, self.book)
        self.leaving = Leaving(session, self.book, self.reader, self.list, self.writing)
        self._to_judge = set[str]()
        self._asking: UnfinishedDialog | None = None
        window.may_leave = self.may_leave
        self.marks = MarkKeeping(session, self.writing)
        self.coming_back = [
            ComingBack(viewport, self.link, kept, self)
            for viewport in session.every_viewport
            for kept in (kept_findings(session, self.book), kept_marks(self.marks))
        ]
        self.recent = RecentMenu(self.link, window.open_path)
        self.menu = VerdictMenu(self.verdicts, parts.views.bindings)
        self.everywhere = FindingsEverywhere(window, self.link, self.leaving)
        self.erasing = Erasing(self.link, self.book, self.reader)
        self.actions = FindingActions(self.verdicts, self.leaving, self.list, self.erasing)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        """Give everything its place in the window."""
        parts = self.window.parts
        parts.explain.put_below(self.bar)
        parts.series.put_below(self.list)
        parts.footer.addPermanentWidget(self.sign)
        files, explain = (menu_of(self.window.menuBar(), title) for title in ("File", "Explain"))
        files.insertMenu(files.actions()[2], self.recent)  # after the two lines that open
        explain.addMenu(self.menu)
        explain.addAction(self.everywhere.action)

    def _connect(self) -> None:
        parts, window = self.window.parts, self.window
        self.erasing.message.connect(parts.footer.tell)
        self.left_off.told.connect(parts.footer.tell)
        self.reader.changed.connect(self._remember_reader)
        parts.session.study_opened.connect(self._tell_of_left)
        window.model_chosen.connect(self.offer_answers)
        self.book.changed.connect(self._count)
        parts.views.action_requested.connect(self.verdicts.do)
        for said in (self.verdicts.message, self.book.message, self.writing.message, self.link.refused):
            said.connect(lambda text: window.banners.say(text, "caution"))

    def may_leave(self, then: Callable[[], object], *, closing: bool = False, why: str = "") -> bool:
        """As :class:`.MayLeave`, by what is still to do in the study that is open."""
        asking = self._asking
        if asking is not None and isValid(asking) and asking.isVisible():
            if why:
                asking.go_on_with(then, why)
                return False
            asking.dismiss()
            return True
        if not self.leaving.to_do and not (closing and self.leaving.unsaved):
            return True
        self._asking = UnfinishedDialog(self.leaving, then, closing=closing, parent=self.window, why=why)
        self._asking.open()
        return False

    def offer_answers(self, model: Path) -> None:
        """Offer, for corrections, the answers that a model folder's manifest names."""
        try:
            self.bar.form.set_answers(read_manifest(model).answer_classes)
        except MedReasonError:
            self.bar.form.set_answers(())

    def _remember_reader(self) -> None:
        """The name stays set where nobody else reads under this login."""
        if not self.reader.shared:
            self.window.settings = replace(self.window.settings, reader_name=self.reader.name)

    def _count(self) -> None:
        self._to_judge = {known.kept.id for known in self.leaving.to_do}

    def _tell_of_left(self) -> None:
        """Another program changed the study, so that nobody could be asked."""
        count = len(self._to_judge - self.leaving.left)
        self._to_judge = set()
        if count:
            words = "1 finding" if count == 1 else f"{count} findings"
            self.window.banners.say(
                f"{words} of the study before stayed without a verdict. {_KEPT}", "caution"
            )

    def close(self) -> bool:
        """Write what is pending; returns whether that was done in time."""
        for each in self.coming_back:
            each.close()
        self.marks.close()
        self.left_off.write()
        self.writing.hand_over()
        self.book.hand_over()
        return self.link.close(_LAST_WORDS_S)
