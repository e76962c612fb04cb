"""The menu of the archives, beside the one of files."""

from __future__ import annotations

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from .. import theme
from ..keys.menu_keys import MenuKeys


class ArchiveMenu(QMenu):
    """Its lines; who makes it connects them."""

    def __init__(self, bar: QMenuBar) -> None:
        super().__init__("&Archive", bar)
        self.find_studies = self._add("&Find studies …", "mdi6.database-search-outline", "Ctrl+F")
        self.addSeparator()
        self.send_series = self._add("&Send the series …", "mdi6.tray-arrow-up")
        self.send_study = self._add("Send the s&tudy …")
        self.send_files = self._add("Send f&iles …")
        self.queue = self._add("&Queue")
        self.addSeparator()
        self.archives = self._add("&Archives and receiver …", "mdi6.server-network")
        bar.insertMenu(bar.actions()[1], self)
        keys = bar.findChild(MenuKeys)
        assert isinstance(keys, MenuKeys)
        keys.learn(self)

    def _add(self, words: str, icon: str = "", keys: str = "") -> QAction:
        action = self.addAction(words)
        if icon:
            action.setIcon(theme.icon(icon))
        if keys:
            action.setShortcut(QKeySequence(keys))
        return action
