"""Inflating under a limit: a few kilobytes of hostile data must not become gigabytes."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Final

from ...errors import UnreadableFile

LARGEST_RATIO: Final = 100
LARGEST_BYTES: Final = 1024**3
_SMALL: Final = 4 * 1024 * 1024  # an empty phantom slice compresses far better than 100:1
_STEP: Final = 1024 * 1024


def inflate(deflated: bytes, path: Path) -> bytes:
    """Inflate a raw deflate stream (RFC 1951), as DICOM's deflated transfer syntax uses.

    Raises
    ------
    UnreadableFile
        If the stream is damaged, or grows beyond 100 times its size or 1 GiB; ``path`` names it.
    """
    limit = inflation_limit(len(deflated))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    parts, total, rest = [], 0, deflated
    while not inflater.eof and rest:
        try:
            part = inflater.decompress(rest, _STEP)
        except zlib.error:
            raise UnreadableFile(path, "its compressed data is damaged") from None
        total += len(part)
        if total > limit:
            raise UnreadableFile(path, "it would inflate beyond any plausible size")
        parts.append(part)
        rest = inflater.unconsumed_tail
    return b"".join(parts)


def inflation_limit(deflated_bytes: int) -> int:
    """The most bytes that so many compressed ones may become."""
    return min(LARGEST_BYTES, max(_SMALL, deflated_bytes * LARGEST_RATIO))
