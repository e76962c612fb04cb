"""Walking the top-level elements of a DICOM data set, values of unwanted ones skipped.

A scan reads thousands of headers while the reader waits, and pydicom spends 1 ms on each; this walker needs a
tenth of that. It understands what well-formed files hold (explicit and implicit, either byte order, sequences
skipped whole); anything else is :class:`Unusual` and left to pydicom.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, NamedTuple

UNDEFINED: Final = 0xFFFFFFFF
_HEADER_SIZES: Final = {
    **dict.fromkeys(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split(), 8),
    **dict.fromkeys(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split(), 12),
}
VRS: Final = frozenset(_HEADER_SIZES)
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXEL_DATA: Final = 0x7FE00010
_FLOAT_PIXELS: Final = (0x7FE00008, 0x7FE00009)
_MOST_NESTED: Final = 64
_MOST_ITEMS: Final = 4096  # the rest of a longer chain is left to the decoder


class PixelSpan(NamedTuple):
    """Where the value of Pixel Data lies, in bytes from the start of the file.

    ``length`` is None for encapsulated pixels, ``offset`` is None where only a full parser finds them.
    """

    offset: int | None
    length: int | None


class Short(Exception):
    """The header goes on beyond the bytes at hand, at least up to ``needed``."""

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


class Unusual(Exception):
    """Something this walker leaves to pydicom."""


Element = tuple[int, bytes, int, int]
_Reader = Callable[[bytes, int], Element]


def walk_meta(data: bytes, position: int, values: dict[int, bytes]) -> int:
    """Collect group 2, always explicit little endian, into ``values``; returns where the data set begins."""
    read = _reader(implicit=False, order="<")
    while data[position : position + 2] == b"\x02\0":
        tag, _, position, length = read(data, position)
        values[tag] = data[position : position + length]
        position += length
        if position > len(data):
            raise Short(position)
    return position


def walk(
    data: bytes,
    position: int,
    size: int,
    encoding: tuple[bool, str],
    wanted: frozenset[int],
    values: dict[int, bytes],
) -> PixelSpan | None:
    """Collect wanted elements into ``values`` up to the pixel data, whose place is returned.

    ``data`` is the beginning of a file of ``size`` bytes, whose data set begins at ``position``; ``encoding``
    says whether value representations are implicit, and the byte order (``"<"`` or ``">"``).

    Raises
    ------
    Short
        If ``data`` ends before the elements do.
    Unusual
        If this is no plain data set.
    """
    read = _reader(*encoding)
    while position < size:
        tag, vr, position, length = read(data, position)
        if tag == _PIXEL_DATA:
            return PixelSpan(position, None if length == UNDEFINED else length)
        if length == UNDEFINED:
            if tag in wanted:
                values[tag] = b""
            position = _skip_sequence(data, position, vr, read)
            continue
        end = position + length
        if tag in wanted:
            values[tag] = _value(data, position, end)
        elif tag in _FLOAT_PIXELS:
            return None
        position = end
    if position > size:
        raise Short(position)
    return None


def _value(data: bytes, position: int, end: int) -> bytes:
    if end > len(data):
        raise Short(end)
    return data[position:end]


def _skip_sequence(data: bytes, position: int, vr: bytes, read: _Reader) -> int:
    """Where the sequence of undefined length that begins here ends."""
    if vr == b"UN":
        raise Unusual
    depth = 1
    while depth:
        tag, vr, position, length = read(data, position)
        if tag in (_ITEM_END, _SEQUENCE_END):
            depth -= 1
        elif length == UNDEFINED:
            depth += 1
            if vr == b"UN" or depth > _MOST_NESTED:
                raise Unusual
        else:
            position += length
    return position


def fragments_are_cut(read_at: Callable[[int, int], bytes], offset: int, size: int, order: str) -> bool:
    """Whether encapsulated pixels that begin at ``offset`` go on beyond the end of the file.

    ``read_at(position, count)`` gives bytes of a file of ``size`` bytes; only item headers are read.
    """
    unpack = struct.Struct(order + "HHL").unpack
    position = offset
    for _ in range(_MOST_ITEMS):
        header = read_at(position, 8)
        if len(header) < 8:
            return position == offset  # no delimiter at the end is common, and harmless
        group, element, length = unpack(header)
        if (group << 16 | element) != _ITEM or length == UNDEFINED:
            return False
        position += 8 + length
        if position > size:
            return True
    return False


def _reader(implicit: bool, order: str) -> _Reader:
    """A function (data, position) -> (tag, VR, where the value starts, its length)."""
    return _implicit_reader(order) if implicit else _explicit_reader(order)


def _implicit_reader(order: str) -> _Reader:
    unpack = struct.Struct(order + "HHL").unpack_from

    def read(data: bytes, position: int) -> Element:
        if position + 8 > len(data):
            raise Short(position + 8)
        group, element, length = unpack(data, position)
        return group << 16 | element, b"", position + 8, length

    return read


def _explicit_reader(order: str) -> _Reader:
    """Unpacks the longest form of a header at once: this is where a scan spends its time."""
    unpack = struct.Struct(order + "HH2sHL").unpack_from
    unpack_item = struct.Struct(order + "L").unpack_from
    sizes = _HEADER_SIZES

    def read(data: bytes, position: int) -> Element:
        try:
            group, element, vr, length, long_length = unpack(data, position)
        except struct.error:
            if position + 8 > len(data):
                raise Short(position + 8) from None
            group, element, vr, length, long_length = unpack(data[position:].ljust(12, b"\0"))
        size = sizes.get(vr)
        if size == 8:
            return group << 16 | element, vr, position + 8, length
        if size == 12:
            if position + 12 > len(data):
                raise Short(position + 12)
            return group << 16 | element, vr, position + 12, long_length
        if group == 0xFFFE:
            return group << 16 | element, b"", position + 8, unpack_item(data, position + 4)[0]
        raise Unusual

    return read
