"""Under whose name verdicts are given: the login's, or one that is asked for where people share a login."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QInputDialog

from ..plain import asking, readable
from ..session import Session

_LONGEST = 64  # characters: what a DICOM person name may hold


def login_name() -> str:
    """The full name of who is logged in, else the name of the login, else ``"reader"``."""
    if os.name == "posix":
        import pwd

        try:
            full = pwd.getpwuid(os.getuid()).pw_gecos.partition(",")[0].strip()
        except KeyError:
            full = ""
        if full:
            return full
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "reader"


class Reader(QObject):
    """Who reads.

    Parameters
    ----------
    name : str
        From the settings; empty for the login's.
    shared : bool
        Whether people share the login: then the name is asked for before the first verdict on each study.

    Signals
    -------
    changed
        Verdicts from now on are given under another name.
    """

    changed = Signal()

    def __init__(self, session: Session, name: str, *, shared: bool) -> None:
        super().__init__(session)
        self.name = _clean(name) or login_name()
        self.shared, self._known = shared, not shared
        session.study_opened.connect(self._ask_again)

    def named(self, then: Callable[[str], object], otherwise: Callable[[], object] = lambda: None) -> None:
        """Call ``then`` with the name; first ask for it, where the login is shared and nobody said yet.

        ``otherwise`` is called where they do not say.
        """
        if self._known:
            then(self.name)
        else:
            self.ask(then).rejected.connect(otherwise)

    def ask(self, then: Callable[[str], object] = lambda _name: None) -> QInputDialog:
        """Ask who is reading, the last name to begin with; does not block."""
        words = "Verdicts on this study are kept under this name:"
        dialog = asking(QApplication.activeWindow(), "Who is reading?", words)
        dialog.setTextValue(readable(self.name))
        dialog.textValueSelected.connect(lambda name: self._said(name, then))
        dialog.open()
        return dialog

    def _said(self, name: str, then: Callable[[str], object]) -> None:
        cleaned = _clean(name)
        if not cleaned:
            return
        self._known = True
        if cleaned != self.name:
            self.name = cleaned
            self.changed.emit()
        then(cleaned)

    def _ask_again(self) -> None:
        self._known = not self.shared


def _clean(name: str) -> str:
    return " ".join(readable(name).split())[:_LONGEST]
