"""Compressed frames in a DICOM file: finding one's bytes, and giving it a file of its own.

Both run in the decoding child. The walk reads item headers only and checks every length against the file.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from itertools import pairwise
from typing import BinaryIO

from ..series import PixelLayout
from .pixels import NotCtPixels

_ITEM, _END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)
_END_OF_IMAGE = b"\xff\xd9"  # EOI of JPEG and JPEG-LS, EOC of JPEG 2000
_MOST_FRAGMENTS = 1_000_000

_Span = tuple[int, int]  # where a fragment's bytes begin in the file, and how many there are


def frame_from(path: str, offset: int, number: int, count: int) -> bytes:
    """The bitstream of one frame.

    Parameters
    ----------
    path : str
    offset : int
        Where the value of Pixel Data begins.
    number, count : int
        Which frame (from 1) of how many.

    Raises
    ------
    NotCtPixels
        If the fragments are cut, or it cannot be told which belong to the frame.
    OSError
        If the file cannot be read.
    """
    frames = _frames(path, offset, count)
    if not 1 <= number <= len(frames):
        raise NotCtPixels("it has fewer frames than its header says")
    with open(path, "rb") as file:
        return b"".join(_bytes(file, span) for span in frames[number - 1])


@lru_cache(maxsize=2)  # the frames of one file are decoded one after the other
def _frames(path: str, offset: int, count: int) -> list[list[_Span]]:
    """The fragments of every frame."""
    with open(path, "rb") as file:
        table, fragments = _fragments(file, offset)
        if count == 1:
            return [fragments]
        if len(fragments) == count:
            return [[fragment] for fragment in fragments]
        if len(table) == count:
            return _by_table(table, fragments)
        return _by_ends(file, fragments, count)


def _fragments(file: BinaryIO, offset: int) -> tuple[list[int], list[_Span]]:
    """The basic offset table, and where the fragments are."""
    size = file.seek(0, 2)
    found: list[_Span] = []
    position = offset
    while len(found) <= _MOST_FRAGMENTS:
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            raise NotCtPixels("its pixel data is cut off")
        group, element, length = struct.unpack("<HHL", header)
        if (group, element) == _END:
            break
        if (group, element) != _ITEM or position + 8 + length > size:
            raise NotCtPixels("its pixel data is cut off or damaged")
        found.append((position + 8, length))
        position += 8 + length
    if len(found) < 2:
        raise NotCtPixels("it holds no pixel data")
    table = _bytes(file, found[0])
    return list(struct.unpack(f"<{len(table) // 4}L", table[: len(table) // 4 * 4])), found[1:]


def _by_table(table: list[int], fragments: list[_Span]) -> list[list[_Span]]:
    """Offsets count from the first fragment's item header."""
    first = fragments[0][0]
    places = [begin - first for begin, _ in fragments]
    frames = [
        [span for span, place in zip(fragments, places, strict=True) if low <= place < high]
        for low, high in pairwise([*table, places[-1] + 1])
    ]
    if not all(frames):
        raise NotCtPixels("its table of frames is damaged")
    return frames


def _by_ends(file: BinaryIO, fragments: list[_Span], count: int) -> list[list[_Span]]:
    """Without a table: a frame ends with the fragment whose last bytes hold an end-of-image marker."""
    frames: list[list[_Span]] = [[]]
    for begin, length in fragments:
        frames[-1].append((begin, length))
        tail = _bytes(file, (begin + max(0, length - 10), min(10, length)))
        if _END_OF_IMAGE in tail:
            frames.append([])
    if len(frames) - 1 != count:
        raise NotCtPixels("it cannot be told where its frames begin")
    return frames[:-1]


def _bytes(file: BinaryIO, span: _Span) -> bytes:
    file.seek(span[0])
    data = file.read(span[1])
    if len(data) != span[1]:
        raise NotCtPixels("its pixel data is cut off")
    return data


def one_frame_file(bitstream: bytes, layout: PixelLayout) -> bytes:
    """A DICOM file that holds one compressed frame, what is needed to decode it, and nothing of a patient.

    It has no rescale, so that what a reader returns are stored values.
    """
    uid = "1.2.826.0.1.3680043.8.498.1"
    meta = b"".join(
        (
            _element(0x0002, 0x0001, b"OB", b"\0\1"),
            _element(0x0002, 0x0002, b"UI", _text("1.2.840.10008.5.1.4.1.1.7", "\0")),
            _element(0x0002, 0x0003, b"UI", _text(uid, "\0")),
            _element(0x0002, 0x0010, b"UI", _text(layout.transfer_syntax, "\0")),
        )
    )
    body = b"".join(
        (
            _element(0x0008, 0x0016, b"UI", _text("1.2.840.10008.5.1.4.1.1.7", "\0")),
            _element(0x0008, 0x0018, b"UI", _text(uid, "\0")),
            _element(0x0028, 0x0002, b"US", struct.pack("<H", 1)),
            _element(0x0028, 0x0004, b"CS", _text("MONOCHROME2", " ")),
            *(
                _element(0x0028, element, b"US", struct.pack("<H", value))
                for element, value in (
                    (0x0010, layout.rows),
                    (0x0011, layout.cols),
                    (0x0100, layout.bits_allocated),
                    (0x0101, layout.bits_stored),
                    (0x0102, layout.bits_stored - 1),
                    (0x0103, int(layout.signed)),
                )
            ),
            b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff",
            b"\xfe\xff\0\xe0\0\0\0\0",
            b"\xfe\xff\0\xe0" + struct.pack("<L", len(bitstream) + len(bitstream) % 2),
            bitstream + b"\0" * (len(bitstream) % 2),
            b"\xfe\xff\xdd\xe0\0\0\0\0",
        )
    )
    length = _element(0x0002, 0x0000, b"UL", struct.pack("<L", len(meta)))
    return b"\0" * 128 + b"DICM" + length + meta + body


def _element(group: int, element: int, vr: bytes, value: bytes) -> bytes:
    if vr == b"OB":
        return struct.pack("<HH2sHL", group, element, vr, 0, len(value)) + value
    return struct.pack("<HH2sH", group, element, vr, len(value)) + value


def _text(value: str, pad: str) -> bytes:
    return (value + pad * (len(value) % 2)).encode("ascii")
