"""The journal over the years: old versions, lost keys, backups, keyrings that come and go."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import keyring
import pytest
from explanations import explanation, judgement, key
from kept_keys import MemoryKeys, opened
from keyring.backends import fail
from readings import reading

from medreason_viewer.errors import JournalError
from medreason_viewer.findings.journal import Explained, Journal, Judged, Subject, Views, schema, seal
from medreason_viewer.findings.journal.backup import back_up
from medreason_viewer.findings.journal.chain import content_of, digest, link, new_salt, root
from medreason_viewer.findings.journal.events import NAMES, Begun
from medreason_viewer.findings.journal.keys import key_place
from medreason_viewer.findings.journal.subject import Event
from medreason_viewer.findings.journal.verify import verify

AT = "2025-01-01T00:00:00+00:00"
VERSION_1 = """
CREATE TABLE entries (
        number INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL,
        digest BLOB NOT NULL, hash BLOB NOT NULL, salt BLOB, content TEXT);
CREATE INDEX entries_by_kind ON entries (kind);
CREATE TRIGGER entries_stay BEFORE DELETE ON entries
        BEGIN SELECT RAISE (ABORT, 'entries are never deleted'); END;
CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries
        WHEN NEW.content IS NOT NULL OR NEW.salt IS NOT NULL OR NEW.number != OLD.number
            OR NEW.at != OLD.at OR NEW.kind != OLD.kind OR NEW.digest != OLD.digest OR NEW.hash != OLD.hash
        BEGIN SELECT RAISE (ABORT, 'entries are never changed'); END;
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1), journal_id TEXT NOT NULL,
    count INTEGER NOT NULL, hash BLOB NOT NULL, mac BLOB NOT NULL);
PRAGMA application_id = 0x4D52564A;
PRAGMA user_version = 1;
"""


def _version_1(path: Path, keys: MemoryKeys, events: list[Event]) -> None:
    """A journal as version 1 wrote it."""
    held = seal.make("j1", keys, path)
    last, number = root("j1"), 0
    with sqlite3.connect(path) as connection:
        connection.executescript(VERSION_1)
        for number, event in enumerate(events, start=1):
            salt, content, kind = new_salt(), content_of(event), NAMES[type(event)]
            of_content = digest(salt, content)
            last = link(last, number, AT, kind, of_content)
            row = (number, AT, kind, of_content, last, salt, content)
            connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        head = (number, last, held.mac(number, last))
        connection.execute("INSERT INTO head VALUES (1, 'j1', ?, ?, ?)", head)
    connection.close()


def test_a_journal_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    path, keys = tmp_path / "journal.sqlite3", MemoryKeys()
    _version_1(path, keys, [Begun("j1", "0.1"), *reading("P1", "1")])
    with pytest.raises(JournalError, match="earlier version"):
        Views.open_to_read(path)
    with Journal.open(path, keys) as journal:
        assert len(journal.findings(Subject("P1"))) == 1
        assert len(journal.sends(Subject("P1"), unfinished=True)) == 1
        journal.append(Explained(explanation()))
        assert journal.erase(Subject(study_uid="1.2.1"), "Dr. Ada Read") == 13
    report = verify(path, keys)
    assert report.problems == ()
    assert report.entries == 15


def test_a_migration_that_fails_leaves_the_old_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, keys = tmp_path / "journal.sqlite3", MemoryKeys()
    _version_1(path, keys, [Begun("j1", "0.1"), *reading("P1", "1")])

    def fails(*_: object) -> None:
        raise sqlite3.OperationalError("the lights went out")

    with monkeypatch.context() as patched:
        patched.setattr(schema, "add_subjects", fails)
        with pytest.raises(JournalError, match="the lights went out"):
            Journal.open(path, keys)
    with Journal.open(path, keys) as journal:
        assert len(journal.findings(Subject("P1"))) == 1


@pytest.mark.parametrize(
    ("pragma", "said"),
    [("user_version = 99", "written by a later version"), ("application_id = 1", "of another program")],
)
def test_what_is_not_ours_to_open_is_refused(tmp_path: Path, pragma: str, said: str) -> None:
    with opened(tmp_path) as journal:
        path = journal.path
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA {pragma}")
    connection.close()
    with pytest.raises(JournalError, match=said):
        opened(tmp_path)
    with pytest.raises(JournalError, match=said):
        Views.open_to_read(path)


@pytest.mark.parametrize("content", [b"not a database, but long enough to look like one" * 50, b"\0" * 4096])
def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.sqlite3"
    path.write_bytes(content)
    with pytest.raises(JournalError, match="is not a journal"):
        opened(tmp_path)
    assert path.read_bytes() == content
    with pytest.raises(JournalError, match="There is no journal at"):
        Views.open_to_read(tmp_path / "nowhere")


def test_a_backup_is_whole_private_and_verifies(tmp_path: Path) -> None:
    keys = MemoryKeys()
    with opened(tmp_path, keys) as journal:
        for event in reading("P1", "1"):
            journal.append(event)
        target = tmp_path / "backup.sqlite3"
        back_up(journal.path, target)
        journal.append(Explained(explanation()))
        with pytest.raises(JournalError, match="There is something at"):
            back_up(journal.path, target)
        with pytest.raises(JournalError, match="Nothing can be written to"):
            back_up(journal.path, tmp_path / "nowhere" / "backup.sqlite3")
    report = verify(target, keys)
    assert report.problems == ()
    assert report.entries == 13
    assert any("No head of it was kept for this place" in note for note in report.notes)
    assert {file.name for file in tmp_path.iterdir()} == {"journal.sqlite3", "backup.sqlite3"}
    with pytest.raises(JournalError, match="There is no journal at"):
        back_up(tmp_path / "none", tmp_path / "other")


def test_a_backup_put_back_says_what_is_missing(tmp_path: Path) -> None:
    keys, target = MemoryKeys(), tmp_path / "backup.sqlite3"
    with opened(tmp_path, keys) as journal:
        path = journal.path
        back_up(path, target)
        journal.append(Explained(explanation()))
    path.write_bytes(target.read_bytes())
    with opened(tmp_path, keys) as journal:
        journal.append(Explained(explanation()))
    (problem,) = verify(path, keys).problems
    assert "It ends at entry 1, but it had 2" in problem


def test_erasing_in_a_backup_does_not_disturb_the_journal(tmp_path: Path) -> None:
    keys, target = MemoryKeys(), tmp_path / "backup.sqlite3"
    with opened(tmp_path, keys) as journal:
        journal.append(Explained(explanation()))
        back_up(journal.path, target)
    with Journal.open(target, keys) as copy:
        assert copy.erase(Subject("P1"), "Dr. Ada Read") == 1
    assert verify(journal.path, keys).problems == ()
    assert verify(target, keys).problems == ()


@dataclass
class _Ring(keyring.backend.KeyringBackend):
    """A keyring in memory, which may be locked."""

    priority: ClassVar[float] = 5  # type: ignore[misc, assignment]
    held: dict[tuple[str, str], str] = field(default_factory=dict)
    locked: bool = False

    def get_password(self, service: str, username: str) -> str | None:
        self._open()
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._open()
        self.held[service, username] = password

    def _open(self) -> None:
        if self.locked:
            raise keyring.errors.KeyringLocked("dismissed")


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> _Ring:
    ring = _Ring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: ring)
    return ring


def _without_keyring(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(keyring, "get_keyring", fail.Keyring)


def test_the_key_lies_in_the_system_keyring(tmp_path: Path, ring: _Ring) -> None:
    path = tmp_path / "journal.sqlite3"
    with Journal.open(path):
        pass
    assert {file.name for file in tmp_path.iterdir()} == {"journal.sqlite3"}
    report = verify(path)
    assert report.problems == ()
    assert any("the system keyring" in note for note in report.notes)
    assert len(ring.held) == 2


def test_a_locked_keyring_is_a_sentence_and_the_journal_is_untouched(tmp_path: Path, ring: _Ring) -> None:
    path = tmp_path / "journal.sqlite3"
    with Journal.open(path) as journal:
        journal.append(Explained(explanation()))
        ring.locked = True
        with pytest.raises(JournalError, match="Unlock the keyring"):
            journal.keep_head()
        assert journal.append(Explained(explanation())).number == 3  # a verdict is not refused for that
        ring.locked = False
    ring.locked = True
    with pytest.raises(JournalError, match="Unlock the keyring"):
        Journal.open(path)
    ring.locked = False
    assert verify(path).problems == ()


def test_a_session_without_the_keyring_does_not_take_the_journal_over(
    tmp_path: Path, ring: _Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite3"
    with Journal.open(path):
        pass
    with monkeypatch.context() as patched:
        _without_keyring(patched)
        with pytest.raises(JournalError, match="this session has none"):
            Journal.open(path)
        assert any("Its key is not in the file" in problem for problem in verify(path).problems)
    assert verify(path).problems == ()


def test_without_a_keyring_the_key_lies_in_a_file_until_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite3"
    with monkeypatch.context() as patched:
        _without_keyring(patched)
        with Journal.open(path) as journal:
            journal.append(Explained(explanation()))
        report = verify(path)
        assert report.problems == ()
        assert any("Whoever can change the journal can read that file too" in note for note in report.notes)
    held = _Ring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: held)
    with Journal.open(path) as journal:
        journal.append(Explained(explanation()))
    assert not (tmp_path / "journal.sqlite3.key").exists()
    assert verify(path).problems == ()


def test_a_journal_whose_key_is_lost_goes_on_and_says_so(tmp_path: Path) -> None:
    with opened(tmp_path, MemoryKeys()) as journal:
        path = journal.path
    keys = MemoryKeys()
    with Journal.open(path, keys) as journal:
        journal.append(Explained(explanation(), finding_id="f1"))
        journal.append(Judged("f1", key(), judgement()))
    (problem,) = verify(path, keys).problems
    assert "The key it was written under is not in the keyring of this test" in problem


def test_a_damaged_key_file_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _without_keyring(monkeypatch)
    path = tmp_path / "journal.sqlite3"
    for content, said in (("{", "cannot be read"), ("[1]", "holds no keys")):
        key_place(path).path.write_text(content)  # type: ignore[attr-defined]
        with pytest.raises(JournalError, match=said):
            Journal.open(path)
