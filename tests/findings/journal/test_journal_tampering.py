"""A thousand tamperings by somebody without the key, and each is found."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest
from kept_keys import MemoryKeys, opened
from readings import reading
from tampering import TAMPERINGS, Tampering, change_the_rules, truncate_with_a_new_head, unlocked

from medreason_viewer.errors import JournalError
from medreason_viewer.findings.journal import Journal, Subject
from medreason_viewer.findings.journal.verify import verify


@dataclass
class Kept:
    """A journal, its bytes, those of earlier days, and the key that the forger does not have."""

    path: Path
    keys: MemoryKeys
    good: bytes
    earlier: list[bytes]

    def problems(self) -> tuple[str, ...]:
        for log in self.path.parent.glob("*-wal"):
            log.unlink()
        return verify(self.path, self.keys).problems


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    folder, keys, days = tmp_path_factory.mktemp("journal"), MemoryKeys(), []
    for number, patient in enumerate(("P1", "P2", "P3")):
        with opened(folder, keys) as journal:
            for event in reading(patient, str(number)):
                journal.append(event)
            if patient == "P3":
                assert journal.erase(Subject("P2"), "Dr. Ada Read") == 12
        days.append((folder / "journal.sqlite3").read_bytes())
    return Kept(folder / "journal.sqlite3", keys, days[-1], days[:-1])


@pytest.fixture(autouse=True)
def _as_it_was(kept: Kept) -> None:
    kept.path.write_bytes(kept.good)


def test_an_untouched_journal_has_no_problems(kept: Kept) -> None:
    report = verify(kept.path, kept.keys)
    assert report.problems == ()
    assert (report.entries, report.erased) == (38, 12)


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda tampering: tampering.__name__)
def test_every_way_of_tampering_is_found(kept: Kept, tampering: Tampering) -> None:
    for seed in range(53):  # 19 ways: 1,007 times
        kept.path.write_bytes(kept.good)
        with unlocked(kept.path) as connection:
            tampering(connection, random.Random(seed))
        assert kept.problems(), (tampering.__name__, seed)


def test_an_older_copy_of_the_whole_file_is_found(kept: Kept) -> None:
    for earlier in kept.earlier:
        kept.path.write_bytes(earlier)
        assert any("an older copy, or cut off" in problem for problem in kept.problems())


def test_another_journal_in_its_place_is_found(kept: Kept, tmp_path: Path) -> None:
    with opened(tmp_path) as other:
        for event in reading("P1", "0"):
            other.append(event)
    kept.path.write_bytes(other.path.read_bytes())
    assert kept.problems()


def test_damage_to_the_bytes_of_any_entry_is_found(kept: Kept) -> None:
    draw = random.Random(7)
    with sqlite3.connect(kept.path) as connection:
        contents = [row[0] for row in connection.execute("SELECT content FROM entries") if row[0]]
    connection.close()
    for _ in range(100):
        content = draw.choice(contents).encode()
        at = kept.good.find(content[:300])  # longer ones go on in pages of their own
        assert at >= 0
        damaged = bytearray(kept.good)
        damaged[at + draw.randrange(min(len(content), 300))] ^= 1 << draw.randrange(8)
        kept.path.write_bytes(damaged)
        assert kept.problems()


def test_a_file_cut_anywhere_is_found(kept: Kept) -> None:
    draw = random.Random(11)
    for _ in range(50):
        kept.path.write_bytes(kept.good[: draw.randrange(1, len(kept.good))])
        try:
            assert kept.problems()
        except JournalError:
            continue  # not even a database any more


def test_a_journal_that_is_gone_is_remembered(kept: Kept) -> None:
    kept.path.unlink()
    with Journal.open(kept.path, MemoryKeys(dict(kept.keys.held))) as journal:
        assert journal.path.exists()
        keys = journal._seal.place
    assert verify(kept.path, keys).problems == ("A journal with 38 entries lay here before and is gone.",)


def test_what_was_wrong_when_it_was_opened_stays_on_record(kept: Kept) -> None:
    keys = MemoryKeys(dict(kept.keys.held))
    with unlocked(kept.path) as connection:
        truncate_with_a_new_head(connection, random.Random(3))
    for _ in range(2):
        with Journal.open(kept.path, keys) as journal:
            for event in reading("P4", "4"):
                journal.append(event)
    problems = verify(kept.path, keys).problems
    assert any("does not bear the journal's seal" in problem for problem in problems)
    assert any("an older copy, or cut off" in problem for problem in problems)


def test_rules_that_somebody_added_are_told_when_it_is_opened(kept: Kept) -> None:
    keys = MemoryKeys(dict(kept.keys.held))
    with unlocked(kept.path) as connection:
        change_the_rules(connection, random.Random(1))
    Journal.open(kept.path, keys).close()
    with unlocked(kept.path) as connection:
        connection.execute("DROP TABLE IF EXISTS hidden")
        connection.execute("DROP TRIGGER IF EXISTS forger")
    assert any("When it was opened" in problem for problem in verify(kept.path, keys).problems)


def test_tampering_while_it_is_open_is_not_sealed_over(kept: Kept) -> None:
    keys = MemoryKeys(dict(kept.keys.held))
    with Journal.open(kept.path, keys) as journal:
        with unlocked(kept.path) as connection:
            truncate_with_a_new_head(connection, random.Random(3))
        for event in reading("P4", "4"):
            journal.append(event)
    assert any("does not bear the journal's seal" in problem for problem in verify(kept.path, keys).problems)
