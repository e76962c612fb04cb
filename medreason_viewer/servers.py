"""The PACS servers that the user set, and whether this workstation listens; never a secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol
from urllib.parse import urlsplit

from .errors import SettingsError

Kind = Literal["dimse", "dicomweb"]
RetrieveBy = Literal["get", "move"]
Login = Literal["none", "basic", "bearer"]

_MOST_IN_AE_TITLE: Final = 16
_MOST_IN_NAME: Final = 64
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class WebServer(Protocol):
    """What is talked to over HTTP: its address, whom to trust, and who we say we are."""

    @property
    def name(self) -> str:
        """How sentences call it."""

    @property
    def url(self) -> str:
        """Where it is."""

    @property
    def login(self) -> Login:
        """How we say who we are."""

    @property
    def user(self) -> str:
        """For basic authentication."""

    @property
    def ca_file(self) -> str:
        """Whom to trust; empty for the system's authorities."""

    @property
    def certificate_file(self) -> str:
        """Our own certificate, if the server asks for one."""

    @property
    def key_file(self) -> str:
        """Its key."""


@dataclass(frozen=True, slots=True)
class Server:
    """One archive.

    Attributes
    ----------
    name : str
        What the user calls it.
    kind : str
        ``dimse`` (classic DICOM) or ``dicomweb``.
    host, port : str, int
        Where a DIMSE server listens.
    called_ae, calling_ae : str
        AE titles: the server's and ours.
    retrieve_by : str
        ``get``, or ``move`` for a server that sends to us over a connection of its own; the store receiver
        then listens while a retrieve lasts.
    tls : bool
        Whether DIMSE runs over TLS.
    url : str
        Root of a DICOMweb server, such as ``https://pacs.hospital/dicom-web``.
    login : str
        ``none``, ``basic`` or ``bearer``, for DICOMweb; password and token lie in the system's keyring.
    user : str
        Name for basic authentication.
    ca_file, certificate_file, key_file : str
        PEM files: whom to trust (empty for the system's authorities), and our own certificate, if the
        server asks for one.

    Raises
    ------
    SettingsError
        If it cannot be the description of a server.
    """

    name: str
    kind: Kind = "dimse"
    host: str = ""
    port: int = 104
    called_ae: str = "ANY-SCP"
    calling_ae: str = "MEDREASON"
    retrieve_by: RetrieveBy = "get"
    tls: bool = False
    url: str = ""
    login: Login = "none"
    user: str = ""
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= _MOST_IN_NAME or not self.name.isprintable():
            raise SettingsError(f"A server's name has 1 to {_MOST_IN_NAME} printable letters.")
        _one_of(self, "kind", ("dimse", "dicomweb"))
        _one_of(self, "retrieve_by", ("get", "move"))
        _one_of(self, "login", ("none", "basic", "bearer"))
        if self.kind == "dimse":
            self._check_dimse()
        else:
            self._check_web()

    def _check_dimse(self) -> None:
        if not self.host or not self.host.isprintable() or " " in self.host:
            raise SettingsError(f"The server {self.name} needs the name or address of its host.")
        check_port(self.port, self.name)
        for title in (self.called_ae, self.calling_ae):
            check_ae_title(title)

    def _check_web(self) -> None:
        address = split_address(self.url)
        if address is None:
            raise SettingsError(
                f"The server {self.name} needs an address such as https://pacs.example/dicom-web, "
                "without a user, a password or a question mark."
            )
        scheme, host = address
        if self.login != "none" and scheme == "http" and host not in LOOPBACK:
            raise SettingsError(
                f"The server {self.name} would get its password or token unencrypted: use https."
            )
        if self.login == "basic" and not self.user:
            raise SettingsError(f"The server {self.name} needs a user for basic authentication.")


@dataclass(frozen=True, slots=True)
class Receiver:
    """The store receiver: what *push to AI* and C-MOVE send to.

    Attributes
    ----------
    on : bool
        Whether the window listens while it is open.
    host, port, ae_title : str, int, str
        Where, and under which AE title.
    allowed : tuple of str
        AE titles that may send; nobody else may.
    certificate_file, key_file, ca_file : str
        PEM files for TLS; without a certificate there is none. With a CA file, senders must show a
        certificate of that authority.
    """

    on: bool = False
    host: str = "127.0.0.1"
    port: int = 11112
    ae_title: str = "MEDREASON"
    allowed: tuple[str, ...] = ()
    certificate_file: str = ""
    key_file: str = ""
    ca_file: str = ""

    def __post_init__(self) -> None:
        check_port(self.port, "receiver")
        for title in (self.ae_title, *self.allowed):
            check_ae_title(title)
        if self.on and not self.allowed:
            raise SettingsError("The store receiver needs the AE titles that may send to it.")


def check_port(port: int, of: str) -> None:
    """Whether it is a port at all; raises SettingsError."""
    if not 0 < port < 65536:
        raise SettingsError(f"The port of {of} must be between 1 and 65535.")


def check_ae_title(title: str) -> None:
    """Whether it is an AE title (PS3.5, 6.2); raises SettingsError."""
    plain = title.isascii() and title.isprintable() and "\\" not in title
    if not plain or not title.strip() or len(title) > _MOST_IN_AE_TITLE:
        raise SettingsError(f"An AE title has 1 to {_MOST_IN_AE_TITLE} plain letters, no backslash.")


def _one_of(server: Server, field: str, allowed: tuple[str, ...]) -> None:
    if getattr(server, field) not in allowed:
        raise SettingsError(f"In the server {server.name}, {field} must be one of {', '.join(allowed)}.")


def split_address(url: str) -> tuple[str, str] | None:
    """Scheme and host of an address that may serve as a root; None of any other."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is none
    except ValueError:
        return None
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain or not url.isprintable():
        return None
    return parts.scheme, parts.hostname
