"""The journal itself: append-only, chained, sealed."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ... import __version__
from ...errors import JournalError
from . import erasing, place, schema, seal
from .chain import content_of, digest, link, new_salt, root
from .events import NAMES, Begun, Erased, Explained, FollowedUp, Judged, Troubled, Undone
from .files import connect, connect_to_read, spoken, transaction
from .head import Head, kept_troubles, last_entry, read_head, refuse_without_keyring
from .keys import KeyPlace, keys_of
from .subject import Event, Subject, new_id
from .views import ANY, Views

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """An entry is on the disk: its number, and the time it was given."""

    number: int
    at: datetime


class Journal(Views):
    """A journal to write to, by the thread that opened it; everything else goes through ``JournalWriter``."""

    def __init__(self, path: Path, connection: sqlite3.Connection, held: seal.Seal) -> None:
        super().__init__(path, connection)
        self._seal = held
        self._kept = -1

    @classmethod
    def open(cls, path: Path | None = None, keys: KeyPlace | None = None) -> Journal:
        """Open the journal of this user, made if there is none, brought up to date if it is old.

        What is wrong with its end (see :mod:`.verify` for the whole) is entered into it and stays on record.

        Parameters
        ----------
        path : Path, optional
            Default: :func:`.place.default_path`.
        keys : KeyPlace, optional
            Default: the system keyring, or a file where there is none (see :mod:`.keys`).

        Raises
        ------
        JournalError
            With what to do: the disk cannot lock, is full or read-only; the keyring is locked; the file is
            not a journal.
        """
        path = path or place.default_path()
        alone = place.prepare(path)
        keys = keys or keys_of(path)
        with spoken(path):
            connection = connect(path, alone=alone)
            try:
                journal = cls._opened(path, connection, keys)
                journal._finish_erasing()
            except BaseException:
                connection.close()
                raise
        return journal

    @classmethod
    def _opened(cls, path: Path, connection: sqlite3.Connection, keys: KeyPlace) -> Journal:
        with transaction(connection):
            if schema.version(connection) == 0 and not schema.statements(connection):
                return cls._begun(path, connection, keys)
            schema.check(connection)
            schema.migrate(connection)
            head = read_head(connection)
            held = seal.find(head.journal_id, keys, path)
            if held is None:
                refuse_without_keyring(connection, keys)
            troubles = [] if held else [f"The key it was written under is not in {keys.text}."]
            journal = cls(path, connection, held or seal.make(head.journal_id, keys, path))
            if held:
                troubles += journal._seal_troubles(head)
            if schema.statements(connection) != schema.expected():
                troubles.append("Its tables, indices or triggers are not a journal's.")
            troubles += kept_troubles(connection, head, seal.kept(keys, path))
            if troubles:
                journal._append(Troubled(tuple(troubles)))
        return journal

    @classmethod
    def _begun(cls, path: Path, connection: sqlite3.Connection, keys: KeyPlace) -> Journal:
        before = seal.kept(keys, path)
        lost = f"A journal with {before.count} entries lay here before and is gone." if before else ""
        journal_id = new_id()
        journal = cls(path, connection, seal.make(journal_id, keys, path))
        schema.create(connection)
        first = root(journal_id)
        row = (journal_id, first, journal._seal.mac(0, first))
        connection.execute("INSERT INTO head (one, journal_id, count, hash, mac) VALUES (1, ?, 0, ?, ?)", row)
        journal._append(Begun(journal_id, __version__, lost))
        return journal

    def append(self, event: Event) -> Receipt:
        """Write one event; it is on the disk when this returns.

        Raises
        ------
        JournalError
            If it cannot be written, with the reason; or if it is a verdict on a finding that is not there, or
            an undo where no verdict stands.
        ValueError
            If a number in the event is not finite.
        """
        (outcome,) = self.append_all([event])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def append_all(self, events: Sequence[Event]) -> list[Receipt | Exception]:
        """Write events in one go: for each its receipt, or why it makes no sense; the others are written.

        Raises
        ------
        JournalError
            If nothing could be written.
        """
        with spoken(self.path), transaction(self._connection):
            troubles = self._seal_troubles(read_head(self._connection))
            if troubles:
                self._append(Troubled(tuple(troubles)))
            return [self._tried(event) for event in events]

    def erase(self, of: Subject, reader: str, reason: str = "") -> int:
        """Erase the content of every entry about a subject; returns of how many.

        Their numbers, times, kinds and hashes stay, and an entry says that they were erased, by whom and why
        (name no patient there). The bytes are overwritten in the file and cut from its log. Backups, exported
        files, what waits to be sent and a disk's own spare blocks are not reached.

        Parameters
        ----------
        of : Subject
            What is empty in it matches anything; something must be named.

        Raises
        ------
        JournalError
            If none is named, or another program keeps the bytes from being overwritten.
        """
        if of == ANY:
            raise JournalError("Name the patient, study or finding to erase.")
        with spoken(self.path):
            with transaction(self._connection):
                numbers = self._numbers(of)
                if numbers:
                    self._append(Erased(numbers, reader, reason))
                    erasing.blank(self._connection, numbers)
            erasing.scrub(self._connection)
        return len(numbers)

    def keep_head(self) -> None:
        """Put the head beside the key, so that from here on an older copy of the file is found out.

        Raises
        ------
        JournalError
            If the keyring is locked.
        """
        with spoken(self.path):
            head = read_head(self._connection)
        if head.count != self._kept:
            self._seal.keep(head.count, head.hash)
            self._kept = head.count

    def close(self) -> None:
        """Keep the head and close the file; what is written stands even if the keyring is locked by now."""
        try:
            self.keep_head()
        except JournalError as error:
            _log.warning("The journal's head was not kept: %s", error)
        finally:
            super().close()

    def _finish_erasing(self) -> None:
        """An erasure may have been cut short after the content went and before its bytes did."""
        if erasing.to_scrub(self._connection):
            try:
                erasing.scrub(self._connection)
            except (JournalError, sqlite3.Error) as error:
                _log.warning("What was erased from the journal may still lie in its file: %s", error)

    def _tried(self, event: Event) -> Receipt | Exception:
        try:
            self._refuse_senseless(event)
            return self._append(event)
        except (JournalError, ValueError) as error:
            return error

    def _refuse_senseless(self, event: Event) -> None:
        if not isinstance(event, Explained | FollowedUp | Judged | Undone):
            return
        about, standing = self._known(event.finding_id)
        if isinstance(event, Explained):
            if about is not None:
                raise JournalError("The journal has a finding of that id already.")
        elif about is None:
            raise JournalError("The journal has no such finding; it may have been erased.")
        elif about != schema.subject_rows(0, event.subjects)[0][1:]:
            raise JournalError("It is about another image than its finding.")
        elif isinstance(event, Undone) and not standing:
            raise JournalError("There is no verdict to undo.")

    def _known(self, finding_id: str) -> tuple[tuple[str, ...] | None, int]:
        """What a finding is about (None where there is none), and how many verdicts on it stand."""
        about, standing = None, 0
        rows = self._connection.execute(
            "SELECT kind, patient_key, study_uid, series_uid, pixels_sha256, finding_id "
            "FROM subjects JOIN entries USING (number) WHERE finding_id = ?",
            (schema.column(finding_id),),
        )
        for kind, *columns in rows:
            about = tuple(columns) if kind == "explained" else about
            standing += {"judged": 1, "undone": -1}.get(kind, 0)
        return about, standing

    def _append(self, event: Event) -> Receipt:
        """Write one entry and the new head; inside a transaction."""
        content, salt, at = content_of(event), new_salt(), datetime.now(UTC)
        before, last = last_entry(self._connection, self._seal.journal_id)
        number, kind, written = before + 1, NAMES[type(event)], at.isoformat()
        content_digest = digest(salt, content)
        here = link(last, number, written, kind, content_digest)
        row = (number, written, kind, content_digest, here, salt, content)
        self._connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        schema.add_subjects(self._connection, number, event.subjects)
        self._connection.execute(
            "UPDATE head SET count = ?, hash = ?, mac = ?, key_in = ?",
            (number, here, self._seal.mac(number, here), "keyring" if self._seal.place.safe else "file"),
        )
        return Receipt(number, at)

    def _seal_troubles(self, head: Head) -> list[str]:
        troubles = []
        if not self._seal.fits(head.count, head.hash, head.mac):
            troubles.append("Its head does not bear the journal's seal.")
        if last_entry(self._connection, head.journal_id) != (head.count, head.hash):
            troubles.append("Its last entry is not the one that its head names.")
        return troubles


def bring_up_to_date(path: Path) -> None:
    """Migrate a journal of an earlier version, if there is one at ``path``, for those who only read.

    Raises
    ------
    JournalError
        If it is not a journal, or cannot be migrated.
    """
    if not path.is_file():
        return
    with spoken(path):
        connection = connect_to_read(path)
        try:
            schema.check(connection)
            old = schema.version(connection) < schema.VERSION
        finally:
            connection.close()
    if old:
        Journal.open(path).close()
