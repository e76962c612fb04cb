"""Server-sent events (WHATWG HTML, 9.2.6): from the bytes of a response to the data of its events."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

MOST_IN_EVENT: Final = 1024 * 1024
"""Bytes of a line, and of the data of one event; a token takes some hundred."""

_BREAK: Final = re.compile(rb"\r\n|\n|\r")
_BOM: Final = b"\xef\xbb\xbf"


class NotEvents(ValueError):
    """A line or an event that is longer than any answer's."""


def event_data(pieces: Iterable[bytes], most: int = MOST_IN_EVENT) -> Iterator[str]:
    """The data of each event, its lines joined; comments and other fields are left out.

    An event that the end of the stream breaks off is none, as the standard has it.

    Parameters
    ----------
    pieces : iterable of bytes
        The body, cut anywhere.

    Raises
    ------
    NotEvents
        If a line or an event has more than ``most`` bytes.
    """
    data: list[bytes] = []
    held = 0
    for line in _lines(pieces, most):
        if not line:
            if data:
                yield b"\n".join(data).decode("utf-8", "replace")
            data, held = [], 0
        elif (value := _value_of_data(line)) is not None:
            data.append(value)
            held += len(value) + 1
            if held > most:
                raise NotEvents("an event without an end")


def _value_of_data(line: bytes) -> bytes | None:
    name, colon, value = line.partition(b":")
    if name != b"data":
        return None
    return value.removeprefix(b" ") if colon else b""


def _lines(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Whole lines; they end in CR LF, LF or CR."""
    held = bytearray()
    first, after_cr = True, False
    for piece in pieces:
        if not piece:
            continue
        fresh = piece.removeprefix(b"\n") if after_cr else piece
        after_cr = piece.endswith(b"\r")
        begun, *others = _BREAK.split(fresh)
        held += begun
        for part in others:
            yield bytes(held).removeprefix(_BOM) if first else bytes(held)
            first, held = False, bytearray(part)
        if len(held) > most:
            raise NotEvents("a line without an end")
