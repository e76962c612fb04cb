"""What a text looks like when it is not written plainly, and the layers that bytes can be wrapped in.

An identifier is *found* in bytes if it, in any letter case, lies there raw (UTF-8, Latin-1, UTF-16), escaped
(JSON, HTML, URL), as hex, as base64 at any offset, as an unsalted hash or the beginning of one, or if it does
inside anything compressed or packed that lies there.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import json
import math
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

import numpy as np
from numpy.typing import NDArray
from wrappings import layers

HASHES = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "blake2s", "sha3_256")
_PREFIX = 12  # of a hash in hex: programs like to shorten them
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)")
_SEPARATORS = (" ", ":", "-")
_START = 8
_CHECKSUM = re.compile(rb"(?<![0-9a-f])[0-9a-f]{8}(?![0-9a-f])")


def spellings(text: str) -> set[str]:
    """One identifier as a program may write it: letter case, parts of a date, separators of a name."""
    found = {text, text.lower(), text.upper(), text.title(), text.casefold()}
    if date := _DATE.fullmatch(text):
        year, month, day = date.groups()
        found |= {f"{year}{sign}{month}{sign}{day}" for sign in "-/."}
        found |= {f"{day}{sign}{month}{sign}{year}" for sign in "-/."} | {f"{month}/{day}/{year}"}
    return found


def any_case(text: str) -> set[bytes]:
    """Disguises of an identifier to look for in bytes whose ASCII letters were made small."""
    found: set[bytes] = set()
    for spelling in spellings(text):
        found |= _raw(spelling) | _escaped(spelling) | _hex(spelling) | _hashed(spelling)
    return {needle.lower() for needle in found}


def exact(text: str) -> set[bytes]:
    """Disguises to look for as they are: base64, and hashes in binary."""
    found: set[bytes] = set()
    for spelling in spellings(text):
        for raw in _raw(spelling):
            found |= set(base64_cores(raw))
        for digest in _digests(spelling):
            found |= {digest, *base64_cores(digest)}
    return found


def checksums(text: str) -> set[bytes]:
    """CRC-32 and Adler-32 in hex, which must stand alone: eight digits are soon met by chance."""
    raws = [raw for spelling in spellings(text) for raw in _raw(spelling)]
    return {f"{check(raw):08x}".encode() for raw in raws for check in (zlib.crc32, zlib.adler32)}


def _raw(text: str) -> set[bytes]:
    found = {text.encode(coding) for coding in ("utf-8", "utf-16-le", "utf-16-be")}
    with contextlib.suppress(UnicodeEncodeError):
        found.add(text.encode("latin-1"))
    return found


def _escaped(text: str) -> set[bytes]:
    forms = (
        json.dumps(text)[1:-1],
        html.escape(text),
        quote(text),
        quote(text, safe=""),
        quote_plus(text),
        quote(quote(text, safe=""), safe=""),
        text.encode("unicode_escape").decode("ascii"),
        repr(text.encode())[2:-1],
        text.encode("ascii", "xmlcharrefreplace").decode("ascii"),
    )
    return {form.encode() for form in forms}


def _hex(text: str) -> set[bytes]:
    found: set[bytes] = set()
    for raw in _raw(text):
        found |= {raw.hex().encode(), *(raw.hex(sign).encode() for sign in _SEPARATORS)}
    return found


def _digests(text: str) -> set[bytes]:
    return {hashlib.new(name, raw).digest() for name in HASHES for raw in _raw(text)}


def _hashed(text: str) -> set[bytes]:
    return {digest.hex()[:_PREFIX].encode() for digest in _digests(text)}


def base64_cores(raw: bytes) -> Iterator[bytes]:
    """What of the base64 of anything with ``raw`` in it is the same whatever stands before and after."""
    for shift in range(3):
        first, last = math.ceil(shift * 8 / 6), (shift + len(raw)) * 8 // 6
        for code in (base64.b64encode, base64.urlsafe_b64encode):
            yield code(b"\0" * shift + raw)[first:last]


@dataclass(frozen=True)
class Found:
    """An identifier where none should be."""

    identifier: str
    where: str
    disguise: bytes

    def __str__(self) -> str:
        return f"{self.identifier!r} in {self.where} as {self.disguise[:60]!r}"


class _Index:
    """Many needles at once: each by its first eight bytes."""

    def __init__(self, needles: Iterable[tuple[bytes, str]]) -> None:
        self._by_start: dict[int, list[tuple[bytes, str]]] = {}
        for needle, text in needles:
            if len(needle) < _START:
                raise ValueError(f"too short to be told from chance: {needle!r}")
            self._by_start.setdefault(int.from_bytes(needle[:_START], "little"), []).append((needle, text))
        self._starts = np.array(sorted(self._by_start), np.uint64)
        pairs = self._starts.view(np.uint16).reshape(-1, _START // 2)
        self._pairs = np.zeros((_START // 2, 1 << 16), bool)
        for place in range(_START // 2):
            self._pairs[place, pairs[:, place]] = True

    def find(self, data: bytes) -> dict[str, bytes]:
        """Which identifiers are in the bytes, and as what."""
        found: dict[str, bytes] = {}
        for at, start in self._candidates(np.frombuffer(data, np.uint8)):
            for needle, text in self._by_start[start]:
                if text not in found and data.startswith(needle, at):
                    found[text] = needle
        return found

    def _candidates(self, data: NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
        count = len(data) - _START + 1
        if count <= 0:
            return
        wide = data.astype(np.uint16)
        pairs = wide[:-1] | (wide[1:] << 8)
        may_be = np.ones(count, bool)
        for place in range(_START // 2):
            may_be &= self._pairs[place, pairs[2 * place : 2 * place + count]]
        places = np.flatnonzero(may_be)
        starts = sum(pairs[places + 2 * p].astype(np.uint64) << np.uint64(16 * p) for p in range(_START // 2))
        nearest = np.searchsorted(self._starts, starts).clip(max=len(self._starts) - 1)
        hits = self._starts[nearest] == starts
        yield from zip(places[hits].tolist(), np.asarray(starts)[hits].tolist(), strict=True)


class Searcher:
    """Looks for identifiers, of eight letters at least, in every disguise."""

    def __init__(self, identifiers: Iterable[str]) -> None:
        texts = list(identifiers)
        self._any_case = _Index((needle, text) for text in texts for needle in any_case(text))
        self._exact = _Index((needle, text) for text in texts for needle in exact(text))
        self._sums = {needle: text for text in texts for needle in checksums(text)}

    def in_bytes(self, data: bytes, where: str) -> list[Found]:
        """In these bytes and in whatever is packed in them."""
        found: dict[str, Found] = {}
        for name, layer in layers(data):
            for text, disguise in self._in_layer(layer).items():
                found.setdefault(text, Found(text, f"{where}{name}", disguise))
        return list(found.values())

    def _in_layer(self, layer: bytes) -> dict[str, bytes]:
        small = layer.lower()
        summed = {match.group() for match in _CHECKSUM.finditer(small)} & self._sums.keys()
        return (
            {self._sums[each]: each for each in summed} | self._exact.find(layer) | self._any_case.find(small)
        )

    def in_text(self, text: str, where: str) -> list[Found]:
        """In a text."""
        return self.in_bytes(text.encode("utf-8", "surrogateescape"), where)

    def in_file(self, path: Path, named: str) -> list[Found]:
        """In a file's name, content, extended attributes, or in where a link leads."""
        found = self.in_bytes(os.fsencode(named), f"the name of {named}")
        if path.is_symlink():
            return found + self.in_bytes(os.fsencode(os.readlink(path)), f"the link {named}")
        for name in os.listxattr(path) if hasattr(os, "listxattr") else ():
            found += self.in_bytes(os.fsencode(name) + b"=" + os.getxattr(path, name), f"{named} ({name})")
        return found + self.in_bytes(path.read_bytes(), named)
