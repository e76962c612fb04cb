"""The top-level elements of one DICOM file, as raw bytes, without its pixels."""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from ...errors import UnreadableFile
from . import names
from .full import as_raw_text, read_whole
from .inflate import inflate
from .walk import VRS, PixelSpan, Short, Unusual, fragments_are_cut, walk, walk_meta

_FIRST_READ: Final = 16 * 1024
_LARGEST_HEADER: Final = 256 * 1024 * 1024
_IMPLICIT, _EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
_CUT: Final = "its header is cut off"


class NotDicom(Exception):
    """The file does not begin as a DICOM file does."""


@dataclass(slots=True)
class Tags:
    """Raw values of the wanted top-level elements of one file.

    Attributes
    ----------
    values : dict of int to bytes
        Value by tag number, such as ``0x00280010``; padding included. A sequence has an empty value.
    byte_order : str
        ``"<"`` or ``">"``, for binary values.
    pixels : PixelSpan or None
        Where the pixels are; None if there are none.
    size : int
        Size of the file in bytes.
    cut : bool
        Whether compressed pixels go on beyond the end of the file.
    """

    values: dict[int, bytes]
    byte_order: str
    transfer_syntax: str
    preamble: bytes
    pixels: PixelSpan | None
    size: int
    cut: bool = False

    def text(self, tag: int) -> str:
        """The value as text with Latin-1 letters, without padding; empty if absent."""
        return self.values.get(tag, b"").decode("latin-1").strip(" \0\t\r\n")

    def parts(self, tag: int) -> tuple[str, ...]:
        """The values of a text element, split at backslashes; empty if absent."""
        text = self.text(tag)
        return tuple(part.strip(" \0") for part in text.split("\\")) if text else ()

    def floats(self, tag: int) -> tuple[float, ...]:
        """A decimal string's numbers.

        Raises
        ------
        ValueError
            If one of them is not a number.
        """
        return tuple(map(float, self.values.get(tag, b"").strip(b" \0").split(b"\\")))

    def integer(self, tag: int) -> int | None:
        """An integer string's first number; None if absent or not a number."""
        try:
            return int(float(self.parts(tag)[0]))
        except (IndexError, ValueError, OverflowError):
            return None

    def binary(self, tag: int, *, signed: bool = False) -> int | None:
        """The first 16-bit number of a binary element; None if absent."""
        value = self.values.get(tag, b"")
        if len(value) < 2:
            return None
        return cast(int, struct.unpack_from(self.byte_order + ("h" if signed else "H"), value)[0])


def looks_like_dicom(head: bytes) -> bool:
    """Whether a file that begins with these bytes is DICOM, with or without a preamble."""
    if head[128:132] == b"DICM":
        return True
    if head[:2] == b"\x02\0" and head[4:6] in VRS:
        return True
    return head[:2] == b"\x08\0" and (head[4:6] in VRS or head[6:8] == b"\0\0")


def read_tags(path: Path, wanted: frozenset[int]) -> Tags:
    """The wanted elements of a DICOM file.

    Raises
    ------
    NotDicom
        If the file is something else.
    UnreadableFile
        If the header is cut, or inflates beyond reason.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        return _read(file, path, os.fstat(descriptor).st_size, wanted)


def read_tags_from(data: bytes, path: Path, wanted: frozenset[int]) -> Tags:
    """As :func:`read_tags`, from bytes in memory; ``path`` only names them in errors."""
    return _read(io.BytesIO(data), path, len(data), wanted)


def is_media_directory(path: Path) -> bool:
    """Whether the file is a DICOMDIR, whatever its name."""
    with path.open("rb") as file:
        head = file.read(_FIRST_READ)
    values: dict[int, bytes] = {}
    try:
        walk_meta(head, _begin(head), values)
    except (Short, Unusual):
        return False
    return values.get(names.MEDIA_CLASS, b"").strip(b" \0").decode("latin-1") == names.MEDIA_DIRECTORY


def _begin(head: bytes) -> int:
    return 132 if head[128:132] == b"DICM" else 0


def _read(file: io.RawIOBase | io.BytesIO, path: Path, size: int, wanted: frozenset[int]) -> Tags:
    head = file.read(_FIRST_READ) or b""
    if not looks_like_dicom(head):
        raise NotDicom(path.name)
    while True:
        try:
            return _walk_file(file, head, path, size, wanted)
        except Short as short:
            if len(head) >= size or short.needed > min(size, _LARGEST_HEADER):
                raise UnreadableFile(path, _CUT) from None
            file.seek(0)
            head = file.read(min(size, max(short.needed + _FIRST_READ, 4 * len(head)))) or b""
        except Unusual:
            file.seek(0)
            return _read_with_pydicom(file, size, wanted)


def _walk_file(
    file: io.RawIOBase | io.BytesIO, data: bytes, path: Path, size: int, wanted: frozenset[int]
) -> Tags:
    values: dict[int, bytes] = {}
    start = walk_meta(data, _begin(data), values)
    syntax = values.get(names.TRANSFER_SYNTAX, b"").decode("latin-1").strip(" \0")
    preamble = data[: _begin(data)][:128]
    if syntax == names.DEFLATED:
        file.seek(start)
        pixels = _walk_deflated(inflate(file.read() or b"", path), path, wanted, values)
        return Tags(values, "<", syntax, preamble, pixels, size)
    if not syntax:
        syntax = _EXPLICIT if data[start + 4 : start + 6] in VRS else _IMPLICIT
    order = ">" if syntax == names.BIG_ENDIAN else "<"
    pixels = walk(data, start, size, (syntax == _IMPLICIT, order), wanted, values)
    return Tags(values, order, syntax, preamble, pixels, size, _is_cut(file, data, pixels, size, order))


def _is_cut(
    file: io.RawIOBase | io.BytesIO, head: bytes, pixels: PixelSpan | None, size: int, order: str
) -> bool:
    if pixels is None or pixels.offset is None or pixels.length is not None:
        return False

    def read_at(position: int, count: int) -> bytes:
        if position + count <= len(head):
            return head[position : position + count]
        file.seek(position)
        return file.read(count) or b""

    return fragments_are_cut(read_at, pixels.offset, size, order)


def _walk_deflated(
    data: bytes, path: Path, wanted: frozenset[int], values: dict[int, bytes]
) -> PixelSpan | None:
    """The elements of an inflated data set; its pixels have no place in the file itself."""
    try:
        span = walk(data, 0, len(data), (False, "<"), wanted, values)
    except (Short, Unusual):
        raise UnreadableFile(path, _CUT) from None
    if span is None:
        return None
    if (span.offset or 0) + (span.length or 0) > len(data):
        raise UnreadableFile(path, "its pixel data is cut off")
    return PixelSpan(None, None)


def _read_with_pydicom(file: io.RawIOBase | io.BytesIO, size: int, wanted: frozenset[int]) -> Tags:
    """The slow way, for files out of the ordinary; their pixels are left to a full parser as well."""
    dataset = read_whole(cast(BinaryIO, file), defer_size=_FIRST_READ)
    values = {}
    for tag in wanted:
        if tag in dataset:
            values[tag] = as_raw_text(getattr(dataset.get_item(tag), "value", None))
    implicit, little = dataset.original_encoding
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", "")) if hasattr(dataset, "file_meta") else ""
    return Tags(
        values=values,
        byte_order="<" if little else ">",
        transfer_syntax=syntax or (_IMPLICIT if implicit else _EXPLICIT),
        preamble=bytes(getattr(dataset, "preamble", None) or b""),
        pixels=PixelSpan(None, None) if "PixelData" in dataset else None,
        size=size,
    )
