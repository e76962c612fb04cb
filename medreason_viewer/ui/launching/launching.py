"""From a request of another program to the study on the screen, or to a sentence why not."""

from __future__ import annotations

import os
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication, QDialog

from ...errors import LaunchRefused
from ...volume.series import Identity, Scan, Series
from ...volume.slices import native_plane
from ..main_window import MainWindow
from .matching import Found, find, same_patient
from .patient_bar import TOLD, PatientBar
from .request import LaunchRequest
from .seeking import Fetch, Places, Seeking, no_archive, nowhere
from .target import LaunchTarget

_WANTED: Final = "Another study is to be opened, as was asked for."


class Launching(QObject):
    """Takes requests for a window.

    Parameters
    ----------
    places : Places
        Where studies were opened lately: the seam to the journal.
    fetch : Fetch
        The seam to the archive.

    Signals
    -------
    patient_changed
        Another patient than before is on the screen.
    turned
        The very series or image that was asked for is shown.
    """

    patient_changed = Signal()
    turned = Signal()

    def __init__(self, window: MainWindow, *, places: Places = nowhere, fetch: Fetch = no_archive) -> None:
        super().__init__(window)
        self._window, self._session = window, window.parts.session
        self._target: LaunchTarget | None = None
        self._told = TOLD
        self.bar: PatientBar | None = None
        self.seeking = Seeking(places, fetch, window.parts.opening.scan_path, self)
        self._connect()

    def receive(self, request: LaunchRequest) -> None:
        """Bring the window to the front, and open what is asked for."""
        self._come_forward(request.token)
        try:
            target = request.wanted()
        except LaunchRefused as refusal:
            self._refuse(str(refusal))
            return
        if target is not None:
            self.open(target)

    def open(self, target: LaunchTarget, told: str = TOLD) -> None:
        """Show a target: at once if it is open, else once it is found.

        ``told`` says why another patient is shown then.
        """
        self.seeking.cancel()
        self._target, self._told = target, told
        here = find(self._session.scan, target) if self._session.scan and target.named else None
        if here is not None:
            self.show(here)
        else:
            self._window.parts.opening.cancel()
            self.seeking.seek(target)

    def show(self, found: Found, told: str = TOLD) -> None:
        """Turn to what was found; nothing of another patient stays on the screen.

        ``told`` says why another patient is shown now.
        """
        if found.series is None:
            self._refuse(found.remark)
            return
        changed = self._is_another(found.series.identity)
        if changed:
            self._clear_away()
        if self._session.scan is not found.scan:
            self._window.banners.clear()
            self._session.open_scan(found.scan)
        self._turn_to(found.series, found.slice_index)
        if found.exact:
            self.turned.emit()
        if found.remark:
            self._refuse(found.remark)
        if changed:
            self._announce(found.series.identity, told)

    def _arrived(self, found: Found) -> None:
        """Show it once the reader has seen what is still to do in the study that is open."""
        show = partial(self.show, found, self._told)
        if found.series is None or self._window.may_leave(show, why=_WANTED):
            show()

    def close(self) -> None:
        """Stop looking, and wait until nothing works any more."""
        self.seeking.close()

    def _connect(self) -> None:
        opening, footer = self._window.parts.opening, self._window.parts.footer
        opening.started.connect(self.seeking.cancel)  # the reader opens something else meanwhile
        self.seeking.started.connect(footer.show_scan)
        self.seeking.progressed.connect(footer.show_scanned)
        self.seeking.ended.connect(footer.end_scan)
        footer.cancel_requested.connect(self.seeking.cancel)
        self.seeking.finished.connect(self._arrived)
        self._session.series_changed.connect(self._keep_true)
        self.seeking.failed.connect(self._refuse)

    def _refuse(self, sentence: str) -> None:
        self._window.banners.say(sentence, "caution")

    def _is_another(self, identity: Identity) -> bool:
        """Whether anything of another patient is open."""
        scan: Scan | None = self._session.scan
        return scan is not None and not all(same_patient(s.identity, identity) for s in scan.series)

    def _turn_to(self, series: Series, slice_index: int | None) -> None:
        session = self._session
        if session.series is not series:
            session.select_series(series)
        if slice_index is not None:
            session.set_plane(native_plane(series))
            session.go_to_slice(slice_index)

    def _clear_away(self) -> None:
        """Close what may show the patient before: dialogs, menus, sentences."""
        if (popup := QApplication.activePopupWidget()) is not None:
            popup.close()
        for dialog in self._window.findChildren(QDialog):
            dialog.close()
        self._window.parts.footer.tell("")

    def _announce(self, identity: Identity, told: str) -> None:
        self._take_bar_away()
        self.bar = PatientBar(identity, told)
        self.bar.acknowledge.clicked.connect(self._take_bar_away)
        self._window.banners.pin(self.bar)
        self.patient_changed.emit()

    def _keep_true(self) -> None:
        """The reader has turned to somebody else themselves: the bar would name the wrong patient."""
        series = self._session.series
        if self.bar is not None and series and not same_patient(series.identity, self.bar.identity):
            self._take_bar_away()

    def _take_bar_away(self) -> None:
        if self.bar is not None:
            self.bar.hide()
            self.bar.deleteLater()
            self.bar = None

    def _come_forward(self, token: str) -> None:
        window = self._window
        if token:
            os.environ["XDG_ACTIVATION_TOKEN"] = token  # Qt takes it from there, once
        window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
        window.show()
        window.raise_()
        window.activateWindow()
