"""multipart/related (RFC 2387), read as it comes and written as it goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from email.message import Message
from typing import Final

_MOST_HEADER: Final = 16 * 1024

Piece = bytes | None
"""Bytes of the part that is being read, or None at its end."""


class NotMultipart(ValueError):
    """It is something else, or broken off."""


def boundary_of(content_type: str) -> bytes:
    """The boundary that a Content-Type header names.

    Raises
    ------
    NotMultipart
        If it is not multipart/related, or names none.
    """
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/related" or not isinstance(boundary, str) or not boundary:
        raise NotMultipart(content_type)
    return boundary.encode("latin-1", "replace")


class _Reader:
    """Cuts chunks at the delimiter; holds back no more than a delimiter's length."""

    def __init__(self, chunks: Iterable[bytes], boundary: bytes) -> None:
        self._chunks = iter(chunks)
        self._delimiter = b"\r\n--" + boundary
        self._held = bytearray(b"\r\n")  # so that the first delimiter looks like the others

    def part(self) -> Iterator[bytes]:
        """What comes up to the next delimiter, which is taken away."""
        while True:
            found = self._held.find(self._delimiter)
            if found >= 0:
                yield self._take(found)
                self._take(len(self._delimiter))
                return
            yield self._take(max(0, len(self._held) - len(self._delimiter) + 1))
            self._more()

    def line_end(self) -> bool:
        """Skip the rest of a delimiter's line; whether a part follows."""
        if self._begins_with(b"--"):
            return False
        self._until(b"\r\n")
        return True

    def headers(self) -> bytes:
        """The header of a part."""
        if self._begins_with(b"\r\n"):
            return bytes(self._take(2))
        return self._until(b"\r\n\r\n")

    def _begins_with(self, two: bytes) -> bool:
        while len(self._held) < 2:
            self._more()
        return self._held.startswith(two)

    def _until(self, mark: bytes) -> bytes:
        while (found := self._held.find(mark)) < 0:
            if len(self._held) > _MOST_HEADER:
                raise NotMultipart("a header without an end")
            self._more()
        return bytes(self._take(found + len(mark)))

    def _take(self, count: int) -> bytes:
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    def _more(self) -> None:
        try:
            self._held += next(self._chunks)
        except StopIteration:
            raise NotMultipart("it ends in the middle") from None


def read_parts(chunks: Iterable[bytes], boundary: bytes) -> Iterator[Piece]:
    """The contents of the parts: pieces as they arrive, then None, for each.

    Raises
    ------
    NotMultipart
        If it ends before its closing delimiter, or a header has no end.
    """
    reader = _Reader(chunks, boundary)
    for _ in reader.part():
        pass  # what comes before the first part means nothing
    while reader.line_end():
        reader.headers()
        yield from filter(None, reader.part())
        yield None


def part_head(boundary: str, content_type: str) -> bytes:
    """What precedes the content of a part."""
    return f"--{boundary}\r\nContent-Type: {content_type}\r\n\r\n".encode("ascii")


def part_end() -> bytes:
    """What follows the content of a part."""
    return b"\r\n"


def closing(boundary: str) -> bytes:
    """What follows the last part."""
    return f"--{boundary}--\r\n".encode("ascii")
