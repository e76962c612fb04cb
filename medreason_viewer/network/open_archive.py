"""A server as the user set it -> the archive that talks to it."""

from __future__ import annotations

from collections.abc import Callable

from ..servers import Receiver, Server
from ..settings import Settings
from .archive import Archive
from .limits import Limits
from .secret import secret_of


def open_archive(server: Server, receiver: Receiver, limits: Limits | None = None) -> Archive:
    """The archive; nothing is connected yet. ``receiver`` is where a C-MOVE is to send."""
    if server.kind == "dicomweb":
        from .web.archive import WebArchive  # each protocol's library is loaded where it is spoken

        return WebArchive(server, secret_of, limits)
    from .dimse.archive import DimseArchive

    return DimseArchive(server, receiver, limits)


def archives(settings: Settings) -> Callable[[str], Archive]:
    """From a server's name to its archive, as a queue wants it; raises SettingsError where there is none."""
    return lambda name: open_archive(settings.server(name), settings.receiver)
