"""What only the key's owner can say: how the journal ends, and where it stood when that was last kept."""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .chain import seal
from .keys import KeyPlace

_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Kept:
    """A head as it was put beside the key: the journal must have gone on from here."""

    journal_id: str
    count: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Seal:
    """A journal's key, and the place where its head is kept."""

    journal_id: str
    key: bytes
    place: KeyPlace
    path: Path

    def mac(self, count: int, last: bytes) -> bytes:
        """The seal of a head."""
        return seal(self.key, self.journal_id, count, last)

    def fits(self, count: int, last: bytes, mac: bytes) -> bool:
        """Whether a head bears this seal."""
        return hmac.compare_digest(self.mac(count, last), mac)

    def keep(self, count: int, last: bytes) -> None:
        """Put the head beside the key, so that an older copy of the file is found out."""
        kept = {"journal_id": self.journal_id, "count": count, "hash": last.hex()}
        self.place.put(_head_name(self.path), json.dumps(kept))


def kept(place: KeyPlace, path: Path) -> Kept | None:
    """The head that was last kept for the journal at ``path``, whichever journal that was."""
    text = place.get(_head_name(path))
    if text is None:
        return None
    try:
        held = json.loads(text)
        return Kept(str(held["journal_id"]), int(held["count"]), bytes.fromhex(held["hash"]))
    except (ValueError, KeyError, TypeError):
        return Kept("", 0, b"")  # not ours: whatever lies here is not what was kept


def find(journal_id: str, place: KeyPlace, path: Path) -> Seal | None:
    """The seal of a journal; None where the place does not have its key."""
    text = place.get(_key_name(journal_id))
    try:
        key = bytes.fromhex(text or "")
    except ValueError:
        key = b""
    return Seal(journal_id, key, place, path) if len(key) == _KEY_BYTES else None


def make(journal_id: str, place: KeyPlace, path: Path) -> Seal:
    """A new seal, its key put away."""
    made = Seal(journal_id, secrets.token_bytes(_KEY_BYTES), place, path)
    place.put(_key_name(journal_id), made.key.hex())
    return made


def _key_name(journal_id: str) -> str:
    return f"key {journal_id}"


def _head_name(path: Path) -> str:
    return f"head {path.resolve()}"
