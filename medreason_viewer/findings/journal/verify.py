"""Whether a journal is as it was written: every hash, every index, its seal, and the head that was kept.

What is found without the key: an entry that was edited, removed, put in, moved or blanked, unless every hash
after it was made anew. What only the key finds: a journal whose hashes were all made anew, or that was cut
off at its end and given a new head. What only the kept head finds: an older copy of the whole file, back to
the last time that the head was kept, which is a second after the last event, ten at the most, and on closing.

Not found: an older copy from within those seconds; anything done by whoever has both the file and the key,
which is everybody who can read the file where the key lies in a file beside it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ...errors import JournalError
from . import schema, seal
from .chain import digest, event_of, link, root
from .events import Begun, Erased, Troubled
from .files import connect_to_read, spoken
from .head import Head, kept_troubles, last_entry, read_head
from .keys import KeyPlace, keys_of

_MOST: Final = 20
_COLUMNS: Final = (int, str, str, bytes, bytes)


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Attributes
    ----------
    entries, erased : int
        How many there are, and how many of them have no content any more.
    problems : tuple of str
        What is wrong, or was when the journal was opened; empty for a journal that is as it was written.
    notes : tuple of str
        What could not be checked, and how far the check goes.
    """

    entries: int
    erased: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def verify(path: Path, keys: KeyPlace | None = None) -> Report:
    """Check a journal, and change nothing.

    Parameters
    ----------
    keys : KeyPlace, optional
        Where its key is; default: the system keyring, or the file beside it or beside the user's own.

    Raises
    ------
    JournalError
        If there is no journal there, or it cannot be opened at all.
    """
    if not path.exists():
        raise JournalError(f"There is no journal at {path}.")
    with spoken(path):
        connection = connect_to_read(path)
    try:
        return _checked(path, connection, keys or keys_of(path))
    finally:
        connection.close()


def _checked(path: Path, connection: sqlite3.Connection, keys: KeyPlace) -> Report:
    walk = _Walk()
    notes: list[str] = []
    try:
        with spoken(path):
            connection.execute("BEGIN")
            schema.check(connection)
            schema.refuse_old(connection)
            head = read_head(connection)
            walk.problems += _file_problems(path, connection)
            walk.through(connection, head)
            walk.problems += _head_problems(connection, head)
            walk.problems += _seal_problems(connection, head, keys, path, notes)
    except JournalError as error:
        walk.problems.append(str(error))
    more = len(walk.problems) - _MOST
    told = walk.problems[:_MOST] + ([f"And {more} more."] if more > 0 else [])
    return Report(walk.count, len(walk.blank), tuple(told), tuple(notes))


def _file_problems(path: Path, connection: sqlite3.Connection) -> Iterator[str]:
    for (said,) in connection.execute("PRAGMA quick_check(5)"):
        if said != "ok":
            yield f"The file is damaged: {said}."
    if schema.statements(connection) != schema.expected():
        yield "Its tables, indices or triggers are not a journal's."
    if os.name == "posix" and path.stat().st_mode & 0o077:
        yield "Its file can be read by others than its user."


def _head_problems(connection: sqlite3.Connection, head: Head) -> Iterator[str]:
    if last_entry(connection, head.journal_id) != (head.count, head.hash):
        yield "Its last entry is not the one that its head names: it was cut off, or added to."


def _seal_problems(
    connection: sqlite3.Connection, head: Head, keys: KeyPlace, path: Path, notes: list[str]
) -> Iterator[str]:
    held = seal.find(head.journal_id, keys, path)
    if held is None:
        yield f"Its key is not in {keys.text}, so nobody can tell whether it was made anew as a whole."
    else:
        notes.append(f"Its key lies in {keys.text}.")
        if not held.fits(head.count, head.hash, head.mac):
            yield "Its head does not bear the journal's seal: it was made anew, or cut off."
    if not keys.safe:
        notes.append(
            "Whoever can change the journal can read that file too: a forger who does is not found. "
            "A system keyring would keep them apart."
        )
    kept = seal.kept(keys, path)
    if kept is None:
        notes.append("No head of it was kept for this place: it may be a copy, and an older one.")
    yield from kept_troubles(connection, head, kept)


@dataclass
class _Walk:
    """Along the chain, from the first entry to the last."""

    problems: list[str] = field(default_factory=list)
    count: int = 0
    blank: set[int] = field(default_factory=set)
    erased: set[int] = field(default_factory=set)

    def through(self, connection: sqlite3.Connection, head: Head) -> None:
        """Check every entry, then what only all of them together tell."""
        before = root(head.journal_id)
        for row in connection.execute(
            "SELECT number, at, kind, digest, hash, salt, content FROM entries ORDER BY number"
        ):
            self.count += 1
            before = self._entry(connection, row, before)
        for number in sorted(self.blank - self.erased):
            self.problems.append(f"Entry {number} has lost its content, and nobody asked for that.")
        for number in sorted(self.erased - self.blank):
            self.problems.append(f"Entry {number} was erased, and has content.")
        if self._strays(connection):
            self.problems.append("Its index names entries that are not there.")

    def _entry(self, connection: sqlite3.Connection, row: tuple[Any, ...], before: bytes) -> bytes:
        """Check one entry; returns the hash that it has, on which the next one rests."""
        number, at, kind, content_digest, here, salt, content = row
        if [type(value) for value in row[:5]] != [*_COLUMNS]:
            self.problems.append(f"Entry {number} is no entry.")
            return before
        if number != self.count:
            self.problems.append(f"Entry {self.count} is missing.")
            self.count = number
        if link(before, number, at, kind, content_digest) != here:
            self.problems.append(f"Entry {number} does not follow from the one before it.")
        if salt is None and content is None:
            self.blank.add(number)
            self._subjects(connection, number, ())
        elif not isinstance(salt, bytes) or not isinstance(content, str):
            self.problems.append(f"Entry {number} is no entry.")
        elif digest(salt, content) != content_digest:
            self.problems.append(f"Entry {number} was changed.")
        else:
            self._event(connection, number, kind, content)
        return bytes(here)

    def _event(self, connection: sqlite3.Connection, number: int, kind: str, content: str) -> None:
        try:
            event = event_of(kind, content)
        except ValueError as error:
            self.problems.append(f"Entry {number} cannot be read: {error}.")
            return
        self._subjects(connection, number, event.subjects)
        if isinstance(event, Erased):
            self.erased |= {gone for gone in event.numbers if gone < number}
        elif isinstance(event, Begun) and event.lost:
            self.problems.append(event.lost)
        elif isinstance(event, Troubled):
            self.problems += [f"When it was opened for entry {number}: {said}" for said in event.sentences]

    def _subjects(self, connection: sqlite3.Connection, number: int, subjects: Iterable[Any]) -> None:
        rows = connection.execute("SELECT * FROM subjects WHERE number = ?", (number,)).fetchall()
        if sorted(rows) != sorted(schema.subject_rows(number, tuple(subjects))):
            self.problems.append(f"Entry {number} is not found under what it is about.")

    def _strays(self, connection: sqlite3.Connection) -> bool:
        sql = "SELECT 1 FROM subjects WHERE number NOT IN (SELECT number FROM entries) LIMIT 1"
        return connection.execute(sql).fetchone() is not None
