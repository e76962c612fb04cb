"""*Findings to judge* in the menu: from the list of all studies to one finding on the screen."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction

from ...volume.series import Scan
from .. import theme
from ..main_window import MainWindow
from .leaving import Leaving
from .link import JournalLink
from .to_judge import ToJudge
from .to_judge_dialog import ToJudgeDialog

_NOWHERE = "It is not known where the images of this finding lie: open them, and it is shown with them."


class FindingsEverywhere(QObject):
    """Goes to a finding that the reader chose, once its study is open and it is recognised.

    Signals
    -------
    study_wanted : ToJudge
        Its study, which has UIDs, is to be found and opened.
    """

    study_wanted = Signal(object)

    def __init__(self, window: MainWindow, link: JournalLink, leaving: Leaving) -> None:
        super().__init__(window)
        self._window, self._link, self._leaving = window, link, leaving
        self._wanted: ToJudge | None = None
        self.dialog: ToJudgeDialog | None = None
        sign = theme.icon("mdi6.format-list-checks", theme.ACCENT)
        self.action = QAction(sign, "&Findings to judge …", self)
        self.action.triggered.connect(self.open)
        leaving.book.changed.connect(self._look)
        window.parts.session.scan_changed.connect(self._changed)

    def open(self) -> ToJudgeDialog:
        """Show the list."""
        read_first = self._window.parts.session.read_first
        self.dialog = ToJudgeDialog(self._link, read_first=read_first, parent=self._window)
        self.dialog.wanted.connect(self.go_to)
        self.dialog.open()
        return self.dialog

    def go_to(self, wanted: ToJudge) -> None:
        """Show a finding: at once if its study is open, else once it is."""
        finding_id = wanted.finding.id
        if self._leaving.book.get(finding_id) is not None:
            self._leaving.show_finding(finding_id)
            return
        self._wanted = wanted
        if wanted.finding.explanation.key.series_uid:
            self.study_wanted.emit(wanted)
        elif wanted.opened is not None:
            self._window.open_path(Path(wanted.opened.path))
        else:
            self._window.banners.say(_NOWHERE, "caution")

    def _look(self) -> None:
        wanted = self._wanted
        if wanted is not None and self._leaving.book.get(wanted.finding.id) is not None:
            self._wanted = None
            self._leaving.show_finding(wanted.finding.id)

    def _changed(self) -> None:
        """Something else was opened: nobody waits for that finding any more."""
        scan = self._window.parts.session.scan
        if self._wanted is not None and scan is not None and not _holds(scan, self._wanted):
            self._wanted = None


def _holds(scan: Scan, wanted: ToJudge) -> bool:
    key, opened = wanted.finding.explanation.key, wanted.opened
    if key.series_uid:
        return any(series.identity.series_uid == key.series_uid for series in scan.series)
    return opened is not None and str(scan.path.absolute()) == opened.path
