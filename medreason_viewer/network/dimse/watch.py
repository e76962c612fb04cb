"""Breaking an association off as soon as the user stops, whatever it is waiting for."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import Final

from pynetdicom.association import Association
from pynetdicom.events import Event

from ...cancel import Cancel

_POLL_S: Final = 0.05
_NO_LINGERING: Final = struct.pack("ii", 1, 0)  # a peer in the middle of sending hears of it at once


class Watch:
    """Looks at the token while the block lasts."""

    def __init__(self, cancel: Cancel) -> None:
        self._cancel = cancel
        self._over = threading.Event()
        self._link: Association | None = None
        self._thread = threading.Thread(target=self._watch, name="dimse-cancel", daemon=True)

    def connected(self, event: Event) -> None:
        """Bind to EVT_CONN_OPEN: from here on there is something to break."""
        self._link = event.assoc

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_POLL_S):
            if self._cancel.requested and self._link is not None:
                _break(self._link)


def _break(link: Association) -> None:
    """Once, and again until nobody waits any more: the link's own thread may take the word that wakes."""
    if link.is_established:
        link.abort(block=False)
    elif not link.is_aborted:
        shut(link)
    link.dimse.msg_queue.put((None, None))  # as if the peer were lost


def shut(link: Association) -> None:
    """Shut the connection, if it is still open: what waits for the peer to do so waits no more."""
    connection = link.dul.socket
    if connection is not None and connection.socket is not None:
        with contextlib.suppress(OSError):  # the plain one, also under TLS: it wakes whoever reads
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
            socket.socket.shutdown(connection.socket, socket.SHUT_RDWR)
