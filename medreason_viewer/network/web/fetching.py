"""WADO-RS: whole objects as the archive stores them, each given as soon as it is complete."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final

import httpx2

from ...errors import NetworkError, ServerRefused, ServerUnreachable, UnreadableFile
from ..archive import Wanted
from ..inbox import StudyFolder
from .link import Talk
from .multipart import NotMultipart, Piece, boundary_of, read_parts

log = logging.getLogger(__name__)

_ACCEPT: Final = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_LARGEST_BYTES: Final = 4 * 1024**3
_MOST_REFUSED: Final = 16
_GONE: Final = (404, 410)


def fetch(talk: Talk, wanted: Wanted, into: StudyFolder) -> Iterator[Path]:
    """Bring what is wanted: all in one answer, or what is missing one by one."""
    uids = wanted.sop_uids
    for path in _paths(wanted):
        with talk.request("GET", path, accept=_ACCEPT, also=_GONE) as response:
            if response.status_code in _GONE:
                continue  # it was deleted there meanwhile; noticed when what came is counted
            yield from _keep_all(talk, _pieces(talk, response), uids, into)


def _paths(wanted: Wanted) -> Iterator[str]:
    study = f"/studies/{wanted.study_uid}"
    if wanted.whole:
        yield f"{study}/series/{wanted.series_uid}" if wanted.series_uid else study
        return
    for instance in wanted.instances:
        yield f"{study}/series/{instance.series_uid}/instances/{instance.sop_uid}"


def _pieces(talk: Talk, response: httpx2.Response) -> Iterator[Piece]:
    name = talk.server.name
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise ServerRefused(f"{name} compresses what it sends, though it was asked not to.")
    kind = response.headers.get("Content-Type", "")
    if kind.startswith("application/dicom") and "json" not in kind:
        return _single(response.iter_raw())
    try:
        return _told(name, read_parts(response.iter_raw(), boundary_of(kind)))
    except NotMultipart:
        raise ServerRefused(f"{name} did not answer with DICOM objects.") from None


def _single(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """One object without an envelope, as some servers send it."""
    yield from chunks
    yield None


def _told(name: str, pieces: Iterator[Piece]) -> Iterator[Piece]:
    try:
        yield from pieces
    except NotMultipart as broken:
        raise ServerUnreachable(f"{name} broke off in the middle: {broken}.") from None


def _keep_all(talk: Talk, pieces: Iterator[Piece], uids: frozenset[str], into: StudyFolder) -> Iterator[Path]:
    """Write part after part; one that was not asked for, or is damaged, is dropped."""
    refused = 0
    while (first := next(pieces, None)) is not None:
        place = _keep(talk, first, pieces, uids, into)
        if place is not None:
            yield place
            continue
        refused += 1
        if refused > _MOST_REFUSED:
            raise ServerRefused(f"{talk.server.name} sends objects that were not asked for.")


def _keep(
    talk: Talk, first: bytes, pieces: Iterator[Piece], uids: frozenset[str], into: StudyFolder
) -> Path | None:
    """Write one part; None if it was not wanted, or is here already."""
    with ExitStack() as until_kept:
        part = until_kept.enter_context(into.arriving())
        try:
            with part.open("wb") as file:
                _write(talk, file, first, pieces)
            place, new = into.keep(part, uids)
        except UnreadableFile:
            log.warning("An object arrived that is damaged or was not asked for; it was dropped")
            return None
        except OSError as error:
            reason = error.strerror or error
            raise NetworkError(
                f"What arrived could not be written to this workstation ({reason})."
            ) from error
        return place if new else None


def _write(talk: Talk, file: BinaryIO, first: bytes, pieces: Iterator[Piece]) -> None:
    written = file.write(first)
    while (piece := next(pieces, None)) is not None:
        written += file.write(piece)
        if written > _LARGEST_BYTES:
            raise ServerRefused(f"{talk.server.name} sends an object larger than {_LARGEST_BYTES >> 30} GB.")
