"""One association: opened under time limits, aborted when the user stops, always ended."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from pydicom.dataset import Dataset
from pynetdicom import association, evt
from pynetdicom.presentation import PresentationContext

from ... import __version__
from ...cancel import Cancel
from ...errors import NetworkError, NotTrusted, ServerRefused, ServerUnreachable, TitleRefused
from ...servers import Server
from ..limits import ANSWER_S, Limits
from ..tls import client_context
from . import quiet  # noqa: F401  # before anything is said
from .entity import Entity
from .watch import Watch, shut

MOST_CONTEXTS: Final = 128  # PS3.8, 9.3.2.2: odd numbers up to 255
_LAST_WORD_S: Final = 0.1  # for an A-ABORT that is on its way out
_AT_ONCE_S: Final = 1.0  # a server that breaks off so soon is asked once more
_PDU_BYTES: Final = 128 * 1024


class NothingAccepted(ServerRefused):
    """The server is there, and takes none of the kinds and encodings that were proposed."""


@contextmanager
def associated(
    server: Server,
    contexts: Sequence[PresentationContext],
    cancel: Cancel,
    *,
    negotiate: Sequence[Any] = (),
    handlers: Sequence[Any] = (),
    limits: Limits | None = None,
) -> Iterator[association.Association]:
    """An established association: released afterwards, aborted if something went wrong or the user stopped.

    Raises
    ------
    ServerUnreachable, ServerRefused, Cancelled
    """
    cancel.check()
    limits, began = limits or Limits(), time.monotonic()
    with Watch(cancel) as watch:
        bound = [(evt.EVT_CONN_OPEN, watch.connected), *handlers]
        link = _associate(server, contexts, negotiate, bound, limits)
        if _broke_off(link) and time.monotonic() - began < _AT_ONCE_S:
            cancel.check()
            link = _associate(server, contexts, negotiate, bound, limits)
        if not link.is_established:
            cancel.check()
            raise _why_not(server, link, limits)
        yield from _kept(server, link, cancel)
    _end(link)


def _kept(server: Server, link: association.Association, cancel: Cancel) -> Iterator[association.Association]:
    """The link, until it is done with or breaks."""
    try:
        yield link
    except GeneratorExit:  # whoever asked has enough
        _abort(link)
        raise
    except RuntimeError as error:  # pynetdicom's, when asked to speak over a connection that broke
        _abort(link)
        cancel.check()
        raise ServerUnreachable(f"{server.name} broke off the connection.") from error
    except BaseException:
        _abort(link)
        cancel.check()
        raise
    if link.is_established:
        link.release()


def check_status(server: Server, status: Dataset, what: str) -> int:
    """The status of a reply.

    Raises
    ------
    ServerUnreachable
        If there was none: the connection broke, or time ran out.
    """
    if "Status" not in status:
        raise ServerUnreachable(f"{server.name} broke off or stopped answering while {what}.")
    return int(status.Status)


def _associate(
    server: Server,
    contexts: Sequence[PresentationContext],
    negotiate: Sequence[Any],
    handlers: Sequence[Any],
    limits: Limits,
) -> association.Association:
    entity = Entity(server.calling_ae)
    entity.implementation_version_name = f"MEDREASON_{__version__}"[:16]
    entity.connection_timeout = limits.connect_s
    entity.acse_timeout = entity.dimse_timeout = limits.answer_s
    entity.network_timeout = 2 * limits.answer_s
    return entity.associate(
        _address(server),
        server.port,
        list(contexts),
        ae_title=server.called_ae,
        max_pdu=_PDU_BYTES,
        ext_neg=list(negotiate),
        tls_args=(client_context(server), server.host) if server.tls else None,
        evt_handlers=list(handlers),
    )


def _address(server: Server) -> str:
    """The host's first address, for pynetdicom takes no names."""
    try:
        found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ServerUnreachable(f"The host {server.host} of {server.name} is not known here.") from error
    return str(found[0][4][0])


def _broke_off(link: association.Association) -> bool:
    """Whether a server ended the connection without a word: what it said may have been lost with it."""
    return bool(link.is_aborted and link.acceptor.primitive is None)


def _abort(link: association.Association) -> None:
    if link.is_established:
        link.abort()
    else:
        time.sleep(_LAST_WORD_S)
        shut(link)
    _end(link)


def _end(link: association.Association) -> None:
    link.kill()
    if link.is_alive():
        link.join(ANSWER_S)
    connection = link.dul.socket
    if connection is not None and connection.socket is not None:  # broken off before its own thread closed it
        connection.socket.close()


def _why_not(server: Server, link: association.Association, limits: Limits) -> NetworkError:
    """The reason for there being no association, as an error to raise."""
    _end(link)
    answer = link.acceptor.primitive
    if link.is_rejected and answer is not None:
        sentence = f"{server.name} refuses to talk to {server.calling_ae}: {answer.reason_str.lower()}."
        return TitleRefused(sentence) if answer.result == 1 else ServerUnreachable(sentence)
    if link.acceptor.primitive is not None and not link.accepted_contexts:
        return NothingAccepted(f"{server.name} offers none of the services that were asked for.")
    return _unreachable(server, limits)


def _unreachable(server: Server, limits: Limits) -> ServerUnreachable:
    """Connect once more by hand, for pynetdicom does not say what went wrong."""
    where = f"{server.name} ({server.host}, port {server.port})"
    try:
        with socket.create_connection((server.host, server.port), limits.connect_s) as plain:
            if server.tls and (refusal := _handshake(server, plain, where)) is not None:
                return refusal
    except ssl.SSLCertVerificationError as error:
        return NotTrusted(f"The certificate of {where} is not trusted: {error.verify_message}.")
    except ssl.SSLError as error:
        return NotTrusted(f"No TLS connection to {where} ({error.reason or error}).")
    except TimeoutError:
        return ServerUnreachable(f"{where} does not answer within {limits.connect_s:.0f} s.")
    except OSError as error:
        return ServerUnreachable(f"{where} cannot be reached ({error.strerror or error}).")
    return ServerUnreachable(f"{where} is there, but does not answer as a DICOM server does.")


def _handshake(server: Server, plain: socket.socket, where: str) -> NotTrusted | None:
    """What a server says that is there, but breaks off where TLS begins."""
    try:
        with client_context(server).wrap_socket(plain, server_hostname=server.host):
            return None
    except ConnectionError as error:
        return NotTrusted(f"{where} breaks off where TLS begins: perhaps it has none ({error.strerror}).")
