"""A server that no peer can hold up: TLS is negotiated in each connection's own thread, under a time limit.

pynetdicom 3.0.4 negotiates it where it accepts connections, so that one silent peer keeps all others out.
"""

from __future__ import annotations

import logging
import socket
import ssl
from socketserver import BaseServer
from typing import Any, Final, cast

from pynetdicom.transport import ThreadedAssociationServer

log = logging.getLogger(__name__)

_HANDSHAKE_S: Final = 10.0
_MOST_CONNECTIONS: Final = 32


class GuardedServer(ThreadedAssociationServer):
    """Accepts connections; each is an association of its own."""

    daemon_threads = True  # one that is still being negotiated does not hold up the end of the program

    def get_request(self) -> tuple[socket.socket, Any]:
        """Take a connection, and nothing more."""
        connection, address = cast(socket.socket, self.socket).accept()
        connection.settimeout(_HANDSHAKE_S)
        if self.ssl_context is not None:
            connection = self.ssl_context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is room for one more."""
        return len(self.ae.active_associations) < _MOST_CONNECTIONS

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Runs in the connection's own thread."""
        if isinstance(request, ssl.SSLSocket):
            request.do_handshake()
        request.settimeout(self.ae.network_timeout)
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke before it became an association."""
        log.info("A connection to the store receiver was given up before it spoke DICOM")

    def shutdown(self) -> None:
        """Accept no more, and close the socket."""
        BaseServer.shutdown(self)
        self.server_close()
