"""Switching the store receiver on and off."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFormLayout, QGroupBox, QLineEdit, QSpinBox

from ...errors import SettingsError
from ...servers import Receiver
from ..plain import PlainLabel, caption

_HINT: Final = (
    "While it is on, the peers named here can send studies to this workstation. "
    "Nothing that arrives is opened by itself. 127.0.0.1 takes from this machine alone."
)
_WORDS: Final = {"off": "Off", "starting": "Starting …", "on": "Listening", "failed": ""}


class ReceiverForm(QGroupBox):
    """The receiver's fields.

    Signals
    -------
    switched
        The reader wants it on, or off.
    """

    switched = Signal()

    def __init__(self) -> None:
        super().__init__("Store receiver")
        self._kept = Receiver()
        self.on = QCheckBox("Listen while this program is &running")
        self.host, self.ae_title, self.allowed = QLineEdit(), QLineEdit(), QLineEdit()
        self.port = QSpinBox()
        self.port.setRange(1, 65535)
        self.state = PlainLabel(role="muted", wrap=True)
        self.allowed.setPlaceholderText("AE titles, parted by commas")
        self.on.clicked.connect(self.switched)
        form = QFormLayout(self)
        form.setHorizontalSpacing(14)
        form.addRow(PlainLabel(_HINT, "muted", wrap=True))
        for words, field in (
            ("Address", self.host),
            ("Port", self.port),
            ("AE title", self.ae_title),
            ("Who may send", self.allowed),
        ):
            field.setAccessibleName(f"Store receiver: {words}")
            form.addRow(caption(words, field), field)
        form.addRow(self.on)
        form.addRow(self.state)

    def show_receiver(self, receiver: Receiver) -> None:
        """Fill the fields; they can be changed while it is off."""
        self._kept = receiver
        self.host.setText(receiver.host)
        self.port.setValue(receiver.port)
        self.ae_title.setText(receiver.ae_title)
        self.allowed.setText(", ".join(receiver.allowed))
        self.on.setChecked(receiver.on)
        for field in (self.host, self.port, self.ae_title, self.allowed):
            field.setEnabled(not receiver.on)

    def show_state(self, state: str, problem: str) -> None:
        """Whether it listens, and why not."""
        self.state.setText(problem or _WORDS[state])

    def receiver(self) -> Receiver:
        """What the fields describe.

        Raises
        ------
        SettingsError
            If it can be no receiver.
        """
        titles = tuple(title.strip() for title in self.allowed.text().split(",") if title.strip())
        if not (host := self.host.text().strip()):
            raise SettingsError("The store receiver needs the address it listens on.")
        return replace(
            self._kept,
            on=self.on.isChecked(),
            host=host,
            port=self.port.value(),
            ae_title=self.ae_title.text().strip(),
            allowed=titles,
        )
