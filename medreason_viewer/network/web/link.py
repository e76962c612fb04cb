"""One HTTP exchange: under time limits, cut off when the user stops, without redirects, proxies or a log."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

import httpx2

from ... import __version__
from ...cancel import Cancel
from ...errors import (
    LoginRefused,
    NetworkError,
    NotTrusted,
    SecretError,
    ServerRefused,
    ServerUnreachable,
)
from ...servers import WebServer
from ..limits import Limits
from ..tls import client_context

for _name in ("httpx2", "httpcore2"):  # they log addresses, which hold what is searched for, and credentials
    logging.getLogger(_name).setLevel(logging.WARNING)

Secret = Callable[[Any], str]

_MOST_JSON: Final = 64 * 1024**2
_AS_THEY_ARE: Final = "*?^:,@/"
_POLL_S: Final = 0.05
_BUSY: Final = (408, 425, 429, 500, 502, 503, 504)


class Talk:
    """An open conversation with one server; see :func:`talking`."""

    def __init__(self, server: WebServer, client: httpx2.Client, cut: _Cut, cancel: Cancel) -> None:
        self.server = server
        self._client, self._cut, self._cancel = client, cut, cancel

    @contextmanager
    def request(
        self,
        method: str,
        path: str,
        *,
        accept: str,
        params: list[tuple[str, str]] | None = None,
        headers: dict[str, str] | None = None,
        content: Iterator[bytes] | None = None,
        also: tuple[int, ...] = (),
    ) -> Iterator[httpx2.Response]:
        """A response whose body is still to be read.

        Parameters
        ----------
        also : tuple of int
            Statuses beside 2xx that the caller understands.

        Raises
        ------
        ServerUnreachable, ServerRefused, Cancelled
            Also while the body is read.
        """
        self._cancel.check()
        given = {"Accept": accept, "Accept-Encoding": "identity", **(headers or {})}
        address, trace = self.server.url.rstrip("/") + path + _query(params), {"trace": self._cut.trace}
        with (
            _told(self.server, self._cancel, self._cut),
            self._client.stream(
                method, address, headers=given, content=content, extensions=trace
            ) as response,
        ):
            _check(self.server, response, also)
            yield response

    def json(self, path: str, params: list[tuple[str, str]] | None = None) -> list[dict[str, Any]]:
        """A list of DICOM JSON data sets; empty where the server has nothing to say."""
        with self.request("GET", path, accept="application/dicom+json", params=params) as response:
            return self.data_sets(response)

    def data_sets(self, response: httpx2.Response) -> list[dict[str, Any]]:
        """The body as a list of data sets.

        Raises
        ------
        ServerRefused
            If it is something else, or too large.
        """
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > _MOST_JSON:
                raise ServerRefused(f"{self.server.name} sent an answer larger than {_MOST_JSON >> 20} MB.")
        if not body.strip():
            return []
        try:
            answer = json.loads(bytes(body).decode("utf-8"))
        except (ValueError, RecursionError):
            raise ServerRefused(f"{self.server.name} did not answer in DICOM JSON.") from None
        sets = answer if isinstance(answer, list) else [answer]
        return [each for each in sets if isinstance(each, dict)]


@contextmanager
def talking(
    server: WebServer, secret: Secret, limits: Limits, cancel: Cancel, *, proxy: str = ""
) -> Iterator[Talk]:
    """A conversation, over one connection where the server keeps it.

    Parameters
    ----------
    proxy : str
        Address of an HTTP proxy on the way; the environment's is never used.

    Raises
    ------
    SecretError
        If there is no password or token.
    """
    cancel.check()
    with _client(server, secret, limits, proxy) as client, _Cut(cancel, limits.total_s) as cut:
        yield Talk(server, client, cut, cancel)


def _client(server: WebServer, secret: Secret, limits: Limits, proxy: str) -> httpx2.Client:
    return httpx2.Client(
        auth=httpx2.BasicAuth(server.user, secret(server)) if server.login == "basic" else None,
        headers={"User-Agent": f"MedReason-Viewer/{__version__}"} | _bearer(server, secret),
        verify=client_context(server),
        timeout=httpx2.Timeout(limits.answer_s, connect=limits.connect_s),
        follow_redirects=False,
        proxy=proxy or None,
        trust_env=False,
    )


def _bearer(server: WebServer, secret: Secret) -> dict[str, str]:
    if server.login != "bearer":
        return {}
    token = secret(server)
    if not token.isascii() or not token.isprintable():
        raise SecretError(f"The token of {server.name} holds letters that no token has.")
    return {"Authorization": f"Bearer {token}"}


def _check(server: WebServer, response: httpx2.Response, also: tuple[int, ...]) -> None:
    code, name = response.status_code, server.name
    if response.is_success or code in also:
        return
    if response.is_redirect:
        raise ServerRefused(f"{name} sends us on to {_origin(response)}: set that address if you trust it.")
    if code in (401, 403):
        raise LoginRefused(f"{name} does not accept who we say we are (HTTP {code}).")
    if code in _BUSY:
        raise ServerUnreachable(f"{name} cannot answer now (HTTP {code}).")
    raise ServerRefused(f"{name} refuses (HTTP {code}).")


@contextmanager
def _told(server: WebServer, cancel: Cancel, cut: _Cut) -> Iterator[None]:
    """What the library raises, as an error of ours."""
    try:
        yield
    except (NetworkError, httpx2.TransportError) as error:
        cancel.check()
        if cut.late:
            raise ServerUnreachable(f"{server.name} does not come to an end in time.") from error
        if isinstance(error, NetworkError):  # a body that ends in the middle, for one
            raise
        raise _unreachable(server, error) from error
    except httpx2.HTTPError as error:  # a body that cannot be decoded, for one
        cancel.check()
        raise ServerRefused(f"{server.name} answers in a way that is not HTTP.") from error


def _unreachable(server: WebServer, error: httpx2.TransportError) -> NetworkError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NotTrusted(f"The certificate of {server.name} is not trusted: {cause.verify_message}.")
        if isinstance(cause, ssl.SSLError):
            return NotTrusted(f"No TLS connection to {server.name} ({cause.reason or cause}).")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx2.TimeoutException):
        return ServerUnreachable(f"{server.name} does not answer in time.")
    if isinstance(error, httpx2.ConnectError):
        return ServerUnreachable(f"{server.name} cannot be reached at {_where(server.url)}.")
    return ServerUnreachable(f"{server.name} broke off the connection.")


class _Cut:
    """Cuts the connection as soon as the user stops or the time is over, whatever it is waiting for."""

    def __init__(self, cancel: Cancel, within_s: float | None) -> None:
        self._cancel = cancel
        self._until = None if within_s is None else time.monotonic() + within_s
        self._over = threading.Event()
        self._socket: socket.socket | None = None
        self._watcher = threading.Thread(target=self._watch, name="web-cancel", daemon=True)

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Told by the library when there is a connection."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._socket = info["return_value"].get_extra_info("socket")

    def __enter__(self) -> _Cut:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return self._until is not None and time.monotonic() > self._until

    def _watch(self) -> None:
        while not self._over.wait(_POLL_S):
            if (self._cancel.requested or self.late) and self._socket is not None:
                with contextlib.suppress(OSError):  # the plain one, also under TLS: it wakes whoever reads
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
                return


def _query(params: list[tuple[str, str]] | None) -> str:
    """As browsers write it: some servers (Orthanc 1.10) look for an encoded asterisk as it stands."""
    if not params:
        return ""
    return "?" + "&".join(f"{keyword}={quote(value, safe=_AS_THEY_ARE)}" for keyword, value in params)


def _origin(response: httpx2.Response) -> str:
    """Scheme and host to which a redirect leads, without what may hold a name."""
    return _where(response.headers.get("Location", ""))


def _where(address: str) -> str:
    try:
        url = httpx2.URL(address)
    except httpx2.InvalidURL:
        return "an address that is none"
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"
