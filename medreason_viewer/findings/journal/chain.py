"""The hash chain: every entry's hash covers its content's and the hash before it.

``digest = SHA-256(salt, content)`` with 32 random bytes of salt, so that once both are erased the digest that
stays tells nothing of the content, which could otherwise be guessed. ``hash = SHA-256(hash before, number,
time, kind, digest)``. Texts and numbers are framed by their length, so that no two entries read alike.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import Any, Final

from ...reasoning.plain_values import from_plain, to_plain
from .events import KINDS
from .subject import Event

SALT_BYTES: Final = 32


def new_salt() -> bytes:
    """Random bytes for one entry."""
    return secrets.token_bytes(SALT_BYTES)


def content_of(event: Event) -> str:
    """The event as canonical JSON: ASCII, sorted keys, no spaces.

    Raises
    ------
    ValueError
        If a number in it is not finite.
    """
    return json.dumps(to_plain(event), sort_keys=True, separators=(",", ":"), allow_nan=False)


def event_of(kind: str, content: str) -> Any:
    """The event of an entry.

    Raises
    ------
    ValueError
        If the kind is not known or the content does not fit it.
    """
    if kind not in KINDS:
        raise ValueError(f"the kind {kind!r} is not known")
    return from_plain(KINDS[kind], json.loads(content))


def digest(salt: bytes, content: str) -> bytes:
    """The salted hash of an entry's content."""
    return _hash(salt, content.encode())


def root(journal_id: str) -> bytes:
    """The hash before the first entry."""
    return _hash(b"MedReason journal", journal_id.encode())


def link(before: bytes, number: int, at: str, kind: str, content_digest: bytes) -> bytes:
    """The hash of an entry."""
    return _hash(before, number.to_bytes(8, "big"), at.encode(), kind.encode(), content_digest)


def seal(key: bytes, journal_id: str, count: int, last: bytes) -> bytes:
    """The head's HMAC-SHA-256: who does not have the key cannot say how a journal ends."""
    framed = _framed(b"head", journal_id.encode(), count.to_bytes(8, "big"), last)
    return hmac.new(key, framed, hashlib.sha256).digest()


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(_framed(*parts)).digest()


def _framed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)
