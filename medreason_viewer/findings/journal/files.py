"""SQLite's side of the journal: a connection with the right promises, and its errors as sentences."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ...errors import JournalError

_WAIT_S: Final = 5.0
_SAYINGS: Final = {
    sqlite3.SQLITE_FULL: "the disk is full. Free some space; what was written before is safe",
    sqlite3.SQLITE_READONLY: "it is read-only. Make its folder writable; what was written before is safe",
    sqlite3.SQLITE_IOERR: "the disk does not write (it may be full or gone). What was written before is safe",
    sqlite3.SQLITE_BUSY: "another program holds it. Close that one and try again",
    sqlite3.SQLITE_LOCKED: "another program holds it. Close that one and try again",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened. Look at its folder and its permissions",
    sqlite3.SQLITE_NOTADB: "it is not a journal, or it is damaged. Restore a backup",
    sqlite3.SQLITE_CORRUPT: "it is damaged. Restore a backup",
}


@contextmanager
def spoken(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into a JournalError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        saying = _SAYINGS.get(code & 0xFF) if code is not None else None
        raise JournalError(f"The journal {path}: {saying or error}.") from error


def connect(path: Path, *, alone: bool) -> sqlite3.Connection:
    """Open for writing: a commit returns once it is on the disk, and what is deleted is overwritten.

    Parameters
    ----------
    alone : bool
        Lock the file for as long as it is open: on a network disk the memory that WAL shares between programs
        does not reach the other computer.
    """
    connection = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
    try:
        if alone:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        _promise(connection)
        _write_ahead(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise JournalError(f"The journal {path}: this disk does not take SQLite's write-ahead log.")


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open for reading only; from a read-only disk too, where no log can be put beside the file."""
    still = not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists()
    options = "mode=ro&immutable=1" if still else "mode=ro"
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?{options}", uri=True, timeout=_WAIT_S)
    _promise(connection)
    return connection


def _promise(connection: sqlite3.Connection) -> None:
    for pragma in (
        "synchronous = FULL",
        "fullfsync = ON",  # macOS: fsync alone leaves data in the disk's own cache
        "checkpoint_fullfsync = ON",
        "secure_delete = ON",
        "temp_store = MEMORY",  # no patient in a temporary file
        "trusted_schema = OFF",
        "cell_size_check = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, and no other writer meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
