"""The search for planted identifiers finds each disguise, and nothing where nothing is."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import html
import io
import json
import lzma
import os
import random
import sqlite3
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from disguises import HASHES, Searcher
from PIL import Image, PngImagePlugin
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, generate_uid

NAMES = ("KANAREK-Q7", "Ünlü Ördek", "a/b&c de", "2.25.77123", "19030719")


def _zipped(raw: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", raw)
    return held.getvalue()


def _tarred(raw: bytes) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        info = tarfile.TarInfo("x")
        info.size = len(raw)
        archive.addfile(info, io.BytesIO(raw))
    return held.getvalue()


def _picture(raw: bytes, packed: bool) -> bytes:
    held, texts = io.BytesIO(), PngImagePlugin.PngInfo()
    texts.add_itxt("Comment", raw.decode("utf-8"), zip=packed)
    Image.new("L", (4, 4)).save(held, "PNG", pnginfo=texts)
    return held.getvalue()


def _database(raw: bytes) -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE kept (text TEXT)")
        connection.execute("INSERT INTO kept VALUES (?)", ("-" * 4060 + raw.decode() + "-" * 9000,))
        connection.commit()
        return connection.serialize()


def _deflated_dicom(raw: bytes) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
    image = FileDataset("", Dataset(), file_meta=meta, preamble=bytes(128))
    image.SpecificCharacterSet, image.PatientComments = "ISO_IR 192", raw.decode()
    held = io.BytesIO()
    image.save_as(held, enforce_file_format=True)
    return held.getvalue()


PLAIN: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(),
    "latin-1": lambda text: text.encode("latin-1"),
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "small": lambda text: text.lower().encode(),
    "large": lambda text: text.upper().encode("utf-16"),
    "json": lambda text: json.dumps({text: 1}).encode(),
    "html": lambda text: html.escape(text).encode(),
    "character references": lambda text: text.encode("ascii", "xmlcharrefreplace"),
    "unicode_escape": lambda text: text.encode("unicode_escape"),
    "repr of bytes": lambda text: repr(text.encode()).encode(),
    "url": lambda text: quote(text, safe="").encode(),
    "url path": lambda text: quote(text).encode(),
    "url form": lambda text: quote_plus(text).encode(),
    "url twice": lambda text: quote(quote(text, safe=""), safe="").encode(),
    "hex": lambda text: text.encode().hex().encode(),
    "HEX": lambda text: text.encode().hex().upper().encode(),
    "hex dump": lambda text: text.encode().hex(" ").encode(),
    "hex of utf-16": lambda text: text.encode("utf-16-le").hex().encode(),
    "crc32": lambda text: f"<{zlib.crc32(text.encode()):08x}>".encode(),
    "crc32 large": lambda text: f"<{zlib.crc32(text.encode()):08X}>".encode(),
}
for _name in HASHES:
    PLAIN[_name] = lambda text, name=_name: hashlib.new(name, text.encode()).hexdigest().encode()  # type: ignore[misc]
    PLAIN[f"{_name} begun"] = lambda text, name=_name: (
        hashlib.new(name, text.encode()).hexdigest()[:16].encode()
    )  # type: ignore[misc]
    PLAIN[f"{_name} raw"] = lambda text, name=_name: hashlib.new(name, text.encode()).digest()  # type: ignore[misc]
    PLAIN[f"{_name} base64"] = lambda text, name=_name: base64.b64encode(
        hashlib.new(name, text.encode()).digest()
    )  # type: ignore[misc]
for _shift in range(3):
    PLAIN[f"base64 {_shift}"] = lambda text, n=_shift: base64.b64encode(b"?" * n + text.encode() + b"tail")  # type: ignore[misc]
    PLAIN[f"base64 url {_shift}"] = lambda text, n=_shift: base64.urlsafe_b64encode(  # type: ignore[misc]
        b"\xff" * n + text.encode() + b"\xff\xfe"
    )
    PLAIN[f"base64 utf-16 {_shift}"] = lambda text, n=_shift: base64.b64encode(  # type: ignore[misc]
        b"?" * n + text.encode("utf-16-le") + b"t"
    )

PACKED: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "zlib, cut off": lambda raw: zlib.compress(raw + bytes(99))[:-6],
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zip": _zipped,
    "tar.gz": _tarred,
    "zip in zip": lambda raw: _zipped(_zipped(raw)),
    "png text": lambda raw: _picture(raw, packed=False),
    "png packed text": lambda raw: _picture(raw, packed=True),
    "sqlite over pages": _database,
    "deflated dicom": _deflated_dicom,
}


@pytest.mark.parametrize("name", NAMES)
def test_every_disguise_is_found(name: str) -> None:
    searcher = Searcher([*NAMES, "never-there"])
    filler = random.Random(3).randbytes(500)
    for disguise, wrap in PLAIN.items():
        found = searcher.in_bytes(filler + b"<" + wrap(name) + b">" + filler, "here")
        assert [each.identifier for each in found] == [name], disguise
    for packing, pack in PACKED.items():
        assert [f.identifier for f in searcher.in_bytes(pack(name.encode()), "here")] == [name], packing
        packed = (
            b"garbage" + pack(b"..." + name.encode() + b"...")
            if "sqlite" not in packing
            else pack(name.encode())
        )
        if "dicom" not in packing and "tar" not in packing:
            assert [f.identifier for f in searcher.in_bytes(packed, "here")] == [name], packing


def test_dates_are_found_however_they_are_written() -> None:
    searcher = Searcher(["19030719"])
    for written in ("1903-07-19", "1903/07/19", "19.07.1903", "07/19/1903", "19-07-1903"):
        assert searcher.in_text(f"born {written}.", "here"), written
    assert not searcher.in_text("1903-07-20 1903 07", "here")


def test_names_of_files_links_and_attributes_are_looked_at(tmp_path: Path) -> None:
    searcher = Searcher(["KANAREK-Q7"])
    plain, link = tmp_path / "plain", tmp_path / "link"
    plain.write_text("nothing")
    assert not searcher.in_file(plain, "plain")
    assert searcher.in_file(plain, "some/kanarek-q7.txt")
    link.symlink_to("/cases/KANAREK-Q7")
    assert searcher.in_file(link, "link")
    try:
        os.setxattr(plain, "user.origin", b"KANAREK-Q7")
    except OSError:
        return
    assert searcher.in_file(plain, "plain")


def test_nothing_is_found_where_nothing_is() -> None:
    searcher = Searcher(NAMES)
    noise = random.Random(5).randbytes(400_000)
    for data in (noise, noise.hex().encode(), base64.b64encode(noise), zlib.compress(noise), _zipped(noise)):
        assert searcher.in_bytes(data, "noise") == []
    assert searcher.in_text(f"<{zlib.crc32(b'x'):08x}> KANAREK-Q", "almost") == []
