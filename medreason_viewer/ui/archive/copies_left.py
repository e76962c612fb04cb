"""The window is closed while files are still being copied into the queue: say so, and wait for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from shiboken6 import isValid

from ..main_window import MainWindow
from ..may_leave import MayLeave
from ..plain import PlainLabel
from .sending import Sending

_SAID: Final = (
    "Files are still being copied into the queue of what is to be sent. The window closes once they are in "
    "it; what waits there is sent when the program is next open."
)
_LOST: Final = "Close now, and this lot is not sent at all: send it again another time."


class CopiesDialog(QDialog):
    """Goes by itself once the copies are made; then the window closes."""

    def __init__(self, sending: Sending, then: Callable[[], object], parent: QWidget) -> None:
        super().__init__(parent)
        self._sending, self._then = sending, then
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Still copying")
        self.setModal(True)
        self.text, self.warning = PlainLabel(_SAID, wrap=True), PlainLabel(_LOST, "caution", wrap=True)
        self.stay, self.now = QPushButton("&Keep the window open"), QPushButton("&Close now, send nothing")
        self.stay.setDefault(True)
        self.stay.clicked.connect(self.close)
        self.now.clicked.connect(self.give_up)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.now)
        row.addWidget(self.stay)
        column = QVBoxLayout(self)
        for label in (self.text, self.warning):
            column.addWidget(label)
        column.addLayout(row)
        self.setMinimumWidth(440)
        sending.copied.connect(self._look)

    def give_up(self) -> None:
        """Send nothing of what is not in the queue yet."""
        self._sending.give_up_copying()
        self._go_on()

    def _look(self) -> None:
        if not self._sending.copying and self.isVisible():
            self._go_on()

    def _go_on(self) -> None:
        self._sending.copied.disconnect(self._look)
        self.close()
        self._then()


class CopiesLeft(QObject):
    """Takes its place before whoever else is asked whether the window may close."""

    def __init__(self, window: MainWindow, sending: Sending) -> None:
        super().__init__(window)
        self._window, self._sending = window, sending
        self._others: MayLeave = window.may_leave
        self.dialog: CopiesDialog | None = None
        window.may_leave = self

    def __call__(self, then: Callable[[], object], *, closing: bool = False, why: str = "") -> bool:
        """As :class:`.MayLeave`; the others are asked first."""
        if not self._others(then, closing=closing, why=why):
            return False
        if not (closing and self._sending.copying):
            return True
        if self.dialog is None or not isValid(self.dialog) or not self.dialog.isVisible():
            self.dialog = CopiesDialog(self._sending, then, self._window)
            self.dialog.open()
        return False
