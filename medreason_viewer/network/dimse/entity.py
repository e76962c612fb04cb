"""An application entity whose sockets close, also where a connection was refused or broke.

pynetdicom 3.0.4 closes a socket only after it could shut it down, which fails on one that is not connected.
"""

from __future__ import annotations

import socket
import ssl

from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.transport import AddressInformation, AssociationSocket

from .late_words import drop_late_words


class _ClosingSocket(AssociationSocket):
    def _shutdown_socket(self) -> None:
        opened = self.socket
        super()._shutdown_socket()
        if opened is not None:
            opened.close()


class Entity(ApplicationEntity):
    """An application entity that asks for associations."""

    def _create_socket(
        self,
        assoc: Association,
        address: AddressInformation,
        tls_args: tuple[ssl.SSLContext, str] | None,
    ) -> AssociationSocket:
        drop_late_words(assoc)
        made = _ClosingSocket(assoc, address=address)
        made.tls_args = tls_args
        if made.socket is not None:  # to fill a packet before it is sent costs 40 ms an object
            made.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
