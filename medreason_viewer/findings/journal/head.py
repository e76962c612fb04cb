"""How the journal ends: its head row, its last entry, and the head that was kept beside the key."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from ...errors import JournalError
from . import seal
from .chain import root
from .keys import KeyPlace


@dataclass(frozen=True, slots=True)
class Head:
    """How the journal ends, as it says itself."""

    journal_id: str
    count: int
    hash: bytes
    mac: bytes


def read_head(connection: sqlite3.Connection) -> Head:
    """The head row.

    Raises
    ------
    JournalError
        If there is none, or it is no head.
    """
    row = connection.execute("SELECT journal_id, count, hash, mac FROM head").fetchone()
    if row is None or [type(value) for value in row] != [str, int, bytes, bytes]:
        raise JournalError("The journal has lost its head: restore a backup.")
    return Head(*row)


def last_entry(connection: sqlite3.Connection, journal_id: str) -> tuple[int, bytes]:
    """Number and hash of the last entry; before the first, 0 and the root."""
    row = connection.execute("SELECT number, hash FROM entries ORDER BY number DESC LIMIT 1").fetchone()
    return (row[0], row[1]) if row else (0, root(journal_id))


def kept_troubles(connection: sqlite3.Connection, head: Head, kept: seal.Kept | None) -> list[str]:
    """What the head that was kept beside the key says of this file."""
    if kept is None:
        return []
    if kept.journal_id != head.journal_id:
        return ["Another journal lay here before."]
    last, _ = last_entry(connection, head.journal_id)
    if last < kept.count:
        return [f"It ends at entry {last}, but it had {kept.count}: an older copy, or cut off."]
    row = connection.execute("SELECT hash FROM entries WHERE number = ?", (kept.count,)).fetchone()
    if kept.count and (row is None or row[0] != kept.hash):
        return [f"Entry {kept.count} is not the one that was there."]
    return []


def refuse_without_keyring(connection: sqlite3.Connection, keys: KeyPlace) -> None:
    """A key that lies in a keyring is not replaced from a session that has none, such as a remote shell.

    Raises
    ------
    JournalError
        That says so.
    """
    (key_in,) = connection.execute("SELECT key_in FROM head").fetchone()
    if key_in == "keyring" and not keys.safe:
        raise JournalError(
            "The journal's key lies in the system keyring, and this session has none: "
            "start from the desktop, where the keyring is open."
        )
