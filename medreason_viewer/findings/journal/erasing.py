"""Taking content out of the journal's files: out of the rows, out of free pages, out of the log."""

from __future__ import annotations

import sqlite3
from typing import Final

from ...errors import JournalError

_HELD: Final = (
    "The content is erased, but its bytes may still lie in the journal's files, for another program has the "
    "journal open. Close the window and erase again."
)


def blank(connection: sqlite3.Connection, numbers: tuple[int, ...]) -> None:
    """Take content, salt and subjects from entries, and note that their bytes are to go; in a transaction."""
    rows = [(number,) for number in numbers]
    connection.executemany("UPDATE entries SET content = NULL, salt = NULL WHERE number = ?", rows)
    connection.executemany("DELETE FROM subjects WHERE number = ?", rows)
    connection.execute("UPDATE head SET scrub = 1")


def scrub(connection: sqlite3.Connection) -> None:
    """Overwrite what was erased: write the file anew without it, and cut the log to nothing.

    Raises
    ------
    JournalError
        If another program keeps the log in use; it is tried again when the journal is next opened.
    sqlite3.Error
        If the disk has no room for the new file.
    """
    connection.execute("VACUUM")  # secure_delete is on: the pages it frees are zeros
    _cut(connection)
    connection.execute("UPDATE head SET scrub = 0")
    _cut(connection)


def to_scrub(connection: sqlite3.Connection) -> bool:
    """Whether an erasure was cut short."""
    return bool(connection.execute("SELECT scrub FROM head").fetchone()[0])


def _cut(connection: sqlite3.Connection) -> None:
    (held, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if held:
        raise JournalError(_HELD)
