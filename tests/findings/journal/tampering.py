"""Ways to tamper with a journal, for somebody who has its file and knows the format, but not the key."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from medreason_viewer.findings.journal import schema
from medreason_viewer.findings.journal.chain import digest, event_of, link, new_salt, root, seal

Tampering = Callable[[sqlite3.Connection, random.Random], None]


@contextmanager
def unlocked(path: Path) -> Iterator[sqlite3.Connection]:
    """The file with its triggers out of the way; put back afterwards, as a careful forger would."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    try:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in triggers:
            connection.execute(sql)
    finally:
        connection.close()


def _numbers(connection: sqlite3.Connection) -> list[int]:
    return [number for (number,) in connection.execute("SELECT number FROM entries ORDER BY number")]


def _kept(connection: sqlite3.Connection, draw: random.Random) -> int:
    """An entry that has content."""
    rows = connection.execute("SELECT number FROM entries WHERE content IS NOT NULL").fetchall()
    return int(draw.choice(rows)[0])


def edit_content(connection: sqlite3.Connection, draw: random.Random) -> None:
    number = _kept(connection, draw)
    (content,) = connection.execute("SELECT content FROM entries WHERE number = ?", (number,)).fetchone()
    place = draw.randrange(len(content))
    other = draw.choice([c for c in 'abc019 {}",:' if c != content[place]])
    changed = content[:place] + other + content[place + 1 :]
    connection.execute("UPDATE entries SET content = ? WHERE number = ?", (changed, number))


def edit_content_and_digest(connection: sqlite3.Connection, draw: random.Random) -> None:
    edit_content(connection, draw)
    rows = connection.execute(
        "SELECT number, salt, content FROM entries WHERE content IS NOT NULL"
    ).fetchall()
    for number, salt, content in rows:
        new = digest(salt, content)
        connection.execute("UPDATE entries SET digest = ? WHERE number = ?", (new, number))


def edit_column(connection: sqlite3.Connection, draw: random.Random) -> None:
    column = draw.choice(["at", "kind", "digest", "hash", "salt"])
    number = _kept(connection, draw)
    (value,) = connection.execute(f"SELECT {column} FROM entries WHERE number = ?", (number,)).fetchone()
    place = draw.randrange(len(value))
    changed = value[:place] + (b"\x00" if isinstance(value, bytes) else "x") + value[place + 1 :]
    if changed == value:
        changed = value[:place] + (b"\x01" if isinstance(value, bytes) else "y") + value[place + 1 :]
    connection.execute(f"UPDATE entries SET {column} = ? WHERE number = ?", (changed, number))


def delete_some(connection: sqlite3.Connection, draw: random.Random) -> None:
    numbers = _numbers(connection)
    for number in draw.sample(numbers, draw.randint(1, 3)):
        connection.execute("DELETE FROM entries WHERE number = ?", (number,))


def delete_and_close_ranks(connection: sqlite3.Connection, draw: random.Random) -> None:
    number = draw.choice(_numbers(connection)[:-1])
    connection.execute("DELETE FROM entries WHERE number = ?", (number,))
    connection.execute("DELETE FROM subjects WHERE number = ?", (number,))
    connection.execute("UPDATE entries SET number = number - 1 WHERE number > ?", (number,))
    connection.execute("UPDATE subjects SET number = number - 1 WHERE number > ?", (number,))
    rehash(connection, draw)


def truncate(connection: sqlite3.Connection, draw: random.Random) -> None:
    last = draw.choice(_numbers(connection)[:-1])
    connection.execute("DELETE FROM entries WHERE number > ?", (last,))
    connection.execute("DELETE FROM subjects WHERE number > ?", (last,))


def truncate_with_a_new_head(connection: sqlite3.Connection, draw: random.Random) -> None:
    truncate(connection, draw)
    _forge_head(connection, draw)


def swap(connection: sqlite3.Connection, draw: random.Random) -> None:
    one, other = draw.sample(_numbers(connection), 2)
    for table in ("entries", "subjects"):
        for old, new in ((one, -1), (other, one), (-1, other)):
            connection.execute(f"UPDATE {table} SET number = ? WHERE number = ?", (new, old))


def swap_contents(connection: sqlite3.Connection, draw: random.Random) -> None:
    one, other = _kept(connection, draw), _kept(connection, draw)
    while other == one:
        other = _kept(connection, draw)
    columns = "kind, digest, salt, content"
    rows = {
        number: connection.execute(f"SELECT {columns} FROM entries WHERE number = ?", (number,)).fetchone()
        for number in (one, other)
    }
    for here, there in ((one, other), (other, one)):
        sql = "UPDATE entries SET kind = ?, digest = ?, salt = ?, content = ? WHERE number = ?"
        connection.execute(sql, (*rows[there], here))


def insert(connection: sqlite3.Connection, draw: random.Random) -> None:
    number = draw.choice(_numbers(connection))
    last = _numbers(connection)[-1]
    connection.execute(
        "INSERT INTO entries SELECT ?, at, kind, digest, hash, salt, content FROM entries WHERE number = ?",
        (last + draw.randint(1, 2), number),
    )


def blank(connection: sqlite3.Connection, draw: random.Random) -> None:
    number = _kept(connection, draw)
    connection.execute("UPDATE entries SET content = NULL, salt = NULL WHERE number = ?", (number,))
    connection.execute("DELETE FROM subjects WHERE number = ?", (number,))


def hide_from_views(connection: sqlite3.Connection, draw: random.Random) -> None:
    rows = connection.execute("SELECT rowid FROM subjects").fetchall()
    (row,) = draw.choice(rows)
    if draw.random() < 0.5:
        connection.execute("DELETE FROM subjects WHERE rowid = ?", (row,))
    else:
        column = draw.choice(["patient_key", "study_uid", "series_uid", "pixels_sha256", "finding_id"])
        connection.execute(f"UPDATE subjects SET {column} = 'another' WHERE rowid = ?", (row,))


def list_twice(connection: sqlite3.Connection, draw: random.Random) -> None:
    number = draw.choice([*_numbers(connection), 999])
    connection.execute("INSERT INTO subjects VALUES (?, 'P9', '1.9', '', '', '')", (number,))


def edit_head(connection: sqlite3.Connection, draw: random.Random) -> None:
    column, value = draw.choice(
        [
            ("count", draw.randint(100, 200)),
            ("hash", draw.randbytes(32)),
            ("mac", draw.randbytes(32)),
            ("journal_id", f"{draw.getrandbits(128):032x}"),
        ]
    )
    connection.execute(f"UPDATE head SET {column} = ?", (value,))


def edit_and_rehash(connection: sqlite3.Connection, draw: random.Random) -> None:
    """The verdict turned round, and every hash after it made anew, as if it had always been so."""
    rows = connection.execute("SELECT number, content FROM entries WHERE kind = 'judged'").fetchall()
    number, content = draw.choice([row for row in rows if row[1] and '"accepted"' in row[1]])
    changed = content.replace('"accepted"', '"corrected"')
    connection.execute("UPDATE entries SET content = ? WHERE number = ?", (changed, number))
    rehash(connection, draw)


def blank_and_rehash(connection: sqlite3.Connection, draw: random.Random) -> None:
    blank(connection, draw)
    rehash(connection, draw)


def start_over_and_rehash(connection: sqlite3.Connection, draw: random.Random) -> None:
    """A made-up history of the same length."""
    keep = draw.randint(1, 5)
    connection.execute("DELETE FROM entries WHERE number > ?", (keep,))
    connection.execute("DELETE FROM subjects WHERE number > ?", (keep,))
    rehash(connection, draw)


def rehash(connection: sqlite3.Connection, draw: random.Random) -> None:
    """Every digest and hash, and the head: consistent to the last byte, but for a key that nobody has."""
    (journal_id,) = connection.execute("SELECT journal_id FROM head").fetchone()
    before = root(journal_id)
    rows = connection.execute("SELECT number, at, kind, salt, content, digest FROM entries ORDER BY number")
    for number, at, kind, salt, content, old in rows.fetchall():
        new = old if content is None else digest(salt, content)
        before = link(before, number, at, kind, new)
        sql = "UPDATE entries SET digest = ?, hash = ? WHERE number = ?"
        connection.execute(sql, (new, before, number))
    _forge_head(connection, draw)


def _forge_head(connection: sqlite3.Connection, draw: random.Random) -> None:
    (journal_id,) = connection.execute("SELECT journal_id FROM head").fetchone()
    number, last = connection.execute("SELECT number, hash FROM entries ORDER BY number DESC").fetchone()
    mac = seal(draw.randbytes(32), journal_id, number, last)
    if draw.random() < 0.5:
        connection.execute("UPDATE head SET count = ?, hash = ?, mac = ?", (number, last, mac))
    else:
        connection.execute("UPDATE head SET count = ?, hash = ?", (number, last))


def append_forged(connection: sqlite3.Connection, draw: random.Random) -> None:
    """An entry of the forger's own at the end, well linked."""
    number = _kept(connection, draw)
    at, kind, content = connection.execute(
        "SELECT at, kind, content FROM entries WHERE number = ?", (number,)
    ).fetchone()
    last, before = connection.execute("SELECT number, hash FROM entries ORDER BY number DESC").fetchone()
    salt = new_salt()
    new = digest(salt, content)
    here = link(before, last + 1, at, kind, new)
    connection.execute(
        "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", (last + 1, at, kind, new, here, salt, content)
    )
    schema.add_subjects(connection, last + 1, event_of(kind, content).subjects)
    _forge_head(connection, draw)


def change_the_rules(connection: sqlite3.Connection, draw: random.Random) -> None:
    """A trigger that rewrites what will be written."""
    connection.execute(
        "CREATE TRIGGER forger AFTER INSERT ON entries BEGIN UPDATE head SET count = count; END"
        if draw.random() < 0.5
        else "CREATE TABLE hidden (text TEXT)"
    )


TAMPERINGS: Final[tuple[Tampering, ...]] = (
    edit_content,
    edit_content_and_digest,
    edit_column,
    delete_some,
    delete_and_close_ranks,
    truncate,
    truncate_with_a_new_head,
    swap,
    swap_contents,
    insert,
    blank,
    blank_and_rehash,
    hide_from_views,
    list_twice,
    edit_head,
    edit_and_rehash,
    start_over_and_rehash,
    append_forged,
    change_the_rules,
)
