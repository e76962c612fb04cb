"""A DIMSE peer by pynetdicom that behaves as a test wants it to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from orthanc import free_port
from pynetdicom import AE, evt
from pynetdicom.presentation import AllStoragePresentationContexts
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    Verification,
)

from medreason_viewer.servers import Server


@contextmanager
def odd_peer(
    handlers: dict[evt.EventType, Callable[..., Any]], calling: tuple[str, ...] = (), storage: bool = True
) -> Iterator[Server]:
    """Listens on loopback while the block lasts."""
    entity, port = AE("ODD"), free_port()
    entity.require_calling_aet = list(calling)
    entity.acse_timeout = entity.network_timeout = entity.dimse_timeout = 15  # not the usual 60
    entity.add_supported_context(Verification)
    entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
    entity.add_supported_context(StudyRootQueryRetrieveInformationModelGet)
    if storage:
        for context in AllStoragePresentationContexts:
            role = context.abstract_syntax == CTImageStorage
            entity.add_supported_context(context.abstract_syntax, scu_role=role, scp_role=True)
    opened: list[socket.socket] = []
    keep = (evt.EVT_CONN_OPEN, lambda event: opened.append(event.assoc.dul.socket.socket))
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=[keep, *handlers.items()])
    assert server is not None
    try:
        yield Server("odd", host="127.0.0.1", port=port, called_ae="ODD", calling_ae="VIEWER")
    finally:
        for link in entity.active_associations:
            link.join(0.3)  # pynetdicom's shutdown trips over one that is just ending
        entity.shutdown()
        for connection in opened:  # pynetdicom leaves those open that broke
            connection.close()
