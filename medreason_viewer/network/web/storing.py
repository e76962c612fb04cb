"""STOW-RS: files go out as they are, streamed, a few in one request; each is judged by the answer."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ..archive import Outgoing, Sent
from ..statuses import judged
from .answers import Json, texts, values
from .link import Talk
from .multipart import closing, part_end, part_head

_MOST_FILES: Final = 16
_MOST_BYTES: Final = 32 * 1024**2
_CHUNK: Final = 256 * 1024
_TYPE: Final = "application/dicom"
_CONFLICT: Final = 409  # none of them was stored; the body says why
_UNKNOWN: Final = 0xC000


def store(talk: Talk, files: Sequence[Outgoing]) -> Iterator[Sent]:
    """Send them; yields what became of each."""
    for batch in batches(files):
        yield from _store(talk, batch)


def batches(files: Sequence[Outgoing]) -> Iterator[list[Outgoing]]:
    """Runs of files that make a request of bearable size; a large one goes alone."""
    batch: list[Outgoing] = []
    size = 0
    for outgoing in files:
        more = outgoing.path.stat().st_size
        if batch and (len(batch) == _MOST_FILES or size + more > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(outgoing)
        size += more
    if batch:
        yield batch


def _store(talk: Talk, batch: list[Outgoing]) -> Iterator[Sent]:
    boundary = secrets.token_hex(16)
    headers = {
        "Content-Type": f'multipart/related; type="{_TYPE}"; boundary={boundary}',
        "Content-Length": str(_length(batch, boundary)),
    }
    with talk.request(
        "POST",
        "/studies",
        accept="application/dicom+json",
        headers=headers,
        content=_body(batch, boundary),
        also=(_CONFLICT,),
    ) as response:
        answers = talk.data_sets(response)
    yield from _judge(talk, batch, answers[0] if answers else None, response.status_code)


def _length(batch: list[Outgoing], boundary: str) -> int:
    around = len(part_head(boundary, _TYPE)) + len(part_end())
    sizes = sum(outgoing.path.stat().st_size for outgoing in batch)
    return sizes + len(batch) * around + len(closing(boundary))


def _body(batch: list[Outgoing], boundary: str) -> Iterator[bytes]:
    for outgoing in batch:
        yield part_head(boundary, _TYPE)
        yield from _content(outgoing.path)
        yield part_end()
    yield closing(boundary)


def _content(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _judge(talk: Talk, batch: list[Outgoing], answer: Json | None, code: int) -> Iterator[Sent]:
    """What became of each: named as stored, named as failed, or passed over in silence.

    A success without a word about any object means all of them (PS3.18, 10.5.3).
    """
    stored = _named(answer, "ReferencedSOPSequence")
    failed = _named(answer, "FailedSOPSequence")
    silent_success = code == 200 and not stored and not failed
    for outgoing in batch:
        if outgoing.sop_uid in failed:
            yield judged(talk.server, outgoing, _reason(failed[outgoing.sop_uid]))
        elif outgoing.sop_uid in stored or silent_success:
            yield Sent(outgoing)
        else:
            yield Sent(outgoing, f"{talk.server.name} does not say whether it stored an object.")


def _named(answer: Json | None, sequence: str) -> dict[str, Any]:
    items = values(answer or {}, sequence)
    return {texts(item)("ReferencedSOPInstanceUID"): item for item in items if isinstance(item, dict)}


def _reason(item: Json) -> int:
    """The reason of a failure, which is never a success or a warning."""
    try:
        reason = int(texts(item)("FailureReason"))
    except ValueError:
        return _UNKNOWN
    return reason if reason != 0 and reason >> 12 != 0xB else _UNKNOWN
