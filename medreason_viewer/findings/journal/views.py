"""What the entries add up to: findings, measurements, key images, sends, recent studies. Reading only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from ...errors import JournalError
from ...volume.ct import ImageKey
from ..finding import Finding, Judgement
from . import schema
from .chain import event_of
from .events import (
    Explained,
    Exported,
    FollowedUp,
    Judged,
    KeyImageMarked,
    Measured,
    ReadFirst,
    SendChanged,
    StudyOpened,
    Undone,
    WindowArranged,
)
from .files import connect_to_read, spoken
from .subject import Subject


@dataclass(frozen=True, slots=True)
class NoUids:
    """Images whose files have no UIDs (NIfTI, NRRD, MetaImage): their pixels alone say which they are."""


ANY: Final = Subject()
NO_UIDS: Final = NoUids()
About = Subject | NoUids
_FINDING_KINDS: Final = ("explained", "followed_up", "judged", "undone")
_UNFINISHED: Final = """number IN (SELECT number FROM subjects WHERE finding_id IN (
    SELECT finding_id FROM subjects JOIN entries USING (number) WHERE finding_id != ''
    GROUP BY finding_id HAVING SUM(kind = 'judged') = SUM(kind = 'undone')))"""
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the journal; ``event`` is None where its content was erased."""

    number: int
    at: datetime
    kind: str
    event: Any


class Views:
    """A journal to read from, by the thread that opened it.

    Filters are :class:`Subject` objects: what is empty in one matches anything. A file without UIDs (NIfTI)
    is known by its pixels alone: ask for its image (``key``), or for all such images (``NO_UIDS``) and
    compare their keys, never for its empty series.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open_to_read(cls, path: Path) -> Views:
        """Open for reading; needs no key.

        Raises
        ------
        JournalError
            If there is no journal, or not one that this version can read as it is.
        """
        if not path.is_file():
            more = ": that is a folder; name the journal's file" if path.is_dir() else ""
            raise JournalError(f"There is no journal at {path}{more}.")
        with spoken(path):
            connection = connect_to_read(path)
            try:
                schema.check(connection)
                schema.refuse_old(connection)
            except BaseException:
                connection.close()
                raise
        return cls(path, connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def entries(
        self, *kinds: str, of: About = ANY, newest_first: bool = False, after: int = 0
    ) -> Iterator[Entry]:
        """Entries of some kinds (all, if none is named) about a subject, in order.

        Parameters
        ----------
        after : int
            The number of the entry after which to begin.
        """
        return self._entries(kinds, of, "number > ?", (after,), newest_first=newest_first)

    def patients(self) -> list[str]:
        """The keys of all patients that it still holds something of, in order."""
        with spoken(self.path):
            rows = self._connection.execute("SELECT DISTINCT patient_key FROM subjects ORDER BY patient_key")
            return [schema.of_column(key) for (key,) in rows if key]

    def findings(
        self, of: About = ANY, *, key: ImageKey | None = None, unfinished: bool = False
    ) -> list[Finding]:
        """Findings with the verdict that counts now, in the order in which they were made.

        Parameters
        ----------
        key : ImageKey, optional
            Only those of this very image: the whole key has to agree.
        unfinished : bool
            Only those without a verdict.
        """
        of = of if key is None else Subject.of(key)
        more = _UNFINISHED if unfinished else "1"
        found = _fold(self._entries(_FINDING_KINDS, of, more, ()))
        return [finding for finding in found if key is None or finding.explanation.key == key]

    def finding(self, finding_id: str) -> Finding | None:
        """One finding, or None where the journal has none of that id (any more)."""
        found = self.findings(Subject(finding_id=finding_id))
        return found[0] if found else None

    def history(self, finding_id: str) -> list[Entry]:
        """All that happened to a finding: the answer, each verdict, each undo, exports and sends."""
        return list(self.entries(of=Subject(finding_id=finding_id)))

    def measurements(self, of: About = ANY) -> list[Measured]:
        """Marks as they stand now."""
        latest = self._latest("measured", of, lambda event: event.mark_id)
        return [mark for mark in latest if isinstance(mark, Measured) and not mark.removed]

    def key_images(self, of: About = ANY) -> list[KeyImageMarked]:
        """Key images as they are marked now."""
        latest = self._latest("key_image", of, lambda event: (event.key, event.slice_index))
        return [image for image in latest if isinstance(image, KeyImageMarked) and image.marked]

    def exports(self, of: Subject = ANY) -> list[Exported]:
        """What was written where."""
        return [entry.event for entry in self.entries("exported", of=of)]

    def sends(self, of: Subject = ANY, *, unfinished: bool = False) -> list[SendChanged]:
        """Sends as they stand now; ``unfinished`` leaves those that are queued."""
        latest: list[SendChanged] = self._latest("send", of, lambda event: event.send_id)
        return [send for send in latest if not unfinished or send.state == "queued"]

    def recent_studies(self, limit: int = 20) -> list[StudyOpened]:
        """The studies that were opened last, newest first, each once; without a study UID each path once."""
        found: dict[tuple[str, ...], StudyOpened] = {}
        for entry in self.entries("opened", newest_first=True):
            opened: StudyOpened = entry.event
            uid = opened.identity.study_uid
            found.setdefault((opened.identity.patient_key, uid, "" if uid else opened.path), opened)
            if len(found) >= limit:
                break
        return list(found.values())

    def own_reads(self, of: About = ANY) -> dict[str, ReadFirst]:
        """What readers committed before the answer, by the id of the finding."""
        return {entry.event.finding_id: entry.event for entry in self.entries("read_first", of=of)}

    def window(self, name: str = "main", *, of: Subject = ANY) -> WindowArranged | None:
        """How a window stood last, on a study if one is named."""
        stood = (entry.event for entry in self.entries("window", of=of, newest_first=True))
        return next((state for state in stood if state.name == name), None)

    def _latest(self, kind: str, of: About, name: Any) -> list[Any]:
        """The last event of each thing that has a name."""
        latest = {name(entry.event): entry.event for entry in self.entries(kind, of=of)}
        return list(latest.values())

    def _numbers(self, of: Subject) -> tuple[int, ...]:
        wanted, values = _about(of)
        sql = f"SELECT number FROM entries WHERE content IS NOT NULL AND {' AND '.join(wanted)}"
        return tuple(number for (number,) in self._connection.execute(sql, values))

    def _entries(
        self,
        kinds: tuple[str, ...],
        of: About,
        more: str,
        values: tuple[Any, ...],
        *,
        newest_first: bool = False,
    ) -> Iterator[Entry]:
        wanted, arguments = _about(of)
        clauses = [more, *wanted]
        if kinds:
            clauses.append(f"kind IN ({', '.join('?' * len(kinds))})")
        if kinds or wanted:
            clauses.append("content IS NOT NULL")
        order = "DESC" if newest_first else "ASC"
        where = " AND ".join(clauses)
        sql = f"SELECT number, at, kind, content FROM entries WHERE {where} ORDER BY number {order}"
        with spoken(self.path):
            for number, at, kind, content in self._connection.execute(sql, (*values, *arguments, *kinds)):
                yield _entry(number, at, kind, content)


def _entry(number: int, at: str, kind: str, content: str | None) -> Entry:
    try:
        event = None if content is None else event_of(kind, content)
        return Entry(number, datetime.fromisoformat(at), kind, event)
    except ValueError as error:
        raise JournalError(f"Entry {number} of the journal cannot be read: {error}.") from error


def _about(of: About) -> tuple[list[str], list[str]]:
    """SQL for the entries about a subject, and its values."""
    if isinstance(of, NoUids):
        return ["number IN (SELECT number FROM subjects WHERE series_uid = '' AND pixels_sha256 != '')"], []
    named = {name: schema.column(getattr(of, name)) for name in Subject.__dataclass_fields__}
    wanted = {name: value for name, value in named.items() if value}
    if not wanted:
        return [], []
    matches = " AND ".join(f"{name} = ?" for name in wanted)
    return [f"number IN (SELECT number FROM subjects WHERE {matches})"], list(wanted.values())


def _fold(entries: Iterator[Entry]) -> list[Finding]:
    findings: dict[str, Finding] = {}
    judgements: dict[str, list[Judgement]] = {}
    for entry in entries:
        match entry.event:
            case Explained() as event:
                findings[event.finding_id] = Finding(event.finding_id, event.explanation, event.made_at)
                judgements[event.finding_id] = []
            case FollowedUp() as event:
                findings[event.finding_id] = findings[event.finding_id].with_follow_up(event.answer)
            case Judged() as event:
                judgements[event.finding_id].append(event.judgement)
            case Undone() as event:
                judgements[event.finding_id].pop()
    standing = ((finding, judgements[name]) for name, finding in findings.items())
    return [replace(finding, judgement=given[-1] if given else None) for finding, given in standing]
