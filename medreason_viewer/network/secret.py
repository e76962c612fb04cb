"""Passwords and tokens: in the system's keyring alone, each bound to the address it is for."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import keyring
from keyring.errors import KeyringError

from ..errors import SecretError
from ..model_server import ModelServer
from ..servers import Server

_SERVICE: Final = "MedReason Viewer PACS"
_MODEL_SERVICE: Final = "MedReason Viewer model server"
Keyed = Server | ModelServer


def secret_of(server: Keyed) -> str:
    """The server's password or token.

    Raises
    ------
    SecretError
        If the keyring does not give one: none was stored, or none for this address.
    """
    try:
        secret = keyring.get_password(_service(server), _account(server))
    except KeyringError as error:
        raise SecretError(f"The system's keyring does not open ({_what(error)}).") from error
    if not secret:
        how = "medreason models server token" if isinstance(server, ModelServer) else "medreason pacs secret"
        raise SecretError(
            f"There is no password or token for {server.name} at its present address: enter it again ({how})."
        )
    return secret


def keep_secret(server: Keyed, secret: str) -> None:
    """Store the server's password or token.

    Raises
    ------
    SecretError
        If the keyring does not take it: many systems without a desktop have none.
    """
    try:
        keyring.set_password(_service(server), _account(server), secret)
    except KeyringError as error:
        raise SecretError(f"The system's keyring does not take it ({_what(error)}).") from error


def forget_secret(server: Keyed) -> None:
    """Delete the server's password or token, if there is one."""
    try:
        if keyring.get_password(_service(server), _account(server)) is not None:
            keyring.delete_password(_service(server), _account(server))
    except KeyringError as error:
        raise SecretError(f"The system's keyring does not open ({_what(error)}).") from error


def _service(server: Keyed) -> str:
    return _MODEL_SERVICE if isinstance(server, ModelServer) else _SERVICE


def _account(server: Keyed) -> str:
    """Name and address: who changes the address of a server in the settings does not get its secret."""
    parts = urlsplit(server.url)
    return f"{server.name} {server.user} {parts.scheme}://{parts.netloc}"


def _what(error: KeyringError) -> str:
    return str(error).split("\n", 1)[0].rstrip(".") or type(error).__name__
