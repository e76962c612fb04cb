"""What the journal and the verdict add to the window's menus."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QMenu, QMenuBar

from ...findings.journal import StudyOpened
from .. import theme
from ..explanation import wording
from ..keys.action_names import ACTIONS
from ..keys.bindings import InputBindings
from ..plain import literal
from .link import JournalLink
from .verdicts import Verdicts

_MOST: Final = 12
ICONS: Final = {
    "accept": ("mdi6.check", theme.GOOD),
    "correct": ("mdi6.pencil-outline", theme.ACCENT),
    "reject": ("mdi6.close", theme.CAUTION),
    "undo_verdict": ("mdi6.undo", theme.TEXT),
}


class RecentMenu(QMenu):
    """The studies opened last, which the journal alone knows; asked for each time the menu opens."""

    def __init__(self, link: JournalLink, open_path: Callable[[Path], object]) -> None:
        super().__init__("&Recent studies")
        self._link, self._open = link, open_path
        self.setIcon(theme.icon("mdi6.history"))
        self.aboutToShow.connect(self._ask)
        self._show([])

    def _ask(self) -> None:
        self._link.ask(lambda journal: journal.recent_studies(_MOST), self._show, self._refused)

    def _show(self, studies: list[StudyOpened]) -> None:
        self.clear()
        for study in studies:
            line = self.addAction(literal(study_words(study)))
            line.triggered.connect(partial(self._chosen, Path(study.path)))
        if not studies:
            self.addAction("None yet").setEnabled(False)

    def _refused(self, _text: str) -> None:
        self.clear()
        self.addAction("The journal cannot be read").setEnabled(False)

    def _chosen(self, path: Path, _checked: bool = False) -> None:
        self._open(path)


class VerdictMenu(QMenu):
    """Every verdict in words, with its key."""

    def __init__(self, verdicts: Verdicts, bindings: InputBindings) -> None:
        super().__init__("Your &verdict")
        self._verdicts, self._bindings = verdicts, bindings
        for action, words in ACTIONS["Verdict"].items():
            if action != "reject":  # each reason has a line of its own
                line = self.addAction(words)
                line.setData(action)
                line.triggered.connect(lambda _checked=False, action=action: verdicts.do(action))
                if action in ICONS:
                    line.setIcon(theme.icon(*ICONS[action]))
        self.aboutToShow.connect(self.refresh)

    def refresh(self) -> None:
        """Name the keys in use, and offer what can be done."""
        known = self._verdicts.here
        for line in self.actions():
            action = str(line.data())
            line.setText(line.text().partition("\t")[0] + self._bindings.sign(action))
            undoable = known is not None and known.undoable
            line.setEnabled(undoable if action == "undo_verdict" else known is not None)


def study_words(study: StudyOpened) -> str:
    """Patient, date and description."""
    found = study.identity
    parts = (wording.patient(found), wording.date(found.study_date), found.study_description)
    words = " · ".join(part for part in parts if part) or Path(study.path).name
    return wording.shortened(words, 70)


def menu_of(bar: QMenuBar, title: str) -> QMenu:
    """A menu of the bar by its title."""
    for heading in bar.actions():
        menu = heading.menu()
        if isinstance(menu, QMenu) and heading.text().replace("&", "") == title:
            return menu
    raise LookupError(title)
