"""The queue of what is to be sent: private, without names in it, and right through crashes and full disks."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from pydicom import dcmread
from studies import study_files

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import Cancelled, NetworkError, ServerUnreachable, SettingsError
from medreason_viewer.network.archive import Archive, Outgoing, Sent
from medreason_viewer.network.outbox import outbox as outbox_module
from medreason_viewer.network.outbox import spool
from medreason_viewer.network.outbox.delivery import deliver, keep_delivering
from medreason_viewer.network.outbox.outbox import Outbox, pause_s


class FakeArchive:
    """Stores, refuses or breaks off as it is told."""

    def __init__(self, *outcomes: str) -> None:
        self._outcomes = list(outcomes)
        self.stored: list[str] = []

    def send(self, files: Sequence[Outgoing], cancel: Cancel) -> Iterator[Sent]:
        for outgoing in files:
            outcome = self._outcomes.pop(0) if self._outcomes else "store"
            if outcome == "break":
                raise ServerUnreachable("It broke off.")
            if outcome == "stop":
                raise Cancelled
            if outcome == "store":
                self.stored.append(outgoing.sop_uid)
                assert outgoing.path.exists()
            yield Sent(outgoing, "" if outcome == "store" else "It says no.", permanent=outcome == "never")


def run(outbox: Outbox, archive: FakeArchive) -> list[str]:
    """Deliver what is due."""
    return [each.outcome for each in deliver(outbox, lambda name: _as_archive(archive))]


def _as_archive(archive: FakeArchive) -> Archive:
    return archive  # type: ignore[return-value]  # it sends, and nothing here asks for more


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Four objects."""
    return study_files(tmp_path / "study", slices=4)


def test_sent_once_and_never_again(outbox: Outbox, files: list[Path]) -> None:
    archive = FakeArchive()
    assert (outbox.add("pacs", files).waiting, outbox.add("pacs", files).known) == (4, 4)
    assert run(outbox, archive) == ["sent"] * 4
    assert outbox.add("pacs", files).known == 4
    assert run(outbox, archive) == []
    assert outbox.add("other", files[:1]).waiting == 1  # another server is another matter
    assert outbox.add("pacs", files[:2], again=True).waiting == 2
    assert run(outbox, archive) == ["sent"] * 3
    assert len(archive.stored) == 7


def test_changed_content_goes_out_too(outbox: Outbox, files: list[Path]) -> None:
    outbox.add("pacs", files[:1])
    assert run(outbox, FakeArchive()) == ["sent"]
    data = dcmread(files[0])
    data.PatientName = "CORRECTED"
    data.save_as(files[0])
    assert outbox.add("pacs", files[:1]).waiting == 1
    assert run(outbox, FakeArchive()) == ["sent"]


def test_what_breaks_off_waits_longer_each_time(outbox: Outbox, files: list[Path]) -> None:
    outbox.add("pacs", files)
    assert run(outbox, FakeArchive("store", "break")) == ["sent"] + ["postponed"] * 3
    assert run(outbox, FakeArchive()) == []
    due = outbox.next_due()
    assert due is not None
    assert 0 < due - time.time() <= pause_s(0)
    assert len(outbox.due(now=due + 1)) == 3
    outbox.postponed(outbox.due(now=due + 1), "Still not.", now=due)
    later = outbox.next_due()
    assert later == due + pause_s(1)
    assert pause_s(1) == 2 * pause_s(0)
    assert pause_s(1000) == 900


def test_refused_for_good_until_the_user_tries_again(outbox: Outbox, files: list[Path]) -> None:
    batch = outbox.add("pacs", files).batch
    assert run(outbox, FakeArchive("never", "store", "later", "store")) == [
        "refused",
        "sent",
        "postponed",
        "sent",
    ]
    (line,) = outbox.batches()
    assert (line.sent, line.waiting, line.refused, line.reason) == (2, 1, 1, "It says no.")
    outbox.retry(batch)
    assert run(outbox, FakeArchive()) == ["sent"] * 2


def test_a_batch_that_is_given_up(outbox: Outbox, files: list[Path]) -> None:
    batch = outbox.add("pacs", files).batch
    run(outbox, FakeArchive("store", "never", "break"))
    outbox.drop(batch)
    (line,) = outbox.batches()
    assert (line.sent, line.waiting, line.refused) == (1, 0, 0)
    assert not list((outbox.root / "files").iterdir())


def test_stopped_in_the_middle(outbox: Outbox, files: list[Path]) -> None:
    outbox.add("pacs", files)
    with pytest.raises(Cancelled):
        run(outbox, FakeArchive("store", "stop"))
    assert run(outbox, FakeArchive()) == ["sent"] * 3


def test_a_server_that_was_removed_from_the_settings(outbox: Outbox, files: list[Path]) -> None:
    def gone(name: str) -> Archive:
        raise SettingsError("There is no such server.")

    outbox.add("pacs", files)
    assert {each.reason for each in deliver(outbox, gone)} == {"There is no such server."}


def test_a_copy_that_is_gone(outbox: Outbox, files: list[Path]) -> None:
    outbox.add("pacs", files)
    next((outbox.root / "files").iterdir()).unlink()
    assert sorted(run(outbox, FakeArchive())) == ["refused"] + ["sent"] * 3


def test_only_one_process_sends(tmp_path: Path, files: list[Path]) -> None:
    with Outbox(tmp_path / "queue") as one, Outbox(tmp_path / "queue") as two:
        one.add("pacs", files)
        with one.sending() as alone:
            assert alone
            assert run(two, FakeArchive()) == []
        assert run(two, FakeArchive()) == ["sent"] * 4


def test_as_things_fall_due(tmp_path: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The window's way: a server that comes back is sent to without being asked again."""
    monkeypatch.setattr(outbox_module, "_FIRST_PAUSE_S", 0.01)
    archive, cancel, outcomes = FakeArchive("break", "store", "break"), Cancel(), []
    with Outbox(tmp_path / "queue") as outbox:
        outbox.add("pacs", files)
        for each in keep_delivering(outbox, lambda name: _as_archive(archive), cancel):
            outcomes.append(each.outcome)
            if outcomes.count("sent") == 4:
                cancel.request()
    assert outcomes == ["postponed"] * 4 + ["sent"] + ["postponed"] * 3 + ["sent"] * 3
    assert len(set(archive.stored)) == len(archive.stored) == 4


def test_nobody_else_may_read(outbox: Outbox, files: list[Path]) -> None:
    outbox.add("pacs", files)
    for path in [outbox.root, *outbox.root.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_the_record_names_nobody(tmp_path: Path, files: list[Path]) -> None:
    """Neither patient nor UID nor path, also of what waits and of what was refused."""
    data = dcmread(files[0])
    data.PatientName, data.PatientID = "PLANTED^NAME", "PLANTED-ID"
    data.save_as(files[0])
    with Outbox(tmp_path / "queue") as outbox:
        outbox.add("pacs", files)
        run(outbox, FakeArchive("store", "never", "break"))
        outbox.add("pacs", files[:1], again=True)
    record = b"".join(path.read_bytes() for path in (tmp_path / "queue").glob("*.sqlite*"))
    assert b"pacs" in record
    for text in (
        "PLANTED",
        str(data.SOPInstanceUID),
        str(data.StudyInstanceUID),
        files[0].name,
        str(tmp_path),
    ):
        assert text.encode() not in record
        assert text.encode("utf-16-le") not in record


def test_a_full_disk_queues_nothing_and_loses_nothing(
    outbox: Outbox, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.add("pacs", files[:1])
    real, count = spool.copy_as_part10, iter(range(9))

    def full(source: Path, target: object) -> object:
        if next(count) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(spool, "copy_as_part10", full)
    with pytest.raises(OSError, match="No space left"):
        outbox.add("pacs", files)
    assert len(list((outbox.root / "files").iterdir())) == 1
    assert [line.waiting for line in outbox.batches()] == [1]


def test_what_is_no_dicom_is_named(outbox: Outbox, files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear colleague")
    (tmp_path / "cut.dcm").write_bytes(files[0].read_bytes()[:200])
    queued = outbox.add("pacs", [tmp_path / "letter.txt", files[0], tmp_path / "cut.dcm"])
    assert [error.path.name for error in queued.unreadable] == ["letter.txt", "cut.dcm"]
    assert queued.waiting == 1


@pytest.mark.parametrize("content", [b"no database at all, but long enough" * 100, b""])
def test_a_damaged_record_is_a_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite").write_bytes(content)
    if not content:
        Outbox(tmp_path).close()  # as if it were new
        return
    with pytest.raises(NetworkError, match="cannot be opened"):
        Outbox(tmp_path)


def test_a_record_of_a_later_version(tmp_path: Path) -> None:
    Outbox(tmp_path).close()
    with sqlite3.connect(tmp_path / "outbox.sqlite") as db:
        db.execute("PRAGMA user_version = 2")
    db.close()
    with pytest.raises(NetworkError, match="later version"):
        Outbox(tmp_path)


def test_two_processes_make_it_at_once(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from medreason_viewer.network.outbox.outbox import Outbox;"
        f"Outbox(Path({str(tmp_path / 'queue')!r})).close()"
    )
    both = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(2)]
    assert [(each.communicate()[1], each.returncode) for each in both] == [(b"", 0)] * 2


def test_copies_of_a_killed_process_go_in_time(tmp_path: Path, files: list[Path]) -> None:
    with Outbox(tmp_path) as outbox:
        outbox.add("pacs", files)
        orphan = outbox.root / "files" / "0123"
        orphan.write_bytes(b"half a copy")
    Outbox(tmp_path).close()
    assert orphan.exists(), "it may be on its way into the record"
    for path in orphan.parent.iterdir():
        os.utime(path, (0, 0))
    Outbox(tmp_path).close()
    assert not orphan.exists()
    assert len(list(orphan.parent.iterdir())) == 4
