"""*Push to AI*: what named peers send to the store receiver lands in the inbox."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pynetdicom.events import Event

from ...errors import UnreadableFile
from ...servers import Receiver
from ..inbox import Inbox
from ..part10 import read_label
from .receiver import listening
from .taking import MISMATCH, NO_ROOM, STORED

log = logging.getLogger(__name__)

_KEPT_FREE_BYTES: Final = 1024**3


@dataclass(frozen=True, slots=True)
class Pushed:
    """One object that was sent to us; ``folder`` holds what came of its study from that peer."""

    path: Path
    folder: Path
    study_uid: str
    series_uid: str
    sender: str


@contextmanager
def receiving(
    receiver: Receiver, inbox: Inbox, arrived: Callable[[Pushed], None]
) -> Iterator[tuple[str, int]]:
    """Listen while the block lasts, if the receiver is switched on; gives address and port.

    Parameters
    ----------
    arrived : callable
        Told of each object once it is on disk, in threads of the receiver's; an object that comes again with
        the same content is not told.

    Raises
    ------
    NetworkError
        If the port is taken or the address is not this workstation's.
    """
    if not receiver.on:
        raise ValueError("the store receiver is not switched on")
    with listening(receiver, receiver.allowed, lambda event: _take(event, inbox, arrived)) as where:
        yield where


def _take(event: Event, inbox: Inbox, arrived: Callable[[Pushed], None]) -> int:
    if shutil.disk_usage(inbox.root).free < _KEPT_FREE_BYTES:
        log.warning("The store receiver refuses objects: the disk is nearly full")
        return NO_ROOM
    sender = str(event.assoc.requestor.ae_title)
    try:
        with inbox.arriving() as part:
            part.write_bytes(event.encoded_dataset())
            label = read_label(part)
            folder = inbox.study(f"from {sender}", label.study_uid)
            place, new = folder.keep(part, replace=True)
    except UnreadableFile:
        log.warning("An object that was pushed is damaged; it was refused")
        return MISMATCH
    except OSError:
        log.warning("An object that was pushed could not be written")
        return NO_ROOM
    if new:
        arrived(Pushed(place, folder.path, label.study_uid, label.series_uid, sender))
    return STORED
