"""Where the archives are wired to the window: its menu, its footer, and what works behind them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

from ...network.archive import SeriesFound, StudyFound
from ...network.inbox import Inbox
from ...network.open_archive import open_archive
from ...servers import Server
from ...settings import Settings
from .. import theme
from ..keys.menu_keys import MenuKeys
from ..launching.launching import Launching
from ..main_window import MainWindow
from .arrival import Arrival
from .errands import Errands
from .find_page import FindPage
from .retrieving import Retrieving
from .sources import Open, Sources
from .window import ArchiveWindow


@dataclass(frozen=True)
class ArchivePlaces:
    """What lies where; the folders are the user's own by default.

    Attributes
    ----------
    settings : Path
        The settings file, where the archives are set.
    inbox, outbox : Path or None
        What was retrieved, and what is to be sent.
    """

    settings: Path
    inbox: Path | None = None
    outbox: Path | None = None


class ArchiveDesk(QObject):
    """The archives of one window.

    Parameters
    ----------
    opener : callable
        From a server to its archive.
    """

    def __init__(
        self, window: MainWindow, launching: Launching, places: ArchivePlaces, opener: Open = open_archive
    ) -> None:
        super().__init__(window)
        self.errands = Errands(self)
        self.sources = Sources(places.settings, self.errands, opener, self)
        self.retrieving = Retrieving(self.sources, lambda: Inbox(places.inbox), parent=self)
        self.arrival = Arrival(window, launching, self.retrieving)
        self.find = FindPage(self.sources, self.retrieving)
        self.window = ArchiveWindow(self.find, {})
        self.find.open_asked.connect(self._open)
        self.find.open_retrieved.connect(self._open_retrieved)
        window.closing.connect(self.window.close)
        self._add_menu(window)

    def start(self, settings: Settings) -> None:
        """Use these archives."""
        self.sources.use(settings)

    def close(self) -> None:
        """Close the window of the archives, and wait until nothing works any more."""
        self.window.close()
        self.arrival.close()
        self.retrieving.close()
        self.find.close_threads()
        self.errands.close()
        self.window.deleteLater()

    def show_find(self) -> None:
        """The worklist, with the archives as they are set now."""
        self.sources.reload()
        self.window.show_page(self.find)
        self.find.form.name.setFocus()

    def _open(self, server: Server, study: StudyFound, series: SeriesFound | None) -> None:
        self.arrival.follow(self.retrieving.want(server, study, series, first=True))

    def _open_retrieved(self, number: int) -> None:
        retrieval = self.retrieving.get(number)
        if retrieval is not None:
            self.arrival.follow(retrieval)

    def _add_menu(self, window: MainWindow) -> None:
        bar = window.menuBar()
        menu = QMenu("&Archive", bar)
        find = QAction(theme.icon("mdi6.database-search-outline"), "&Find studies …", menu)
        find.setShortcut(QKeySequence("Ctrl+F"))
        find.triggered.connect(self.show_find)
        menu.addAction(find)
        bar.insertMenu(bar.actions()[1], menu)
        keys = bar.findChild(MenuKeys)
        assert isinstance(keys, MenuKeys)
        keys.learn(menu)
