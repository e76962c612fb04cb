"""The queue's database: made, opened, checked."""

from __future__ import annotations

import os
import secrets
import sqlite3
from pathlib import Path
from typing import Final

from ...errors import NetworkError

_VERSION: Final = 1
_BUSY_S: Final = 10.0
_SCHEMA: Final = """
BEGIN IMMEDIATE;
CREATE TABLE salt (value BLOB NOT NULL);
CREATE TABLE item (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    batch TEXT NOT NULL,
    server TEXT NOT NULL,
    object TEXT NOT NULL,    -- keyed hash of the SOP instance UID
    digest TEXT NOT NULL,    -- keyed hash of the content
    file TEXT NOT NULL,      -- name of the copy; empty once it is acknowledged
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'refused')),
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,       -- seconds since the epoch
    reason TEXT NOT NULL DEFAULT '',
    UNIQUE (server, object)
);
CREATE INDEX waiting ON item (due) WHERE state = 'waiting';
INSERT INTO salt VALUES (x'{salt}');
PRAGMA user_version = 1;
COMMIT;
"""


def opened(path: Path) -> tuple[sqlite3.Connection, bytes]:
    """The database, made if it is not there, and the key of its hashes.

    Raises
    ------
    NetworkError
        If it is damaged, of a later version, or on a disk that cannot lock.
    """
    private_file(path)
    db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
    try:
        mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        db.execute("PRAGMA synchronous = FULL")
        _make(db)
        version = db.execute("PRAGMA user_version").fetchone()[0]
        salt = db.execute("SELECT value FROM salt").fetchone()[0]
    except sqlite3.Error as error:
        db.close()
        raise NetworkError(f"The queue of what is to be sent, {path}, cannot be opened ({error}).") from error
    if mode != "wal" or version != _VERSION:
        db.close()
        why = "is of a later version of this program" if mode == "wal" else "lies on a disk that cannot lock"
        raise NetworkError(f"The queue of what is to be sent, {path}, {why}.")
    return db, bytes(salt)


def private_file(path: Path) -> None:
    """Make a file that its user alone may read, unless it is there."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _make(db: sqlite3.Connection) -> None:
    """Make the tables unless they are there; two processes may come at once."""
    if db.execute("PRAGMA user_version").fetchone()[0]:
        return
    try:
        db.executescript(_SCHEMA.format(salt=secrets.token_hex(32)))
    except sqlite3.OperationalError as error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        if "already exists" not in str(error):
            raise
