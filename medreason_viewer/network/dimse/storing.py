"""C-STORE: files go out as they are, in their own transfer syntax."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pydicom.uid import UID
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context

from ...cancel import Cancel
from ...servers import Server
from ..archive import Outgoing, Sent
from .association import MOST_CONTEXTS, Limits, associated, check_status

Pair = tuple[str, str]

_REASONS: Final = {  # PS3.4, table B.2-1 and PS3.7, annex C
    0x0110: "could not process it",
    0x0117: "calls its UID invalid",
    0x0122: "does not take this kind of object",
    0x0124: "does not allow us to store it",
    0x0111: "says that it holds another object of this UID",
}
_FAMILIES: Final = {0xA7: "has no room for it", 0xA9: "finds that it does not match its kind"}
_TRANSIENT_FAMILY: Final = 0xA7
_TRANSIENT: Final = (0x0110, 0x0210, 0x0213)  # processing failure, duplicate invocation, resource limitation


def store(server: Server, files: Sequence[Outgoing], cancel: Cancel, limits: Limits) -> Iterator[Sent]:
    """Send them, in as few associations as their kinds allow."""
    for batch in batches(files):
        contexts = [build_context(*pair) for pair in dict.fromkeys(map(_pair, batch))]
        with associated(server, contexts, cancel, limits=limits) as link:
            taken = {_taken(context) for context in link.accepted_contexts}
            for number, outgoing in enumerate(batch):
                yield _store(server, link, outgoing, taken, number)
                cancel.check()


def batches(files: Sequence[Outgoing]) -> Iterator[list[Outgoing]]:
    """Runs of files that one association can take, which is limited in kinds times encodings."""
    batch: list[Outgoing] = []
    pairs: set[Pair] = set()
    for outgoing in files:
        if len(pairs | {_pair(outgoing)}) > MOST_CONTEXTS:
            yield batch
            batch, pairs = [], set()
        batch.append(outgoing)
        pairs.add(_pair(outgoing))
    if batch:
        yield batch


def _pair(outgoing: Outgoing) -> Pair:
    return outgoing.sop_class, outgoing.transfer_syntax


def _taken(context: PresentationContext) -> Pair:
    return str(context.abstract_syntax), str(context.transfer_syntax[0])


def _store(server: Server, link: Association, outgoing: Outgoing, taken: set[Pair], number: int) -> Sent:
    if _pair(outgoing) not in taken:
        kind, syntax = UID(outgoing.sop_class).name, UID(outgoing.transfer_syntax).name
        return Sent(outgoing, f"{server.name} does not take {kind} in {syntax}.", permanent=True)
    status = link.send_c_store(outgoing.path, msg_id=number % 65535 + 1)
    return judged(server, outgoing, check_status(server, status, "it was sent an object"))


def judged(server: Server, outgoing: Outgoing, code: int) -> Sent:
    """What a C-STORE status means; warnings (elements coerced or dropped) mean that it is stored."""
    if code == 0 or code >> 12 == 0xB:
        return Sent(outgoing)
    family = code >> 8
    what = _REASONS.get(code) or _FAMILIES.get(family, "cannot understand it")
    permanent = family != _TRANSIENT_FAMILY and code not in _TRANSIENT
    return Sent(outgoing, f"{server.name} {what} (status {code:04X}).", permanent)
