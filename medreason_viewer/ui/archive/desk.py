"""Where the archives are wired to the window: its menu, its footer, and what works behind them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from ...network.archive import SeriesFound, StudyFound
from ...network.inbox import Inbox
from ...network.open_archive import open_archive
from ...servers import Server
from ...settings import Settings
from ..launching.launching import Launching
from ..main_window import MainWindow
from ..series.choosing import choose_files
from .archives_page import ArchivesPage
from .arrival import Arrival
from .copies_left import CopiesLeft
from .errands import Errands
from .find_page import FindPage
from .listening import Listening
from .menu import ArchiveMenu
from .offers import Offers
from .parcels import of_files, of_series, of_study
from .retrieving import Retrieving
from .send_dialog import Parcel, SendDialog
from .send_page import SendPage
from .sending import Sending
from .signs import ReceiverSign, SendSign
from .sources import Open, Sources
from .window import ArchiveWindow

_KEPT_S: Final = 30 * 24 * 3600.0  # since anybody last asked for a study
_NO_DICOM: Final = "There is nothing here that can be sent: only DICOM goes to an archive."
_NO_ARCHIVE: Final = "No archive is set yet: add one under Archive, Archives."


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
        self._viewer = window
        self._errands = Errands(self)
        self.sources = Sources(places.settings, self._errands, opener, self)
        self._inbox = partial(Inbox, places.inbox)
        self.listening = Listening(self._inbox, self)
        self.retrieving = Retrieving(self.sources, self._inbox, self.listening.stepping_aside, self)
        self.sending = Sending(self.sources, places.outbox, self)
        self.arrival = Arrival(window, launching, self.retrieving)
        self.offers = Offers(window, launching)
        self.find = FindPage(self.sources, self.retrieving)
        self.send_page = SendPage(self.sending)
        self.archives_page = ArchivesPage(self.sources, self.listening)
        pages: dict[str, QWidget] = {"Send": self.send_page, "Archives": self.archives_page}
        self.window = ArchiveWindow(self.find, pages)
        self.menu = ArchiveMenu(window.menuBar())
        self.copies_left = CopiesLeft(window, self.sending)
        self._connect(window)
        self._add_signs(window)

    def start(self, settings: Settings) -> None:
        """Use these archives, go on with what is to be sent, and forget what was retrieved long ago."""
        self.sources.use(settings)
        self.sending.start()
        self._errands.run(lambda: self._inbox().trim(_KEPT_S), lambda _gone: None, lambda _text: None)

    def close(self) -> None:
        """Close the window of the archives, and wait until nothing works any more."""
        self.window.close()
        self.offers.close()
        self.arrival.close()
        self.retrieving.close()
        self.find.close_threads()
        self.archives_page.close_threads()
        self.listening.close()
        self._errands.close()
        self.sending.close()
        self.window.deleteLater()

    def show_find(self) -> None:
        """The worklist, with the archives as they are set now."""
        self.sources.reload()
        self.window.show_page(self.find)
        self.find.form.name.setFocus()

    def offer(self, parcel: Parcel | None) -> None:
        """Ask to which archive it is to go; None where there is nothing that could be sent."""
        if parcel is None:
            self._viewer.banners.say(_NO_DICOM, "caution")
        elif not self.sources.servers:
            self._viewer.banners.say(_NO_ARCHIVE, "caution")
        else:
            dialog = SendDialog(parcel, self.sources.servers, self._viewer)
            dialog.accepted_for.connect(self._send)
            dialog.open()

    def _send(self, parcel: Parcel, server: Server, again: bool) -> None:
        self._viewer.parts.footer.tell(f"Putting {len(parcel.files)} files into the queue …")
        self.sending.send(server, parcel.files, parcel.title, again=again)

    def _open(self, server: Server, study: StudyFound, series: SeriesFound | None) -> None:
        if self._viewer.may_leave(partial(self._open, server, study, series)):
            self.arrival.follow(self.retrieving.want(server, study, series, first=True))

    def _open_retrieved(self, number: int) -> None:
        retrieval = self.retrieving.get(number)
        if retrieval is not None and self._viewer.may_leave(partial(self._open_retrieved, number)):
            self.arrival.follow(retrieval)

    def _send_series(self) -> None:
        series = self._viewer.parts.session.series
        self.offer(of_series(series) if series else None)

    def _send_study(self) -> None:
        session = self._viewer.parts.session
        self.offer(of_study(session.scan, session.series) if session.scan and session.series else None)

    def _choose_files(self) -> None:
        choose_files(self._viewer, "Send files to an archive", lambda files: self.offer(of_files(files)))

    def _connect(self, window: MainWindow) -> None:
        self.find.open_asked.connect(self._open)
        self.find.open_retrieved.connect(self._open_retrieved)
        self.send_page.files_asked.connect(self._choose_files)
        self.sources.changed.connect(self._use_receiver)
        self.listening.arrived.connect(self.offers.take)
        self.sending.told.connect(window.parts.footer.tell)
        self.sending.failed.connect(lambda text: window.banners.say(text, "caution"))
        window.closing.connect(self.window.close)
        self.menu.find_studies.triggered.connect(self.show_find)
        self.menu.send_series.triggered.connect(self._send_series)
        self.menu.send_study.triggered.connect(self._send_study)
        self.menu.send_files.triggered.connect(self._choose_files)
        self.menu.queue.triggered.connect(partial(self.window.show_page, self.send_page))
        self.menu.archives.triggered.connect(self._show_archives)

    def _show_archives(self) -> None:
        self.sources.reload()
        self.window.show_page(self.archives_page)

    def _use_receiver(self) -> None:
        if self.sources.receiver != self.listening.receiver:
            self.listening.use(self.sources.receiver)

    def _add_signs(self, window: MainWindow) -> None:
        footer = window.parts.footer
        self.send_sign, self.receiver_sign = SendSign(self.sending), ReceiverSign(self.listening)
        self.send_sign.clicked.connect(partial(self.window.show_page, self.send_page))
        self.receiver_sign.clicked.connect(self._show_archives)
        for sign in (self.send_sign, self.receiver_sign):
            footer.addPermanentWidget(sign)
            sign.refresh()  # the footer shows what is put into it
