"""An object that a peer sends -> a file in a study's folder, and the answering status (PS3.4, B.2.3)."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Final

from pynetdicom.events import Event

from ...errors import UnreadableFile
from ..inbox import StudyFolder
from ..streaming import Put

log = logging.getLogger(__name__)

STORED: Final = 0x0000
NO_ROOM: Final = 0xA700
MISMATCH: Final = 0xA900
NOT_UNDERSTOOD: Final = 0xC000
LARGEST_BYTES: Final = 2 * 1024**3


class Taker:
    """Takes in what was asked for, each object once.

    Attributes
    ----------
    problem : OSError or None
        Why this workstation could not write one: a full disk, most likely.
    """

    def __init__(self, into: StudyFolder, wanted: frozenset[str], put: Put) -> None:
        self._into, self._wanted, self._put = into, wanted, put
        self.problem: OSError | None = None

    def __call__(self, event: Event) -> int:
        """Bind to EVT_C_STORE."""
        try:
            with self._into.arriving() as part:
                part.write_bytes(event.encoded_dataset())
                place, new = self._into.keep(part, self._wanted)
        except OSError as error:
            self.problem = error
            return NO_ROOM
        except UnreadableFile:
            log.warning("An object arrived that is damaged or was not asked for; it was refused")
            return MISMATCH
        self._put(place if new else None)
        return STORED


class TooMuch:
    """Notices a peer that sends one object without an end.

    pynetdicom collects an object in memory before anyone is asked about it.

    Parameters
    ----------
    end : callable
        Given the event; ends the association.

    Attributes
    ----------
    noticed : bool
        Whether it happened.
    """

    def __init__(self, end: Callable[[Event], None]) -> None:
        self._end = end
        self.noticed = False
        self._received: dict[int, float] = {}

    def count(self, event: Event) -> None:
        """Bind to EVT_DATA_RECV."""
        link = id(event.assoc)
        self._received[link] = self._received.get(link, 0) + len(event.data)
        if self._received[link] > LARGEST_BYTES:
            log.warning("A peer sent an object larger than %d bytes and was broken off", LARGEST_BYTES)
            self._received[link] = -math.inf  # once is enough
            self.noticed = True
            self._end(event)

    def over(self, event: Event) -> None:
        """An object is complete, or its association: bind to EVT_DIMSE_RECV and EVT_CONN_CLOSE."""
        self._received.pop(id(event.assoc), None)
