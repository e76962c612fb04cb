"""The right-click menu of a finding in the list of findings."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtWidgets import QMenu

from .. import theme
from .finding_list import FindingList
from .leaving import Leaving
from .verdicts import REASONS, Verdicts


class FindingActions(QObject):
    """Offers what can be done with a finding, wherever its image is in the series."""

    def __init__(self, verdicts: Verdicts, leaving: Leaving, listed: FindingList) -> None:
        super().__init__(listed)
        self._verdicts, self._leaving, self._listed = verdicts, leaving, listed
        listed.menu_requested.connect(self._pop_up)

    def menu(self, finding_id: str) -> QMenu:
        """The menu of one finding; verdicts are as long closed as its answer is folded."""
        menu, known = QMenu(self._listed), self._verdicts.book.get(finding_id)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        go_to = menu.addAction("Go to its &image")
        go_to.triggered.connect(partial(self._listed.show_finding, finding_id))
        menu.setDefaultAction(go_to)
        menu.addSeparator()
        open_to_see = known is not None and not self._listed.folded(finding_id)
        accept = menu.addAction(theme.icon("mdi6.check", theme.GOOD), "&Accept")
        accept.triggered.connect(partial(self._leaving.accept, finding_id))
        accept.setEnabled(open_to_see and known is not None and known.kept.explanation.answer is not None)
        correct = menu.addAction(theme.icon("mdi6.pencil-outline", theme.ACCENT), "&Correct …")
        correct.triggered.connect(partial(self._correct, finding_id))
        correct.setEnabled(open_to_see)
        reject = menu.addMenu(theme.icon("mdi6.close", theme.CAUTION), "&Reject")
        reject.setEnabled(open_to_see)
        for reason in REASONS.values():
            line = reject.addAction(reason.capitalize())
            line.triggered.connect(lambda _checked=False, why=reason: self._leaving.reject(finding_id, why))
        undo = menu.addAction(theme.icon("mdi6.undo", theme.TEXT), "&Undo the verdict")
        undo.triggered.connect(partial(self._leaving.undo, finding_id))
        undo.setEnabled(known is not None and known.undoable)
        return menu

    def _pop_up(self, finding_id: str, at: QPoint) -> None:
        self.menu(finding_id).popup(at)

    def _correct(self, finding_id: str) -> None:
        """Its region is corrected on its image, so that is shown."""
        self._listed.show_finding(finding_id)
        self._verdicts.correct()
