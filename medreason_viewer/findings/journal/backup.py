"""A copy of the journal, whole and flushed before it has its name; the window may go on meanwhile."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path

from ...errors import JournalError
from .files import connect_to_read, spoken
from .place import flush_folder


def back_up(path: Path, target: Path) -> None:
    """Copy the journal at ``path`` to ``target``, a file that does not exist yet and its user alone can read.

    Raises
    ------
    JournalError
        If there is no journal, ``target`` exists, or cannot be written; nothing is then left there.
    """
    if not path.exists():
        raise JournalError(f"There is no journal at {path}.")
    if target.exists():
        raise JournalError(f"There is something at {target} already: name a file that does not exist.")
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".journal-")  # 0600, says mkstemp
    except OSError as error:
        raise JournalError(f"Nothing can be written to {target.parent}: {error.strerror}.") from error
    os.close(descriptor)
    beside = Path(name)
    try:
        with spoken(target):
            _copy(path, beside)
        _settle(beside, target)
    except OSError as error:
        raise JournalError(f"The backup {target} cannot be written: {error.strerror}.") from error
    finally:
        beside.unlink(missing_ok=True)


def _copy(path: Path, beside: Path) -> None:
    source = connect_to_read(path)
    copy = sqlite3.connect(beside, isolation_level=None)
    try:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, with no log beside it
    finally:
        copy.close()
        source.close()


def _settle(beside: Path, target: Path) -> None:
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(beside, target)
    flush_folder(target.parent)
