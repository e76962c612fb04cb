"""Where the export of a finding is wired to the window: its line in the menu, its words, and the journal."""

from __future__ import annotations

from PySide6.QtWidgets import QMenu

from ...findings.finding import Finding
from .. import theme
from ..main_window import MainWindow
from ..output.finding_export import FindingExport
from .desk import FindingDesk


def add_export(window: MainWindow, desk: FindingDesk) -> FindingExport:
    """Offer *Export the finding* in the menu of files; whoever calls it closes it."""

    def here() -> Finding | None:
        known = desk.verdicts.here
        return known.finding if known is not None else None

    def caution(text: str) -> None:
        window.banners.say(text, "caution")

    exporting = FindingExport(window.parts.session, here, window)
    exporting.told.connect(window.parts.footer.tell)
    exporting.failed.connect(caution)
    exporting.noted.connect(desk.writing.write)
    desk.actions.export = exporting.action
    files = window.menuBar().actions()[0].menu()
    action = exporting.action
    action.setIcon(theme.icon("mdi6.export-variant"))
    assert isinstance(files, QMenu)
    files.insertAction(files.actions()[-2], action)  # before the line above *Quit*
    return exporting
