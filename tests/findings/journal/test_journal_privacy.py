"""The journal is its user's alone, forgets whom it is asked to forget, and tells nobody else."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from explanations import explanation, judgement, key
from kept_keys import MemoryKeys, opened
from readings import reading

from medreason_viewer.errors import JournalError
from medreason_viewer.findings.journal import (
    Explained,
    Journal,
    JournalWriter,
    Judged,
    Measured,
    StudyOpened,
    Subject,
    Views,
    WindowArranged,
)
from medreason_viewer.findings.journal.backup import back_up
from medreason_viewer.findings.journal.keys import FilePlace
from medreason_viewer.findings.journal.place import prepare
from medreason_viewer.findings.journal.verify import verify
from medreason_viewer.volume.series import Identity

WORDS = ("Kanarek", "MRN77-", "1.2.826.77.", "1931-0", "Ünlü")
PLANTED = [f"{word}{number}" for number in range(8) for word in WORDS]
GONE = key("Kanarek-P1", study="1.2.826.77.1", series="1.2.826.77.1.1", sop="1.2.826.77.1.1.1")


def _forms(text: str) -> list[bytes]:
    """A text as it may lie in a file: raw, escaped, UTF-16, hex, base64 at any offset, hashed."""
    raw = text.encode()
    shifted = [base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4] for shift in range(3)]
    hashes = [hashlib.new(name, raw).hexdigest().encode() for name in ("md5", "sha1", "sha256")]
    digests = [hashlib.new(name, raw).digest() for name in ("md5", "sha1", "sha256")]
    forms = [
        raw,
        json.dumps(text)[1:-1].encode(),
        text.encode("unicode_escape"),
        text.encode("utf-16-le"),
        text.encode("utf-16-be"),
    ]
    return [*forms, raw.hex().encode(), *shifted, *hashes, *digests]


def _found(folder: Path, texts: list[str]) -> set[str]:
    """Which of the texts lie in any file of a folder."""
    held = b"\n".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    return {text for text in texts if any(form in held for form in _forms(text))}


def _plant(journal: Journal) -> None:
    identity = Identity(*PLANTED[:8], series_uid=GONE.series_uid, institution=PLANTED[8])
    journal.append(StudyOpened(f"/cases/{PLANTED[9]}", replace(identity, patient_key=GONE.patient_key)))
    long = " ".join(PLANTED) + " longer than a page " * 500  # so that it goes on in pages of its own
    journal.append(Explained(explanation(key=GONE, raw_reply=long), finding_id="f1"))
    journal.append(Judged("f1", GONE, judgement(text=" ".join(PLANTED))))
    journal.append(Measured("m1", GONE, 1, "text", (), text=" ".join(PLANTED)))
    journal.append(WindowArranged(" ".join(PLANTED), (Subject("P9"), Subject.of(GONE))))


def test_what_is_erased_is_in_no_file_any_more_and_the_chain_holds(tmp_path: Path) -> None:
    keys = MemoryKeys()
    uids = [GONE.patient_key, GONE.study_uid, GONE.series_uid]
    with opened(tmp_path, keys) as journal:
        for event in reading("P2", "2"):
            journal.append(event)
        _plant(journal)
        assert _found(tmp_path, [*PLANTED, *uids]) == {*PLANTED, *uids}
        assert journal.erase(Subject(GONE.patient_key), "Dr. Ada Read", "asked by letter") == 5
        assert _found(tmp_path, [*PLANTED, *uids]) == set()
        assert journal.finding("f1") is None
        assert journal.recent_studies()[0].identity.patient_key == "P2"
        assert journal.erase(Subject(GONE.patient_key), "Dr. Ada Read") == 0
        with pytest.raises(JournalError, match="no such finding"):
            journal.append(Judged("f1", GONE, judgement()))
        assert len(journal.findings()) == 1
    assert _found(tmp_path, [*PLANTED, *uids]) == set()
    report = verify(tmp_path / "journal.sqlite3", keys)
    assert report.problems == ()
    assert report.erased == 5


def test_a_study_or_a_finding_is_erased_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        for finding_id in ("f1", "f2"):
            journal.append(Explained(explanation(), finding_id=finding_id))
        assert journal.erase(Subject(finding_id="f1"), "Dr. Ada Read") == 1
        assert [finding.id for finding in journal.findings()] == ["f2"]
        assert journal.erase(Subject(study_uid=key().study_uid), "Dr. Ada Read") == 1
        assert journal.findings() == []
        journal.append(StudyOpened("/cases/n.nii", Identity()))
        journal.append(Measured("m1", GONE, 1, "text", ()))
        assert journal.erase(Subject(study_uid="/cases/n.nii"), "Dr. Ada Read") == 1
        assert journal.erase(Subject(pixels_sha256=GONE.pixels_sha256), "Dr. Ada Read") == 1
        with pytest.raises(JournalError, match="Name the patient"):
            journal.erase(Subject(), "Dr. Ada Read")


def test_bytes_that_another_program_holds_go_when_the_journal_is_next_opened(tmp_path: Path) -> None:
    keys = MemoryKeys()
    with opened(tmp_path, keys) as journal:
        _plant(journal)
        journal._connection.execute("PRAGMA busy_timeout = 50")
        with Views.open_to_read(journal.path) as views:
            reading_on = views.entries()
            next(reading_on)
            with pytest.raises(JournalError, match="another program has the journal open"):
                journal.erase(Subject(GONE.patient_key), "Dr. Ada Read")
            assert journal.finding("f1") is None
            reading_on.close()
    with opened(tmp_path, keys):
        assert _found(tmp_path, PLANTED) == set()


@pytest.mark.skipif(os.name != "posix", reason="permissions are another thing there")
def test_every_file_is_its_users_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = tmp_path / "data"
        path = folder / "journal.sqlite3"
        with Journal.open(path, FilePlace(path.with_name("journal.sqlite3.key"))) as journal:
            _plant(journal)
            journal.keep_head()
            back_up(path, folder / "backup.sqlite3")
            files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    finally:
        os.umask(before)
    names = ("journal.sqlite3", "journal.sqlite3-wal", "journal.sqlite3-shm", "journal.sqlite3.key")
    assert files == dict.fromkeys([*names, "backup.sqlite3"], 0o600)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="permissions are another thing there")
def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        path = journal.path
    path.chmod(0o644)
    assert any("read by others" in problem for problem in verify(path, MemoryKeys()).problems)
    prepare(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nobody_else_is_told_of_a_patient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    data, temporary = tmp_path / "data", tmp_path / "temporary"
    temporary.mkdir()
    for name in ("TMPDIR", "SQLITE_TMPDIR"):
        monkeypatch.setenv(name, str(temporary))
    caplog.set_level(logging.DEBUG)
    path = data / "journal.sqlite3"
    writer = JournalWriter(lambda: Journal.open(path, FilePlace(data / "keys")))
    writer.ask(_plant).result(30)
    refused = writer.write(Judged(PLANTED[0], GONE, judgement(text=PLANTED[1])))
    assert PLANTED[0] not in str(refused.exception(30))
    memory_only = writer.ask(lambda journal: journal._connection.execute("PRAGMA temp_store").fetchone())
    assert memory_only.result(30) == (2,)
    writer.close()
    assert _found(data, PLANTED)
    for file in data.glob("journal.sqlite3*"):
        file.unlink()
    (tmp_path / "log").write_text(caplog.text)
    assert _found(tmp_path, [*PLANTED, *_ids()]) == set()


def _ids() -> list[str]:
    return [GONE.patient_key, GONE.study_uid, GONE.series_uid]
