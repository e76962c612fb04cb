"""The journal's thread: nobody waits for it, and nothing is called done before it is on disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from explanations import explanation, judgement, key
from kept_keys import MemoryKeys, opened

from medreason_viewer.errors import JournalError
from medreason_viewer.findings.journal import Explained, Journal, JournalWriter, Judged, Receipt, Undone
from medreason_viewer.findings.journal.subject import Event

KEY = key()
LIMIT_S = 30


@pytest.fixture
def open_journal(tmp_path: Path) -> Callable[[], Journal]:
    keys = MemoryKeys()
    return lambda: opened(tmp_path, keys)


class _Held(Journal):
    """A journal on a disk that does not answer until ``disk`` is set."""

    disk = threading.Event()
    batches: list[int]

    def append_all(self, events: Sequence[Event]) -> list[Receipt | Exception]:
        self.batches.append(len(events))
        assert self.disk.wait(LIMIT_S)
        return super().append_all(events)


def test_what_is_written_is_pending_until_it_is_on_disk_and_then_read(tmp_path: Path) -> None:
    keys, disk = MemoryKeys(), threading.Event()
    batches: list[int] = []

    def open_held() -> Journal:
        held = _Held.open(tmp_path / "journal.sqlite3", keys)
        assert isinstance(held, _Held)
        held.disk, held.batches = disk, batches
        return held

    writer = JournalWriter(open_held)
    writes = [writer.write(Explained(explanation(), finding_id=f"f{number}")) for number in range(30)]
    asked = writer.ask(lambda journal: [finding.id for finding in journal.findings()])
    assert writer.pending == 30
    assert not any(write.done() for write in writes)  # the caller was never held up by the disk
    assert not writes[0].cancel()
    disk.set()
    assert asked.result(LIMIT_S) == [f"f{number}" for number in range(30)]
    assert [write.result(LIMIT_S).number for write in writes] == list(range(2, 32))
    assert writer.pending == 0
    assert len(batches) <= 3  # what gathered while the disk was busy went in one go
    assert writer.close(LIMIT_S)


def test_only_what_makes_no_sense_fails(open_journal: Callable[[], Journal]) -> None:
    writer = JournalWriter(open_journal)
    refused = writer.write(Undone("f1", KEY, "Dr. Ada Read"))
    writer.write(Explained(explanation(), finding_id="f1"))
    judged = writer.write(Judged("f1", KEY, judgement()))
    with pytest.raises(JournalError, match="no such finding"):
        refused.result(LIMIT_S)
    assert judged.result(LIMIT_S)
    with pytest.raises(ZeroDivisionError):
        writer.ask(lambda _: 1 / 0).result(LIMIT_S)
    assert writer.close(LIMIT_S)


def test_closing_writes_what_is_pending(open_journal: Callable[[], Journal]) -> None:
    writer = JournalWriter(open_journal)
    last = [writer.write(Explained(explanation())) for _ in range(20)][-1]
    assert writer.close(LIMIT_S)
    assert last.result(0).number == 21
    assert writer.close(LIMIT_S)
    with pytest.raises(JournalError, match="closed"):
        writer.write(Explained(explanation()))
    with pytest.raises(JournalError, match="closed"):
        writer.ask(lambda _: None)


def test_a_journal_that_does_not_open_fails_everything_with_its_sentence() -> None:
    def refuse() -> Journal:
        raise JournalError("The keyring is locked.")

    writer = JournalWriter(refuse)
    write, asked = writer.write(Explained(explanation())), writer.ask(lambda _: None)
    for future in (writer.opened, write, asked):
        with pytest.raises(JournalError, match="locked"):
            future.result(LIMIT_S)
    assert writer.pending == 0
    assert writer.close(LIMIT_S)
