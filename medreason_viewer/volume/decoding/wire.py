"""What the viewer and its decoding children say to each other: JSON to the child, fixed structs back.

A child reads untrusted files, so nothing it says is trusted: a reply is a struct of known size with a short
sentence, and pixels lie in a slot of shared memory whose size the viewer chose.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import sys
import tempfile
from dataclasses import asdict, dataclass
from typing import Final, NamedTuple

from ..series import PixelLayout

MOST_TEXT: Final = 400
READY: Final = 0xFFFFFFFF  # the ticket of the child's first message
_LENGTH: Final = struct.Struct("<I")
REPLY: Final = struct.Struct("<IBIH")  # ticket, whether it went well, bytes in the slot, bytes of text


@dataclass(frozen=True, slots=True)
class Start:
    """How a child is to run: given once, as its only argument."""

    ring: str
    slots: int
    slot_bytes: int
    memory_bytes: int
    parent: int

    def encode(self) -> str:
        """As one command-line argument."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> Start:
        """The inverse of :meth:`encode`."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Request:
    """One frame to decode into one slot.

    ``offset`` is where the value of Pixel Data begins, None where only a full parser finds it.
    """

    ticket: int
    slot: int
    path: str
    offset: int | None
    number: int
    count: int
    deadline_s: float
    layout: PixelLayout

    def encode(self) -> bytes:
        """Length and JSON."""
        body = json.dumps(asdict(self)).encode()
        return _LENGTH.pack(len(body)) + body

    @classmethod
    def decode(cls, body: bytes) -> Request:
        """The inverse of :meth:`encode`, without the length."""
        fields = json.loads(body)
        return cls(**{**fields, "layout": PixelLayout(**fields["layout"])})


class Reply(NamedTuple):
    """What a child says of one frame: ``text`` is a clause where it failed."""

    ticket: int
    good: bool
    size: int
    text: str


def encode_reply(ticket: int, good: bool, size: int, text: str = "") -> bytes:
    """A reply's bytes; too long a text is cut."""
    body = text.encode("utf-8", "replace")[:MOST_TEXT]
    return REPLY.pack(ticket, good, size, len(body)) + body


def read_reply(descriptor: int) -> Reply | None:
    """The next reply; None when the child is gone or talks nonsense."""
    head = read_exactly(descriptor, REPLY.size)
    if head is None:
        return None
    ticket, good, size, length = REPLY.unpack(head)
    text = read_exactly(descriptor, length) if length <= MOST_TEXT else None
    if text is None or good > 1:
        return None
    return Reply(ticket, bool(good), size, text.decode("utf-8", "replace"))


def read_request(descriptor: int) -> Request | None:
    """The next request; None when the viewer is gone."""
    head = read_exactly(descriptor, _LENGTH.size)
    body = None if head is None else read_exactly(descriptor, _LENGTH.unpack(head)[0])
    return None if body is None else Request.decode(body)


def read_exactly(descriptor: int, count: int) -> bytes | None:
    """So many bytes, or None at the end of the stream."""
    parts = []
    while count:
        part = os.read(descriptor, count)
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


class Ring:
    """Shared memory of the viewer and one child: a file that has no name, or on Windows a named mapping.

    Parameters
    ----------
    slots, slot_bytes : int
    name : str, optional
        As :attr:`name` of the ring to open; a new one is made without it.
    """

    def __init__(self, slots: int, slot_bytes: int, name: str = "") -> None:
        self.slot_bytes = slot_bytes
        size = slots * slot_bytes
        if sys.platform == "win32":
            self.descriptor = -1
            self.name = name or f"medreason-{os.getpid()}-{id(self)}-{os.urandom(8).hex()}"
            self._memory = mmap.mmap(-1, size, tagname=self.name)
            return
        self.descriptor = int(name) if name else _nameless_file(size)
        self.name = str(self.descriptor)
        self._memory = mmap.mmap(self.descriptor, size)

    def slot(self, index: int, size: int) -> memoryview:
        """The first ``size`` bytes of a slot; release it before the ring is closed.

        Raises
        ------
        ValueError
            If there is no such slot, or it is smaller.
        """
        begin = index * self.slot_bytes
        if not (0 <= begin < len(self._memory) and 0 <= size <= self.slot_bytes):
            raise ValueError(f"slot {index} does not hold {size} bytes")
        return memoryview(self._memory)[begin : begin + size]

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()
        if self.descriptor >= 0:
            os.close(self.descriptor)


def _nameless_file(size: int) -> int:
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("medreason-frames")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.truncate(descriptor, size)
    return descriptor
