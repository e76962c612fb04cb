"""Sending asks once: what, and to which archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QVBoxLayout,
    QWidget,
)

from ...servers import Server
from ..plain import PlainLabel, caption

_LEAVES: Final = "The images go out as they are, with the patient's name."


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be sent: files, and what they are in words; taken when the reader asked for it."""

    title: str
    files: tuple[Path, ...]


class SendDialog(QDialog):
    """Does not block, and is closed where another patient is shown meanwhile.

    Signals
    -------
    accepted_for(Parcel, Server, bool)
        Send it there; also what the archive has acknowledged before, where that is set.
    """

    accepted_for = Signal(object, object, bool)

    def __init__(self, parcel: Parcel, servers: Sequence[Server], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Send to an archive")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._parcel, self._servers = parcel, tuple(servers)
        self.what = PlainLabel(parcel.title, "strong", wrap=True)
        count = len(parcel.files)
        self.count = PlainLabel("1 file" if count == 1 else f"{count} files")
        self.archives = QComboBox()
        self.archives.setAccessibleName("Archive")
        self.archives.addItems([server.name for server in self._servers])
        self.again = QCheckBox("Send again what the archive has &acknowledged before")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.buttons.button(QDialogButtonBox.StandardButton.Cancel).setIcon(QIcon())
        self.send = self.buttons.addButton("&Send", QDialogButtonBox.ButtonRole.AcceptRole)
        self.send.setObjectName("primary")
        self.buttons.accepted.connect(self._accept)
        self.buttons.rejected.connect(self.reject)
        self._lay_out()

    def _accept(self) -> None:
        server = self._servers[self.archives.currentIndex()]
        self.accepted_for.emit(self._parcel, server, self.again.isChecked())
        self.accept()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(14)
        form.addRow(PlainLabel("What"), self.what)
        form.addRow("", self.count)
        form.addRow(caption("&Archive", self.archives), self.archives)
        form.addRow("", self.again)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 12)
        column.setSpacing(12)
        column.addLayout(form)
        column.addWidget(PlainLabel(_LEAVES, "muted", wrap=True))
        column.addWidget(self.buttons)
        self.setMinimumWidth(460)
