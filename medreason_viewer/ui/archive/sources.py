"""The archives that are set, as the file has them: changed here, seen everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from ... import settings as settings_file
from ...network.archive import Archive
from ...network.open_archive import open_archive
from ...network.secret import forget_secret, keep_secret
from ...servers import Receiver, Server
from ...settings import Settings
from .errands import Errands

Open = Callable[[Server, Receiver], Archive]
Failed = Callable[[str], None]
Done = Callable[[], None]


class Sources(QObject):
    """Archives and store receiver of the settings file.

    Each change reads the file, changes these entries alone and writes it again, so that what another window
    or the command line set meanwhile stays.

    Parameters
    ----------
    path : Path
        The settings file.
    opener : callable
        From a server and the receiver to its archive.

    Signals
    -------
    changed
        Others are set now.
    """

    changed = Signal()

    def __init__(
        self, path: Path, errands: Errands, opener: Open = open_archive, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._path, self._errands, self._opener = path, errands, opener
        self.servers: tuple[Server, ...] = ()
        self.receiver = Receiver()

    def use(self, settings: Settings) -> None:
        """These are set."""
        if (settings.pacs, settings.receiver) != (self.servers, self.receiver):
            self.servers, self.receiver = settings.pacs, settings.receiver
            self.changed.emit()

    def reload(self) -> None:
        """Read the file again; one that cannot be read changes nothing."""
        self._errands.run(lambda: settings_file.load(self._path), self.use, lambda _text: None)

    def archive(self, server: Server) -> Archive:
        """The archive; nothing is connected yet, but the keyring may be asked: for threads alone."""
        return self._opener(server, self.receiver)

    def named(self, name: str) -> Archive:
        """The archive of that name.

        Raises
        ------
        SettingsError
            If there is none any more.
        """
        return self.archive(Settings(pacs=self.servers).server(name))

    def archives(self) -> list[Archive]:
        """As :meth:`archive`, of all that are set."""
        return [self.archive(server) for server in self.servers]

    def put(self, server: Server, secret: str, instead_of: str, done: Done, failed: Failed) -> None:
        """Set an archive, in the place of the one called ``instead_of`` if there is one.

        Parameters
        ----------
        secret : str
            Its password or token, for the keyring; empty to leave that as it is.
        """

        def change(settings: Settings) -> Settings:
            if secret and server.login != "none":
                keep_secret(server, secret)
            return replace(settings, pacs=_with(settings.pacs, server, instead_of))

        self._change(change, done, failed)

    def remove(self, server: Server, done: Done, failed: Failed) -> None:
        """Forget an archive, and its password or token."""

        def change(settings: Settings) -> Settings:
            if server.login != "none":
                forget_secret(server)
            return replace(settings, pacs=tuple(s for s in settings.pacs if s.name != server.name))

        self._change(change, done, failed)

    def set_receiver(self, receiver: Receiver, done: Done, failed: Failed) -> None:
        """Set the store receiver."""
        self._change(lambda settings: replace(settings, receiver=receiver), done, failed)

    def _change(self, change: Callable[[Settings], Settings], done: Done, failed: Failed) -> None:
        def work() -> Settings:
            changed = change(settings_file.load(self._path))
            settings_file.save(changed, self._path)
            return changed

        def told(settings: Settings) -> None:
            self.use(settings)
            done()

        self._errands.run(work, told, failed)


def _with(servers: tuple[Server, ...], server: Server, instead_of: str) -> tuple[Server, ...]:
    """With the new one where the old one was, or at the end."""
    at = next((place for place, each in enumerate(servers) if each.name == instead_of), len(servers))
    kept = [each for each in servers if each.name not in (instead_of, server.name)]
    return (*kept[:at], server, *kept[at:])
