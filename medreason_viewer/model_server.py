"""The server that runs the model in this workstation's place, as the user set it; never a secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from .errors import SettingsError
from .servers import LOOPBACK, split_address

ModelLogin = Literal["none", "bearer"]

_LONGEST_WAIT_S: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class ModelServer:
    """A server that runs the model in this workstation's place, over the OpenAI protocol.

    Attributes
    ----------
    on : bool
        Whether it answers instead of the model on this workstation.
    url : str
        Root of its interface, such as ``https://gpu.hospital:8000/v1``; without a path, ``/v1`` is meant.
    model : str
        The model, or adapter, that it serves under this name; empty for the only one.
    bundle : str
        Folder whose manifest tells how that model is asked; empty for the bundle that is set.
    login : str
        ``none`` or ``bearer``; the token lies in the system's keyring.
    ca_file, certificate_file, key_file : str
        As for an archive.
    proxy : str
        Address of an HTTP proxy on the way there; empty for none. The environment's is never used.
    silence_s, total_s : int
        Longest wait for the next word of a reply, and for a whole reply, in seconds.
    agreed : str
        The address to which the reader agreed to send pixels; nothing is sent to another.

    Raises
    ------
    SettingsError
        If it cannot be the description of such a server.
    """

    on: bool = False
    url: str = ""
    model: str = ""
    bundle: str = ""
    login: ModelLogin = "none"
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    proxy: str = ""
    silence_s: int = 120
    total_s: int = 900
    agreed: str = ""

    def __post_init__(self) -> None:
        if self.login not in ("none", "bearer"):
            raise SettingsError("The login of the model server must be none or bearer.")
        if not all(0 < wait <= _LONGEST_WAIT_S for wait in (self.silence_s, self.total_s)):
            raise SettingsError(f"The waits for the model server must be 1 to {_LONGEST_WAIT_S} seconds.")
        if not self.model.isprintable():
            raise SettingsError("The name of the server's model holds signs that no name has.")
        if self.proxy and split_address(self.proxy) is None:
            raise SettingsError(
                "The proxy on the way to the model server needs an address such as http://proxy:3128."
            )
        if self.on or self.url:
            self._check_url()

    def _check_url(self) -> None:
        address = split_address(self.url)
        if address is None:
            raise SettingsError(
                "The model server needs an address such as https://gpu.example:8000/v1, "
                "without a user, a password or a question mark."
            )
        if self.login == "bearer" and address[0] == "http" and address[1] not in LOOPBACK:
            raise SettingsError("The model server would get its token unencrypted: use https.")

    @property
    def name(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc

    @property
    def user(self) -> str:
        """Nobody: there is a token or nothing."""
        return ""

    @property
    def in_use(self) -> bool:
        """Whether it answers: it is on, and the reader agreed to this very address."""
        return self.on and self.agreed == self.url

    @property
    def encrypted(self) -> bool:
        """Whether what is sent to it cannot be read on the way; true on this machine itself."""
        parts = urlsplit(self.url)
        return parts.scheme == "https" or parts.hostname in LOOPBACK

    @property
    def leaving(self) -> str:
        """What the reader must know before anything is sent there."""
        open_way = (
            "" if self.encrypted else " The connection is not encrypted: others may read it on the way."
        )
        return (
            "Pixels leave this machine: the image of the slice that is explained and your question are sent "
            f"to {self.name}. No name, number or header of the patient goes with them, but text burnt into "
            f"the pixels does.{open_way}"
        )
