"""The model server: its address, its model, whom it trusts, a test, and what the reader must agree to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ...errors import SettingsError
from ...model_server import ModelServer
from ..plain import PlainLabel, caption
from ..series.choosing import choose_file, choose_folder

_KEPT: Final = "Unchanged: in the system's keyring"
_NO_ADDRESS: Final = (
    "A server in your hospital can run the model instead of this workstation, if it speaks the OpenAI "
    "protocol (vLLM, SGLang, llama-server, Ollama, transformers serve). It is off."
)
_WIDTH: Final = 620


class ModelServerDialog(QDialog):
    """Shows the server that is set, and gives the one that its fields describe.

    Signals
    -------
    test_wanted : ModelServer, str
        Ask the server that the fields describe; with the token, if one was typed.
    kept : ModelServer, str
        The reader saved it.
    """

    test_wanted = Signal(object, str)
    kept = Signal(object, str)

    def __init__(self, server: ModelServer, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Model server")
        self.setMinimumWidth(_WIDTH)
        self._server = server
        self.url, self.token, self.ca, self.bundle = (QLineEdit() for _ in range(4))
        self.model = QComboBox()
        self.model.setEditable(True)
        self.leaving = PlainLabel(role="caution", wrap=True)
        self.agreed = QCheckBox("I &agree: explain on this server, and mark its answers as remote")
        self.said = PlainLabel(role="muted", wrap=True)
        self.test, self.save, self.leave = QPushButton("&Test"), QPushButton("&Save"), QPushButton("Close")
        self._lay_out()
        self.show_server(server)
        self._connect()
        self._follow_address()

    def show_server(self, server: ModelServer) -> None:
        """Fill the fields: this one is set now."""
        self._server = server
        self.token.clear()
        for field, text in (
            (self.url, server.url),
            (self.ca, server.ca_file),
            (self.bundle, server.bundle),
        ):
            field.setText(text)
        self.model.setCurrentText(server.model)
        self.agreed.setChecked(server.in_use)
        self.token.setPlaceholderText(_KEPT if server.login == "bearer" else "If it wants one")

    def server(self) -> ModelServer:
        """What the fields describe.

        Raises
        ------
        SettingsError
            If it can be no model server.
        """
        url = self.url.text().strip()
        wanted = bool(self.token.text()) or (self._server.login == "bearer" and url == self._server.url)
        on = self.agreed.isChecked()
        if on and not url:
            raise SettingsError("Give the address of the server first.")
        return replace(
            self._server,
            on=on,
            url=url,
            agreed=url if on else "",
            model=self.model.currentText().strip(),
            bundle=self.bundle.text().strip(),
            login="bearer" if wanted and url else "none",
            ca_file=self.ca.text().strip(),
        )

    def show_models(self, names: Sequence[str]) -> None:
        """Offer the server's models; what was typed stays."""
        typed = self.model.currentText()
        self.model.clear()
        self.model.addItems(list(names))
        self.model.setCurrentText(typed or (names[0] if len(names) == 1 else ""))

    def say(self, text: str, role: str = "muted") -> None:
        """A sentence below the fields; ``role`` is *muted*, *good* or *caution*."""
        self.said.setObjectName(role)
        self.said.style().polish(self.said)
        self.said.setText(text)

    def _connect(self) -> None:
        self.url.textEdited.connect(self._follow_address)
        self.test.clicked.connect(partial(self._hand_on, self.test_wanted))
        self.save.clicked.connect(partial(self._hand_on, self.kept))
        self.leave.clicked.connect(self.close)

    def _follow_address(self) -> None:
        """Another address: what leaves goes elsewhere, and nobody agreed to that yet."""
        url = self.url.text().strip()
        if url != self._server.url:
            self.agreed.setChecked(False)
        try:
            described = ModelServer(url=url)
        except SettingsError:
            described = ModelServer()
        self.agreed.setEnabled(bool(described.url))
        self.test.setEnabled(bool(described.url))
        self.leaving.setText(described.leaving if described.url else _NO_ADDRESS)

    def _hand_on(self, signal: SignalInstance, _checked: bool = False) -> None:
        try:
            described = self.server()
        except SettingsError as error:
            self.say(str(error), "caution")
            return
        signal.emit(described, self.token.text())

    def _lay_out(self) -> None:
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.url.setPlaceholderText("https://gpu.example:8000/v1")
        self.ca.setPlaceholderText("PEM file; empty for the system's authorities")
        self.bundle.setPlaceholderText(
            "Folder whose manifest tells how it is asked; empty for the one in use"
        )
        self.save.setObjectName("primary")
        form = QFormLayout()
        form.setHorizontalSpacing(14)
        rows: tuple[tuple[str, QWidget, QWidget], ...] = (
            ("A&ddress", self.url, self.url),
            ("&Model", self.model, self.model),
            ("Asked &like", self.bundle, _with_button(self.bundle, self._choose_bundle)),
            ("To&ken", self.token, self.token),
            ("Trusted &CA", self.ca, _with_button(self.ca, self._choose_ca)),
        )
        for words, field, shown in rows:
            field.setAccessibleName(words.replace("&", ""))
            form.addRow(caption(words, field), shown)
        buttons = QHBoxLayout()
        buttons.addWidget(self.said, 1)
        for button in (self.test, self.save, self.leave):
            button.setAutoDefault(False)
            buttons.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 12)
        column.setSpacing(12)
        column.addLayout(form)
        column.addWidget(self.leaving)
        column.addWidget(self.agreed)
        column.addLayout(buttons)

    def _choose_bundle(self) -> None:
        choose_folder(self, "Choose the folder of the manifest", lambda path: self.bundle.setText(str(path)))

    def _choose_ca(self) -> None:
        choose_file(self, "Choose the certificate of the authority", lambda path: self.ca.setText(str(path)))


def _with_button(field: QLineEdit, choose: object) -> QWidget:
    """The field, and a button that opens a choice of files for it."""
    button = QPushButton("…")
    button.setAutoDefault(False)
    button.setAccessibleName(f"Choose {field.accessibleName()}")
    button.clicked.connect(choose)
    both = QWidget()
    row = QHBoxLayout(both)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(field, 1)
    row.addWidget(button)
    return both
