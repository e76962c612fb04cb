"""The store receiver: C-STORE from named peers, while it is switched on, on loopback unless set otherwise."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from pynetdicom import ae, evt
from pynetdicom.events import Event
from pynetdicom.presentation import AllStoragePresentationContexts

from ...errors import NetworkError
from ...servers import Receiver
from ..limits import ANSWER_S
from ..tls import receiver_context
from . import late_words, quiet  # noqa: F401  # quiet: before anything is said
from .guarded import GuardedServer
from .syntaxes import SYNTAXES, VERIFICATION
from .taking import TooMuch

log = logging.getLogger(__name__)

_MOST_ASSOCIATIONS: Final = 8
_GRACE_S: Final = 0.2
_POLL_S: Final = 0.05
_PDU_BYTES: Final = 128 * 1024


@contextmanager
def listening(
    receiver: Receiver, allowed: Sequence[str], take: Callable[[Event], int]
) -> Iterator[tuple[str, int]]:
    """Listen while the block lasts; gives the address and port.

    Parameters
    ----------
    allowed : sequence of str
        AE titles that may send; at least one.
    take : callable
        Given each C-STORE event, in threads of their own; returns the status.

    Raises
    ------
    NetworkError
        If the port is taken or the address is not this workstation's.
    """
    if not allowed:
        raise ValueError("nobody would be allowed to send")
    entity = _entity(receiver, allowed)
    too_much = TooMuch(lambda event: event.assoc.abort(block=False))
    handlers: list[Any] = [
        (evt.EVT_CONN_OPEN, late_words.opened),
        (evt.EVT_C_STORE, take),
        (evt.EVT_DATA_RECV, too_much.count),
        (evt.EVT_DIMSE_RECV, too_much.over),
        (evt.EVT_CONN_CLOSE, too_much.over),
    ]
    context = receiver_context(receiver)
    try:
        server = entity.make_server(
            (receiver.host, receiver.port),
            evt_handlers=handlers,
            ssl_context=context,
            server_class=GuardedServer,
        )
    except OSError as error:
        raise NetworkError(
            f"The store receiver cannot listen on {receiver.host}, port {receiver.port} ({error.strerror})."
        ) from error
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_S,), name="receiver", daemon=True)
    thread.start()
    log.info("The store receiver listens on %s port %d", receiver.host, receiver.port)
    try:
        yield receiver.host, receiver.port
    finally:
        server.shutdown()
        thread.join()
        _end_all(entity)


def _end_all(entity: ae.ApplicationEntity) -> None:
    links = entity.active_associations
    for link in links:
        link.join(_GRACE_S)  # it may be about to end by itself
        link.abort()
    for link in links:
        link.join(ANSWER_S)


def _entity(receiver: Receiver, allowed: Sequence[str]) -> ae.ApplicationEntity:
    entity = ae.ApplicationEntity(receiver.ae_title)
    entity.require_called_aet = True
    entity.require_calling_aet = list(allowed)
    entity.maximum_associations = _MOST_ASSOCIATIONS
    entity.maximum_pdu_size = _PDU_BYTES
    entity.acse_timeout = entity.network_timeout = ANSWER_S
    entity.dimse_timeout = ANSWER_S
    for context in AllStoragePresentationContexts:
        assert context.abstract_syntax is not None
        entity.add_supported_context(context.abstract_syntax, list(SYNTAXES))
    entity.add_supported_context(VERIFICATION)
    return entity
