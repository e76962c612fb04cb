"""C-STORE: files go out as they are, in their own transfer syntax."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydicom.uid import UID
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context

from ...cancel import Cancel
from ...servers import Server
from ..archive import Outgoing, Sent
from ..limits import Limits
from ..statuses import judged
from .association import MOST_CONTEXTS, NothingAccepted, associated, check_status

Pair = tuple[str, str]


def store(server: Server, files: Sequence[Outgoing], cancel: Cancel, limits: Limits) -> Iterator[Sent]:
    """Send them, in as few associations as their kinds allow."""
    for batch in batches(files):
        contexts = [build_context(*pair) for pair in dict.fromkeys(map(_pair, batch))]
        try:
            with associated(server, contexts, cancel, limits=limits) as link:
                taken = {_taken(context) for context in link.accepted_contexts}
                for number, outgoing in enumerate(batch):
                    yield _store(server, link, outgoing, taken, number)
                    cancel.check()
        except NothingAccepted:
            yield from (_not_taken(server, outgoing) for outgoing in batch)


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


def _not_taken(server: Server, outgoing: Outgoing) -> Sent:
    kind, syntax = UID(outgoing.sop_class).name, UID(outgoing.transfer_syntax).name
    return Sent(outgoing, f"{server.name} does not take {kind} in {syntax}.", permanent=True)


def _store(server: Server, link: Association, outgoing: Outgoing, taken: set[Pair], number: int) -> Sent:
    if _pair(outgoing) not in taken:
        return _not_taken(server, outgoing)
    status = link.send_c_store(outgoing.path, msg_id=number % 65535 + 1)
    return judged(server, outgoing, check_status(server, status, "it was sent an object"))
