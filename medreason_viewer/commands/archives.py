"""What the commands of the PACS share: which server is meant, and how progress is told."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Final

from .. import settings as settings_file
from ..errors import SettingsError
from ..model_server import ModelServer
from ..network.archive import Archive
from ..network.open_archive import open_archive
from ..servers import Server
from ..settings import Settings
from .output import say

_EVERY_S: Final = 1.0

NO_ARCHIVE: Final = "No archive is set: add one with medreason pacs add."


def add_server(parser: argparse.ArgumentParser, flag: str = "--server") -> None:
    """The option that names an archive."""
    parser.add_argument(
        flag, dest="server", metavar="NAME", help="which archive; not needed where only one is set"
    )


def stored_settings() -> Settings:
    """The settings of this user."""
    return settings_file.load(settings_file.default_path())


def chosen_server(settings: Settings, name: str | None) -> Server:
    """The archive of that name, or the only one.

    Raises
    ------
    SettingsError
        If there is none, or several and none was named.
    """
    if name is not None:
        return settings.server(name)
    if len(settings.pacs) == 1:
        return settings.pacs[0]
    if not settings.pacs:
        raise SettingsError(NO_ARCHIVE)
    names = ", ".join(server.name for server in settings.pacs)
    raise SettingsError(f"Name one of the archives with --server: {names}.")


def chosen_archive(name: str | None) -> Archive:
    """As :func:`chosen_server`, ready to be talked to."""
    settings = stored_settings()
    return open_archive(chosen_server(settings, name), settings.receiver)


class Telling:
    """Tells on standard error how far something is: once a second, and at its end."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._told = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """So much of it is done."""
        now = time.monotonic()
        if done == total or now - self._told > _EVERY_S:
            say(f"{self._what} {done} of {total}")
            self._told = now


def secret_from_user(server: Server | ModelServer) -> str:
    """The password or token, typed unseen, or the first line of standard input where that is no terminal."""
    what = "Password" if server.login == "basic" else "Token"
    if sys.stdin.isatty():
        from getpass import getpass

        return getpass(f"{what} for {server.name}: ")
    return sys.stdin.readline().rstrip("\n")
