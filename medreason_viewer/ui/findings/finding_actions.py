"""The right-click menu of a finding in the list of findings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from .. import theme
from .erasing import Erasing
from .finding_list import FindingList
from .leaving import Leaving
from .menus import ICONS
from .verdicts import REASONS, Verdicts


class FindingActions(QObject):
    """Offers what can be done with a finding, wherever its image is in the series.

    Attributes
    ----------
    export : QAction or None
        Exports the finding in view, where the window can.
    """

    def __init__(self, verdicts: Verdicts, leaving: Leaving, listed: FindingList, erasing: Erasing) -> None:
        super().__init__(listed)
        self._verdicts, self._leaving, self._listed = verdicts, leaving, listed
        self._erasing = erasing
        self.export: QAction | None = None
        listed.menu_requested.connect(self._pop_up)

    def menu(self, finding_id: str) -> QMenu:
        """The menu of one finding; verdicts are as long closed as its answer is folded."""
        menu, known, listed = QMenu(self._listed), self._verdicts.book.get(finding_id), self._listed
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        seen = known is not None and not listed.folded(finding_id)
        readable = seen and known is not None and known.kept.explanation.answer is not None
        menu.setDefaultAction(_line(menu, "Go to its &image", lambda: listed.show_finding(finding_id)))
        menu.addSeparator()
        accept = _line(menu, "&Accept", lambda: self._leaving.accept(finding_id), "accept")
        accept.setEnabled(readable)
        _line(menu, "&Correct …", lambda: self._correct(finding_id), "correct").setEnabled(seen)
        self._add_reasons(menu, finding_id, enabled=seen)
        undo = _line(menu, "&Undo the verdict", lambda: self._leaving.undo(finding_id), "undo_verdict")
        undo.setEnabled(known is not None and known.undoable)
        menu.addSeparator()
        if (export := self.export) is not None:
            _line(menu, export.text(), lambda: self._export(finding_id, export)).setEnabled(seen)
        _line(menu, "Erase from the &journal …", lambda: self._erasing.ask(finding_id, listed.window()))
        return menu

    def _add_reasons(self, menu: QMenu, finding_id: str, *, enabled: bool) -> None:
        reject = menu.addMenu(theme.icon(*ICONS["reject"]), "&Reject")
        reject.setEnabled(enabled)
        for reason in REASONS.values():
            _line(reject, reason.capitalize(), partial(self._leaving.reject, finding_id, reason))

    def _export(self, finding_id: str, export: QAction) -> None:
        """What is exported is the finding in view."""
        self._listed.show_finding(finding_id)
        export.trigger()

    def _pop_up(self, finding_id: str, at: QPoint) -> None:
        self.menu(finding_id).popup(at)

    def _correct(self, finding_id: str) -> None:
        """Its region is corrected on its image, so that is shown."""
        self._listed.show_finding(finding_id)
        self._verdicts.correct()


def _line(menu: QMenu, text: str, do: Callable[[], object], icon: str = "") -> QAction:
    line = menu.addAction(text)
    line.triggered.connect(lambda _checked=False: do())
    if icon:
        line.setIcon(theme.icon(*ICONS[icon]))
    return line
