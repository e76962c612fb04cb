"""The fields of one archive."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QSpinBox, QWidget

from ...errors import SettingsError
from ...servers import Server
from ..plain import caption

_KINDS: Final = {"DICOM (DIMSE)": "dimse", "DICOMweb": "dicomweb"}
_WAYS: Final = {"C-GET": "get", "C-MOVE (it sends to our store receiver)": "move"}
_LOGINS: Final = {"None": "none", "User and password": "basic", "Token": "bearer"}
_KEPT: Final = "Unchanged: in the system's keyring"


class ServerForm(QWidget):
    """Shows a server, and gives the one that its fields describe.

    Signals
    -------
    edited
        A field was changed by the reader.
    """

    edited = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.name, self.host, self.url, self.user = (QLineEdit() for _ in range(4))
        self.called, self.calling = QLineEdit(), QLineEdit()
        self.ca, self.certificate, self.key = (QLineEdit() for _ in range(3))
        self.secret = QLineEdit()
        self.secret.setEchoMode(QLineEdit.EchoMode.Password)
        self.kind, self.way, self.login = (_choice(names) for names in (_KINDS, _WAYS, _LOGINS))
        self.port = QSpinBox()
        self.port.setRange(1, 65535)
        self.tls = QCheckBox("Over TLS")
        self.url.setPlaceholderText("https://pacs.example/dicom-web")
        self.ca.setPlaceholderText("PEM file; empty for the system's authorities")
        self.certificate.setPlaceholderText("PEM file, if the archive asks for ours")
        self.form = QFormLayout(self)
        self._lay_out()
        self._connect()
        self.show_server(None)

    def show_server(self, server: Server | None) -> None:
        """Fill the fields; None for a new archive."""
        self.blockSignals(True)
        shown = server or Server("new", host="localhost")
        texts = {
            self.name: server.name if server else "",
            self.host: server.host if server else "",
            self.url: shown.url,
            self.user: shown.user,
            self.called: shown.called_ae,
            self.calling: shown.calling_ae,
            self.ca: shown.ca_file,
            self.certificate: shown.certificate_file,
            self.key: shown.key_file,
            self.secret: "",
        }
        for field, text in texts.items():
            field.setText(text)
        self.port.setValue(shown.port)
        self.tls.setChecked(shown.tls)
        for box, value in ((self.kind, shown.kind), (self.way, shown.retrieve_by), (self.login, shown.login)):
            box.setCurrentIndex(box.findData(value))
        self.secret.setPlaceholderText(_KEPT if server and server.login != "none" else "")
        self._show_fields()
        self.blockSignals(False)

    def server(self) -> Server:
        """What the fields describe; those that do not matter for its kind are left out.

        Raises
        ------
        SettingsError
            If it can be no archive.
        """
        if not (name := self.name.text().strip()):
            raise SettingsError("Give the archive a name.")
        if self.kind.currentData() == "dicomweb":
            return self._with_files(self._web(name))
        made = Server(
            name,
            host=self.host.text().strip(),
            port=self.port.value(),
            called_ae=self.called.text().strip(),
            calling_ae=self.calling.text().strip(),
            retrieve_by=self.way.currentData(),
            tls=self.tls.isChecked(),
        )
        return self._with_files(made) if made.tls else made

    def _web(self, name: str) -> Server:
        login = self.login.currentData()
        user = self.user.text().strip() if login == "basic" else ""
        return Server(name, "dicomweb", url=self.url.text().strip(), login=login, user=user)

    def _with_files(self, server: Server) -> Server:
        return replace(
            server,
            ca_file=self.ca.text().strip(),
            certificate_file=self.certificate.text().strip(),
            key_file=self.key.text().strip(),
        )

    def _show_fields(self) -> None:
        web, login = self.kind.currentData() == "dicomweb", self.login.currentData()
        for field in (self.host, self.port, self.called, self.calling, self.way, self.tls):
            self.form.setRowVisible(field, not web)
        for field in (self.url, self.login):
            self.form.setRowVisible(field, web)
        self.form.setRowVisible(self.user, web and login == "basic")
        self.form.setRowVisible(self.secret, web and login != "none")
        label = self.form.labelForField(self.secret)
        label.setProperty("text", "To&ken" if login == "bearer" else "Pass&word")
        for field in (self.ca, self.certificate, self.key):
            self.form.setRowVisible(field, web or self.tls.isChecked())

    def _connect(self) -> None:
        for field in self.findChildren(QLineEdit):
            field.textEdited.connect(self.edited)
        for box in (self.kind, self.way, self.login):
            box.activated.connect(self._show_fields)
            box.activated.connect(self.edited)
        self.tls.toggled.connect(self._show_fields)
        self.tls.clicked.connect(self.edited)
        self.port.valueChanged.connect(self.edited)

    def _lay_out(self) -> None:
        rows: tuple[tuple[str, QWidget], ...] = (
            ("&Name", self.name),
            ("K&ind", self.kind),
            ("&Host", self.host),
            ("&Port", self.port),
            ("Its AE &title", self.called),
            ("&Our AE title", self.calling),
            ("Retrieve &by", self.way),
            ("", self.tls),
            ("A&ddress", self.url),
            ("&Log in", self.login),
            ("&User", self.user),
            ("Pass&word", self.secret),
            ("Trusted &CA", self.ca),
            ("Our c&ertificate", self.certificate),
            ("Its &key", self.key),
        )
        self.form.setContentsMargins(0, 0, 0, 0)
        self.form.setHorizontalSpacing(14)
        for words, field in rows:
            field.setAccessibleName(words.replace("&", ""))
            self.form.addRow(caption(words, field), field)


def _choice(names: dict[str, str]) -> QComboBox:
    box = QComboBox()
    for words, value in names.items():
        box.addItem(words, value)
    return box
