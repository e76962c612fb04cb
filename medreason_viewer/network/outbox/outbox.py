"""The queue of what is to be sent: SQLite, readable by its user alone, without a name, a UID or a path in it.

A file that is to be sent is copied into a private folder first, so that it goes out as it was, whatever
becomes of the original. An object that a server has acknowledged stays on record by a keyed hash, so that it
is not sent twice; its copy is deleted.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from platformdirs import user_data_path

from ...cancel import Cancel
from ...errors import NetworkError, UnreadableFile
from ..inbox import keyed_hash, private_folder
from .schema import opened, private_file
from .spool import Spool, Spooled

State = Literal["waiting", "sent", "refused"]

_APP: Final = "medreason-viewer"
_FIRST_PAUSE_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 900.0


@dataclass(frozen=True, slots=True)
class Queued:
    """What became of files that were given to the queue.

    Attributes
    ----------
    batch : str
        The name under which they are followed.
    waiting : int
        How many are to be sent now.
    known : int
        How many wait already, or that server has acknowledged before, with the same content.
    unreadable : tuple of UnreadableFile
        Those that are no DICOM objects.
    """

    batch: str
    waiting: int
    known: int
    unreadable: tuple[UnreadableFile, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One object that waits."""

    id: int
    batch: str
    server: str
    file: Path
    attempts: int


@dataclass(frozen=True, slots=True)
class Batch:
    """How far one batch for one server is; ``reason`` is the last one given, ``due`` a time in seconds."""

    batch: str
    server: str
    waiting: int
    sent: int
    refused: int
    reason: str
    due: float


class Outbox:
    """The queue of this user; every call is on disk when it returns. One thread uses one object.

    Parameters
    ----------
    root : Path, optional
        By default in the user's data folder.

    Raises
    ------
    NetworkError
        If the queue cannot be opened: damaged, or on a disk that cannot lock.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or Path(user_data_path(_APP, appauthor=False)) / "outbox"
        private_folder(self.root)
        self._db, self._salt = opened(self.root / "outbox.sqlite")
        self._spool = Spool(self.root / "files")
        self._spool.keep_only(self._files)

    def close(self) -> None:
        """Close the queue; what waits goes on waiting."""
        self._db.close()

    def __enter__(self) -> Outbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(
        self, server: str, files: Sequence[Path], *, again: bool = False, cancel: Cancel | None = None
    ) -> Queued:
        """Take files over: copied, flushed, and on record before this returns.

        Parameters
        ----------
        again : bool
            Send also what that server has acknowledged before.

        Raises
        ------
        OSError
            If there is no room; nothing of this call is then queued.
        """
        batch, copies, unreadable = secrets.token_hex(8), [], []
        try:
            for file in files:
                if cancel is not None:
                    cancel.check()
                try:
                    copies.append(self._spool.copy(file))
                except UnreadableFile as error:
                    unreadable.append(error)
            self._spool.flush()
            with self._transaction():
                new = [copy for copy in copies if self._record(batch, server, copy, again)]
        except BaseException:
            self._spool.drop([copy.file for copy in copies])
            raise
        self._spool.drop([copy.file for copy in copies if copy not in new])
        return Queued(batch, len(new), len(copies) - len(new), tuple(unreadable))

    def due(self, now: float | None = None) -> list[Item]:
        """What may be sent now, oldest first."""
        rows = self._db.execute(
            "SELECT id, batch, server, file, attempts FROM item "
            "WHERE state = 'waiting' AND due <= ? ORDER BY id",
            (time.time() if now is None else now,),
        )
        return [
            Item(key, batch, name, self._spool.path(file), tries) for key, batch, name, file, tries in rows
        ]

    def next_due(self) -> float | None:
        """When something may be sent, in seconds since the epoch; None if nothing waits."""
        row = self._db.execute("SELECT min(due) FROM item WHERE state = 'waiting'").fetchone()
        return None if row[0] is None else float(row[0])

    def sent(self, item: Item) -> None:
        """The server has acknowledged it."""
        self._settle(item, "sent", "")

    def refused(self, item: Item, reason: str) -> None:
        """The server does not want it, and trying again is of no use."""
        self._settle(item, "refused", reason)

    def postponed(self, items: Sequence[Item], reason: str, now: float | None = None) -> None:
        """It did not work this time: each is tried again, after a pause that doubles."""
        now = time.time() if now is None else now
        with self._transaction():
            for item in items:
                self._db.execute(
                    "UPDATE item SET attempts = attempts + 1, due = ?, reason = ? WHERE id = ?",
                    (now + pause_s(item.attempts), reason, item.id),
                )

    def retry(self, batch: str) -> None:
        """Try at once, also what was refused."""
        with self._transaction():
            self._db.execute(
                "UPDATE item SET state = 'waiting', due = 0, attempts = 0 "
                "WHERE batch = ? AND state IN ('waiting', 'refused') AND file != ''",
                (batch,),
            )

    def drop(self, batch: str) -> None:
        """Give up what of a batch was not sent."""
        with self._transaction():
            files = self._db.execute(
                "SELECT file FROM item WHERE batch = ? AND state != 'sent'", (batch,)
            ).fetchall()
            self._db.execute("DELETE FROM item WHERE batch = ? AND state != 'sent'", (batch,))
        self._spool.drop([file for (file,) in files])

    def batches(self) -> list[Batch]:
        """Every batch, newest first."""
        rows = self._db.execute(
            "SELECT batch, server, sum(state = 'waiting'), sum(state = 'sent'), sum(state = 'refused'), "
            "max(CASE WHEN state != 'sent' THEN reason ELSE '' END), "
            "coalesce(min(CASE WHEN state = 'waiting' THEN due END), 0) "
            "FROM item GROUP BY batch, server ORDER BY max(id) DESC"
        )
        return [Batch(*row) for row in rows]

    @contextmanager
    def sending(self) -> Iterator[bool]:
        """Whether this process alone may send while the block lasts; ends by itself if the process dies."""
        path = self.root / "sending.sqlite"
        private_file(path)
        lock = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                yield False
            else:
                yield True
        finally:
            lock.close()

    def _record(self, batch: str, server: str, copy: Spooled, again: bool) -> bool:
        """Whether the copy is to be sent: not if the same waits already, or was acknowledged before."""
        name = keyed_hash(copy.sop_uid, self._salt)
        digest = keyed_hash(copy.digest, self._salt)
        known = self._db.execute(
            "SELECT id, state, digest FROM item WHERE server = ? AND object = ?", (server, name)
        ).fetchone()
        if known is not None:
            key, state, before = known
            if before == digest and (state == "waiting" or (state == "sent" and not again)):
                return False
            self._db.execute("DELETE FROM item WHERE id = ?", (key,))
        self._db.execute(
            "INSERT INTO item (batch, server, object, digest, file, state, due) "
            "VALUES (?, ?, ?, ?, ?, 'waiting', 0)",
            (batch, server, name, digest, copy.file),
        )
        return True

    def _settle(self, item: Item, state: State, reason: str) -> None:
        """Record it first, delete the copy afterwards: a crash in between leaves a file, not a gap."""
        kept = item.file.name if state == "refused" else ""
        with self._transaction():
            self._db.execute(
                "UPDATE item SET state = ?, reason = ?, file = ? WHERE id = ?", (state, reason, kept, item.id)
            )
        if not kept:
            self._spool.drop([item.file.name])

    def _files(self) -> set[str]:
        return {file for (file,) in self._db.execute("SELECT file FROM item WHERE file != ''")}

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            raise NetworkError(f"The queue of what is to be sent could not be written ({error}).") from error
        except BaseException:
            self._undo()
            raise

    def _undo(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("ROLLBACK")


def pause_s(attempts: int) -> float:
    """How long to wait after so many attempts before this one, in seconds."""
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(attempts, 20))
