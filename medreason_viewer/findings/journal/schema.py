"""The tables, and how those of earlier versions become them.

``user_version`` says which version wrote a file: 1 had entries and a head; 2 has ``subjects`` too, by which
entries are found without reading them all, remembers an erasure that was cut short (``head.scrub``) and says
where its key was put (``head.key_in``).
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable
from typing import Final

from ...errors import JournalError
from .chain import event_of
from .subject import Subject

VERSION: Final = 2
APPLICATION_ID: Final = 0x4D52564A  # "MRVJ"

_ENTRIES: Final = (
    """CREATE TABLE entries (
        number INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL,
        digest BLOB NOT NULL, hash BLOB NOT NULL, salt BLOB, content TEXT)""",
    "CREATE INDEX entries_by_kind ON entries (kind)",
    """CREATE TRIGGER entries_stay BEFORE DELETE ON entries
        BEGIN SELECT RAISE (ABORT, 'entries are never deleted'); END""",
    """CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries
        WHEN NEW.content IS NOT NULL OR NEW.salt IS NOT NULL OR NEW.number != OLD.number
            OR NEW.at != OLD.at OR NEW.kind != OLD.kind OR NEW.digest != OLD.digest OR NEW.hash != OLD.hash
        BEGIN SELECT RAISE (ABORT, 'entries are never changed'); END""",
)
_HEAD: Final = """CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1), journal_id TEXT NOT NULL,
    count INTEGER NOT NULL, hash BLOB NOT NULL, mac BLOB NOT NULL)"""
_HEAD_OF_2: Final = (
    "ALTER TABLE head ADD COLUMN scrub INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE head ADD COLUMN key_in TEXT NOT NULL DEFAULT 'file'",
)
_SUBJECTS: Final = (
    """CREATE TABLE subjects (
        number INTEGER NOT NULL, patient_key TEXT NOT NULL, study_uid TEXT NOT NULL,
        series_uid TEXT NOT NULL, pixels_sha256 TEXT NOT NULL, finding_id TEXT NOT NULL)""",
    *(
        f"CREATE INDEX subjects_by_{column} ON subjects ({column})"
        for column in ("number", "patient_key", "study_uid", "series_uid", "pixels_sha256", "finding_id")
    ),
)


def create(connection: sqlite3.Connection) -> None:
    """Make the tables of an empty file; inside the caller's transaction."""
    for statement in (*_ENTRIES, _HEAD, *_HEAD_OF_2, *_SUBJECTS):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def version(connection: sqlite3.Connection) -> int:
    """Which version wrote the file; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check(connection: sqlite3.Connection) -> None:
    """Refuse what is no journal, or that of a later program.

    Raises
    ------
    JournalError
        With the reason.
    """
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise JournalError("This file is a database of another program, not a journal.")
    if version(connection) > VERSION:
        raise JournalError("This journal was written by a later version of this program: use that one.")


def refuse_old(connection: sqlite3.Connection) -> None:
    """Refuse an older file to somebody who only reads.

    Raises
    ------
    JournalError
        With what brings it up to date.
    """
    if version(connection) < VERSION:
        raise JournalError(
            "This journal was written by an earlier version: start the window once, or "
            "`medreason journal verify`, to bring it up to date."
        )


def migrate(connection: sqlite3.Connection) -> None:
    """Bring an older file to this version; inside the caller's transaction, so whole or not at all."""
    for number in range(version(connection), VERSION):
        _STEPS[number](connection)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def add_subjects(connection: sqlite3.Connection, number: int, subjects: tuple[Subject, ...]) -> None:
    """Make an entry findable by whom it speaks of."""
    connection.executemany("INSERT INTO subjects VALUES (?, ?, ?, ?, ?, ?)", subject_rows(number, subjects))


def subject_rows(number: int, subjects: tuple[Subject, ...]) -> list[tuple[int, str, str, str, str, str]]:
    """The rows of ``subjects`` that an entry has."""
    return [
        (
            number,
            column(one.patient_key),
            column(one.study_uid),
            column(one.series_uid),
            column(one.pixels_sha256),
            column(one.finding_id),
        )
        for one in subjects
    ]


def column(text: str) -> str:
    """A text as it stands in a column: ASCII, for a hostile header may hold what is not even Unicode."""
    return text.encode("unicode_escape").decode("ascii")


def of_column(text: str) -> str:
    """The text that stands in a column, as it was."""
    return text.encode("ascii").decode("unicode_escape")


@functools.cache
def expected() -> frozenset[str]:
    """Every statement that stands in a journal's own list of tables, indices and triggers."""
    with sqlite3.connect(":memory:") as empty:
        create(empty)
        found = statements(empty)
    empty.close()
    return frozenset(found)


def statements(connection: sqlite3.Connection) -> set[str]:
    """What the file says its tables, indices and triggers are."""
    return {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}


def _from_1(connection: sqlite3.Connection) -> None:
    for statement in (*_HEAD_OF_2, *_SUBJECTS):
        connection.execute(statement)
    rows = connection.execute("SELECT number, kind, content FROM entries WHERE content IS NOT NULL")
    for number, kind, content in rows:
        add_subjects(connection, number, event_of(kind, content).subjects)


_STEPS: Final[dict[int, Callable[[sqlite3.Connection], None]]] = {1: _from_1}
