"""What is packed in bytes: compressed streams, archives, pictures' texts, databases, DICOM."""

from __future__ import annotations

import bz2
import contextlib
import io
import lzma
import re
import sqlite3
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

_DEEPEST = 4
_MOST = 64 << 20  # of what one stream inflates to
# zlib's two bytes as every level writes them; gzip; bzip2; xz
_STREAM = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08|BZh[1-9]1AY&SY|\xfd7zXZ\0")
_PICTURE = b"\x89PNG\r\n\x1a\n"
_DEFLATED_DICOM = b"1.2.840.10008.1.2.1.99"


def layers(data: bytes, name: str = "", depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """The bytes, and all that is packed in them, each with the way to it."""
    yield name, data
    if depth >= _DEEPEST:
        return
    for kind, inner in _inside(data):
        yield from layers(inner, f"{name} > {kind}", depth + 1)


def _inside(data: bytes) -> Iterator[tuple[str, bytes]]:
    for opener in (_streams, _zip, _tar, _picture, _database, _dicom, _utf16):
        with contextlib.suppress(Exception):  # bytes that only look like it
            yield from opener(data)


def _streams(data: bytes) -> Iterator[tuple[str, bytes]]:
    view = memoryview(data)
    for match in _STREAM.finditer(data):
        inner = _inflated(view[match.start() :])
        if len(inner) > 3:
            yield f"stream at {match.start()}", inner


def _inflated(data: memoryview) -> bytes:
    """As much as comes out of a stream, whole or cut off."""
    out = b""
    with contextlib.suppress(zlib.error, OSError, lzma.LZMAError, EOFError, ValueError):
        if data[:2] == b"\x1f\x8b" or data[:1] == b"\x78":
            out = zlib.decompressobj(47).decompress(data, _MOST)
        elif data[:3] == b"BZh":
            out = bz2.BZ2Decompressor().decompress(data, _MOST)
        else:
            out = lzma.LZMADecompressor().decompress(data, _MOST)
    return out


def _zip(data: bytes) -> Iterator[tuple[str, bytes]]:
    if b"PK\x05\x06" not in data:
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        yield "zip's comment", archive.comment
        for info in archive.infolist():
            yield "zip's directory", info.filename.encode() + b"\n" + info.comment + b"\n" + info.extra
            with archive.open(info) as member:
                yield "zip's member", member.read(_MOST)


def _tar(data: bytes) -> Iterator[tuple[str, bytes]]:
    if data[257:262] != b"ustar":
        return
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                yield "tar's member", file.read(_MOST)


def _picture(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Texts of a PNG; those that are compressed begin as zlib does and are streams already."""
    at = data.find(_PICTURE)
    while at >= 0:
        for kind in (b"tEXt", b"iTXt", b"zTXt", b"eXIf"):
            if (chunk := data.find(kind, at)) >= 0:
                length = int.from_bytes(data[chunk - 4 : chunk], "big")
                yield "picture's text", data[chunk + 4 : chunk + 4 + length]
        at = data.find(_PICTURE, at + 1)


def _database(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Every value of a database: one longer than a page lies in pieces in the file."""
    if not data.startswith(b"SQLite format 3\0"):
        return
    settled = data[:18] + b"\1\1" + data[20:]  # without its write-ahead log
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(settled)
        tables = connection.execute("SELECT name, sql FROM sqlite_master").fetchall()
        for name, made in tables:
            yield "database's schema", f"{name} {made}".encode()
            if made and made.upper().startswith("CREATE TABLE"):
                for row in connection.execute(f'SELECT * FROM "{name}"'):
                    values = [value if isinstance(value, bytes) else str(value).encode() for value in row]
                    yield "database's row", b"\n".join(values)
    finally:
        connection.close()


def _dicom(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The data set of a deflated DICOM file, which has no header of its own."""
    if data[128:132] != b"DICM" or _DEFLATED_DICOM not in data[:1024]:
        return
    length = int.from_bytes(data[140:144], "little")
    yield "deflated data set", zlib.decompressobj(-15).decompress(data[144 + length :], _MOST)


def _utf16(data: bytes) -> Iterator[tuple[str, bytes]]:
    """A whole text in UTF-16, whose escapes are then plain to see."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield "utf-16", data.decode("utf-16").encode()
