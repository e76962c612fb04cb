"""Where the model server meets the window: its line in the menu, its dialog, and what works behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from ... import settings as settings_file
from ...cancel import Cancel
from ...errors import NetworkError
from ...model_server import ModelServer
from ...network.chat.endpoint import ChatEndpoint
from ...network.secret import forget_secret, keep_secret, secret_of
from ...reasoning.bundles.bundle import DEMO_BUNDLE, read_manifest
from ...reasoning.remote.model import Found, advised, find_model
from ...settings import Settings
from ..archive.errands import Errands
from ..findings.menus import menu_of
from ..main_window import MainWindow
from .dialog import ModelServerDialog

NOT_AGREED: Final = (
    "A model server is set ({}), but nobody here has agreed yet that pixels leave this machine: "
    "see Explain > Model server. Until then this workstation explains."
)


class ModelServerDesk(QObject):
    """Lets the reader turn to a model server, and back.

    Parameters
    ----------
    path : Path
        The settings file.

    Signals
    -------
    chosen : ModelServer, Path
        This one answers from now on, asked as the folder's manifest tells.
    left : Path
        This workstation answers again, with the bundle of this folder.
    """

    chosen = Signal(object, object)
    left = Signal(object)

    def __init__(self, window: MainWindow, path: Path) -> None:
        super().__init__(window)
        self._window, self._path = window, path
        self._errands = Errands(self)
        self._looking = Cancel()
        self._settings = Settings()
        self.dialog: ModelServerDialog | None = None
        menu = menu_of(window.menuBar(), "Explain")
        self.action = menu.addAction("Model ser&ver …")
        self.action.triggered.connect(self.show)
        window.model_chosen.connect(self._turn_off)

    def start(self, settings: Settings) -> None:
        """Turn to the server that is set, if the reader agreed to it."""
        self._settings, server = settings, settings.model_server
        if server.in_use:
            self.chosen.emit(server, bundle_of(settings))
        elif server.on:
            self._window.parts.session.message.emit(NOT_AGREED.format(server.name))

    def close(self) -> None:
        """Break off what is under way."""
        self._looking.request()
        self._errands.close()

    def show(self) -> None:
        """The dialog, with what the file says now."""
        self._errands.run(
            lambda: settings_file.load(self._path), self._open, self._window.parts.session.message.emit
        )

    def _open(self, settings: Settings) -> None:
        self._settings = settings
        if self.dialog is not None:
            self.dialog.close()
        dialog = self.dialog = ModelServerDialog(settings.model_server, self._window)
        dialog.test_wanted.connect(self._test)
        dialog.kept.connect(self._keep)
        dialog.finished.connect(self._closed)
        dialog.show()

    def _closed(self) -> None:
        self._looking.request()
        if self.dialog is not None:
            self.dialog.deleteLater()
        self.dialog = None

    def _test(self, server: ModelServer, token: str) -> None:
        self._looking.request()
        self._looking = Cancel()
        self._say(f"Asking {server.name} …", "muted")
        work = partial(_look, server, token, replace(self._settings, model_server=server), self._looking)
        self._errands.run(work, self._found, partial(self._say, role="caution"))

    def _found(self, looked: tuple[list[str], Found | str]) -> None:
        names, found = looked
        if self.dialog is not None:
            self.dialog.show_models(names)
        if isinstance(found, Found):
            self._say(found.sentence, "good")
        else:
            self._say(found, "caution")

    def _keep(self, server: ModelServer, token: str) -> None:
        self._errands.run(
            partial(_kept, self._path, server, token), self._use, partial(self._say, role="caution")
        )

    def _use(self, settings: Settings) -> None:
        was, self._settings = self._settings.model_server, settings
        server = settings.model_server
        if self.dialog is not None:
            self.dialog.show_server(server)
        if server.in_use:
            self._say(f"{server.name} explains from now on.", "good")
            self.chosen.emit(server, bundle_of(settings))
        else:
            self._say("Saved. This workstation explains.", "good")
            if was.in_use:
                self.left.emit(Path(settings.model_bundle or DEMO_BUNDLE))

    def _turn_off(self) -> None:
        """A model folder was chosen: the server stays set, and is asked no more."""
        server = self._settings.model_server
        if server.in_use:
            off = replace(server, on=False, agreed="")
            self._settings = replace(self._settings, model_server=off)
            said = self._window.parts.session.message.emit
            self._errands.run(partial(_kept, self._path, off, ""), lambda _settings: None, said)

    def _say(self, text: str, role: str) -> None:
        if self.dialog is not None:
            self.dialog.say(text, role)


def bundle_of(settings: Settings) -> Path:
    """The folder whose manifest tells how the server's model is asked."""
    return Path(settings.model_server.bundle or settings.model_bundle or DEMO_BUNDLE)


def _look(
    server: ModelServer, token: str, settings: Settings, cancel: Cancel
) -> tuple[list[str], Found | str]:
    """The server's models, and whether the one that is chosen can be asked, or why not."""
    manifest = read_manifest(bundle_of(settings))
    secret: Callable[[ModelServer], str] = (lambda _server: token) if token else secret_of
    endpoint = ChatEndpoint(server, secret)
    names: list[str] = []
    try:
        names = [each.name for each in endpoint.models(cancel) or ()]
        if not server.model and len(names) > 1:
            return names, f"{server.name} answers. Choose one of its models."
        return names, find_model(endpoint, manifest, cancel)
    except NetworkError as error:
        return names, advised(error)


def _kept(path: Path, server: ModelServer, token: str) -> Settings:
    """The settings with the server, written; a token goes to the keyring alone."""
    before = settings_file.load(path)
    read_manifest(bundle_of(replace(before, model_server=server)))
    if token:
        keep_secret(server, token)
    elif server.login == "none" and before.model_server.login == "bearer":
        forget_secret(before.model_server)
    settings = replace(before, model_server=server)
    settings_file.save(settings, path)
    return settings
