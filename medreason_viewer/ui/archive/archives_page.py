"""The archives that are set: add, change, remove, test; and the store receiver."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from PySide6.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from ...cancel import Cancel
from ...errors import SettingsError
from ...servers import Server
from ..plain import PlainLabel
from .listening import Listening
from .receiver_form import ReceiverForm
from .rows import plain
from .searching import Searching
from .server_form import ServerForm
from .sources import Sources

_WIDEST: Final = 620


class ArchivesPage(QWidget):
    """What is changed here is set once it is saved: in the settings file, and secrets in the keyring."""

    def __init__(self, sources: Sources, listening: Listening) -> None:
        super().__init__()
        self._sources, self._listening = sources, listening
        self._echo = Searching("archive echo", self)
        self._edited: Server | None = None
        self.list = QListWidget()
        self.list.setAccessibleName("Archives")
        self.list.setFixedWidth(220)
        self.list.setSpacing(2)
        self.form, self.receiver = ServerForm(), ReceiverForm()
        self.add, self.remove = QPushButton("&New"), QPushButton("Re&move")
        self.test, self.save = QPushButton("Test"), QPushButton("&Save")
        self.save.setObjectName("primary")
        self.said = PlainLabel(role="muted", wrap=True)
        self._lay_out()
        self._connect()
        self._show_archives()

    def close_threads(self) -> None:
        """Stop, and wait for the threads."""
        self._echo.close()

    def _connect(self) -> None:
        self.list.currentRowChanged.connect(self._turn_to)
        self.add.clicked.connect(self._new)
        self.remove.clicked.connect(self._remove)
        self.save.clicked.connect(self._save)
        self.test.clicked.connect(self._test)
        self.form.edited.connect(partial(self._say, "Not saved yet.", "muted"))
        self._echo.ended.connect(self._echoed)
        self._sources.changed.connect(self._show_archives)
        self.receiver.switched.connect(self._switch)
        self._listening.changed.connect(self._show_listening)

    def _show_archives(self) -> None:
        name = self._edited.name if self._edited else ""
        self.list.blockSignals(True)
        self.list.clear()
        for server in self._sources.servers:
            self.list.addItem(QListWidgetItem(plain(server.name)))
        self.list.blockSignals(False)
        names = [server.name for server in self._sources.servers]
        at = names.index(name) if name in names else (0 if names else -1)
        self.list.setCurrentRow(at)
        self._turn_to(at)
        self.receiver.show_receiver(self._sources.receiver)

    def _turn_to(self, row: int) -> None:
        self._echo.cancel()
        self._edited = self._sources.servers[row] if 0 <= row < len(self._sources.servers) else None
        self.form.show_server(self._edited)
        self.remove.setEnabled(self._edited is not None)
        self._say("", "muted")

    def _new(self) -> None:
        self.list.setCurrentRow(-1)
        self._turn_to(-1)
        self.form.name.setFocus()

    def _save(self) -> None:
        server = self._described()
        if server is None:
            return
        old = self._edited.name if self._edited else server.name
        if any(each.name == server.name and each.name != old for each in self._sources.servers):
            self._say("There is an archive of that name already.", "caution")
            return
        before, self._edited = self._edited, server
        secret, instead = self.form.secret.text(), before.name if before else ""
        self._sources.put(server, secret, instead, self._saved, self._complain)

    def _saved(self) -> None:
        self.form.secret.clear()
        self._say("Saved.", "good")

    def _remove(self) -> None:
        if self._edited is not None:
            self._sources.remove(self._edited, lambda: self._say("Removed.", "muted"), self._complain)

    def _test(self) -> None:
        server = self._described()
        if server is None:
            return
        if self.form.secret.text():
            self._say("Save first: the password or token is tested from the keyring.", "caution")
            return
        self._say(f"Asking {server.name} …", "muted")
        self._echo.search(partial(_echo, self._sources, server))

    def _echoed(self, problem: str) -> None:
        self._say(problem or "It answers.", "caution" if problem else "good")

    def _described(self) -> Server | None:
        try:
            return self.form.server()
        except SettingsError as error:
            self._complain(str(error))
            return None

    def _switch(self) -> None:
        try:
            receiver = self.receiver.receiver()
        except SettingsError as error:
            self.receiver.on.setChecked(self._sources.receiver.on)
            self.receiver.show_state("failed", str(error))
            return
        self._sources.set_receiver(
            receiver, lambda: None, lambda text: self.receiver.show_state("failed", text)
        )

    def _show_listening(self) -> None:
        self.receiver.show_state(self._listening.state, self._listening.problem)

    def _complain(self, text: str) -> None:
        self._say(text, "caution")

    def _say(self, text: str, role: str) -> None:
        self.said.setObjectName(role)
        self.said.style().polish(self.said)
        self.said.setText(text)

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.addWidget(self.list, 1)
        buttons = QHBoxLayout()
        for button in (self.add, self.remove):
            buttons.addWidget(button)
        left.addLayout(buttons)
        inside = QWidget()
        right = QVBoxLayout(inside)
        right.setContentsMargins(0, 0, 8, 0)
        right.setSpacing(10)
        right.addWidget(self.form)
        actions = QHBoxLayout()
        actions.addWidget(self.said, 1)
        actions.addWidget(self.test)
        actions.addWidget(self.save)
        right.addLayout(actions)
        right.addStretch(1)
        right.addWidget(self.receiver)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inside)
        inside.setMaximumWidth(_WIDEST)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(14, 12, 14, 10)
        whole.setSpacing(14)
        whole.addLayout(left)
        whole.addWidget(area, 1)


def _echo(sources: Sources, server: Server, cancel: Cancel) -> Iterator[object]:
    """As a search that finds nothing, or says why not."""
    sources.archive(server).echo(cancel)
    return iter(())
