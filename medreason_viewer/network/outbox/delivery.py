"""Sending what is due: what is acknowledged goes on record at once, what has no answer is postponed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from ...cancel import Cancel
from ...errors import NetworkError, SettingsError, UnreadableFile
from ..archive import Archive, Outgoing, Sent
from ..part10 import read_label
from .outbox import Item, Outbox

log = logging.getLogger(__name__)

Outcome = Literal["sent", "refused", "postponed"]

_MOST_AT_ONCE: Final = 200
_POLL_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one object, on record by now; ``reason`` is a sentence, empty where it was sent."""

    batch: str
    server: str
    outcome: Outcome
    reason: str = ""


def deliver(
    outbox: Outbox, archive_of: Callable[[str], Archive], cancel: Cancel | None = None
) -> Iterator[Delivered]:
    """Send what is due now, server by server, and return when nothing is.

    Does nothing while another process sends from the same queue.

    Parameters
    ----------
    archive_of : callable
        The archive of a server's name; may raise SettingsError where there is none any more.

    Raises
    ------
    Cancelled
        If a stop was requested; what was not acknowledged goes on waiting.
    """
    cancel = cancel or Cancel()
    with outbox.sending() as alone:
        while alone:
            items = outbox.due()[:_MOST_AT_ONCE]
            if not items:
                return
            for server, group in groupby(sorted(items, key=lambda item: item.server), _server):
                yield from _to_one(outbox, archive_of, server, list(group), cancel)


def keep_delivering(
    outbox: Outbox, archive_of: Callable[[str], Archive], cancel: Cancel
) -> Iterator[Delivered]:
    """Deliver until a stop is requested: what is added, and what was postponed, as it falls due."""
    while not cancel.requested:
        due = outbox.next_due()
        if due is not None and due <= time.time():
            yield from deliver(outbox, archive_of, cancel)
        time.sleep(_POLL_S)


def _server(item: Item) -> str:
    return item.server


def _to_one(
    outbox: Outbox, archive_of: Callable[[str], Archive], server: str, items: list[Item], cancel: Cancel
) -> Iterator[Delivered]:
    cancel.check()
    waiting: dict[str, Item] = {}
    files: list[Outgoing] = []
    for item in items:
        outgoing = _outgoing(item)
        if outgoing is None:
            yield _refuse(outbox, item, "The copy that was to be sent is gone or damaged.")
        else:
            waiting[outgoing.sop_uid] = item
            files.append(outgoing)
    try:
        for sent in archive_of(server).send(files, cancel):
            yield _settled(outbox, waiting.pop(sent.outgoing.sop_uid), sent)
    except (NetworkError, SettingsError) as error:
        reason = str(error)
        log.warning("A server could not be sent to; what waits is tried again later")
        later = [item for item in outbox.due() if item.server == server]
    else:
        reason = f"{server} did not say what became of it."
        later = list(waiting.values())
    outbox.postponed(later, reason)
    yield from (Delivered(item.batch, server, "postponed", reason) for item in later)


def _outgoing(item: Item) -> Outgoing | None:
    try:
        label = read_label(item.file)
    except (OSError, UnreadableFile):
        return None
    return Outgoing(item.file, label.sop_uid, label.sop_class, label.transfer_syntax)


def _settled(outbox: Outbox, item: Item, sent: Sent) -> Delivered:
    if sent.stored:
        outbox.sent(item)
        return Delivered(item.batch, item.server, "sent")
    if sent.permanent:
        return _refuse(outbox, item, sent.reason)
    outbox.postponed([item], sent.reason)
    return Delivered(item.batch, item.server, "postponed", sent.reason)


def _refuse(outbox: Outbox, item: Item, reason: str) -> Delivered:
    outbox.refused(item, reason)
    return Delivered(item.batch, item.server, "refused", reason)
