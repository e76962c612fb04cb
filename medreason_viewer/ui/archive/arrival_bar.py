"""The bar above the image that says that what is shown is not all there is."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from .. import theme
from ..plain import PlainLabel
from .retrieval import Retrieval

_INCOMPLETE: Final = "What is shown is not complete."


class ArrivalBar(QFrame):
    """How far a retrieval is of which some is shown; goes once all of it is here.

    Signals
    -------
    cancelled, retried
        The reader wants no more of it, or the rest after all.
    """

    cancelled = Signal()
    retried = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setProperty("kind", "caution")
        self.text = PlainLabel(wrap=True)
        self.stop = QPushButton("Stop")
        self.again = QPushButton("Get the rest")
        self.stop.clicked.connect(self.cancelled)
        self.again.clicked.connect(self.retried)
        sign = PlainLabel()
        sign.setPixmap(theme.pixmap("mdi6.tray-arrow-down", theme.CAUTION, 18))
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 8, 6)
        row.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.text, 1)
        row.addWidget(self.stop)
        row.addWidget(self.again)

    def show_state(self, retrieval: Retrieval) -> None:
        """Say how far it is."""
        self.text.setText(_sentence(retrieval))
        self.setAccessibleName(self.text.text())
        self.stop.setVisible(not retrieval.over)
        self.again.setVisible(retrieval.over)


def count(retrieval: Retrieval) -> str:
    """How many images are here, as far as it is known."""
    return f"{retrieval.done} of {retrieval.total} images" if retrieval.total else ""


def _sentence(retrieval: Retrieval) -> str:
    counted, name = count(retrieval), retrieval.server.name
    if retrieval.state == "failed":
        return f"{retrieval.reason} {_here(counted)}{_INCOMPLETE}"
    if retrieval.state == "stopped":
        return f"Stopped. {_here(counted)}{_INCOMPLETE}"
    if not counted:
        return f"Shown is what was retrieved earlier; {name} is being asked whether there is more."
    return f"Arriving from {name}: {counted}. {_INCOMPLETE[:-1]} yet."


def _here(counted: str) -> str:
    return f"{counted} are here. " if counted else ""
