"""A disk that is full, read-only, slow or on the network: a sentence, and nothing acknowledged is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from explanations import explanation
from kept_keys import MemoryKeys, opened
from slow_disk import slow_disk

from medreason_viewer.errors import JournalError
from medreason_viewer.findings.journal import Explained, Journal, Views, place
from medreason_viewer.findings.journal.keys import FilePlace
from medreason_viewer.findings.journal.verify import verify

HERE = Path(__file__).parent
PATHS = os.pathsep.join([str(HERE), str(HERE.parents[1]), str(HERE.parents[2])])
SYNC_S = 0.5


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    _mount("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder))
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def _mount(*command: str) -> None:
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here (that needs root)")


def _fill(journal: Journal) -> tuple[list[int], JournalError]:
    """Write until the disk refuses; the numbers that were acknowledged, and the refusal."""
    acknowledged = []
    for number in range(2000):
        try:
            receipt = journal.append(Explained(explanation(raw_reply="x" * 2000), finding_id=f"f{number}"))
        except JournalError as error:
            return acknowledged, error
        acknowledged.append(receipt.number)
    raise AssertionError("the disk is never full")


def test_a_full_disk_loses_nothing_and_goes_on_once_there_is_room(small_disk: Path) -> None:
    keys = MemoryKeys()
    with opened(small_disk, keys) as journal:
        acknowledged, error = _fill(journal)
        assert "the disk is full. Free some space" in str(error)
        assert len(acknowledged) > 10
        assert [int(finding.id[1:]) + 2 for finding in journal.findings()] == acknowledged
        _mount("mount", "-o", "remount,size=8m", str(small_disk))
        assert journal.append(Explained(explanation())).number == acknowledged[-1] + 1
    assert verify(journal.path, keys).problems == ()


def test_a_full_disk_is_told_at_the_start_too(small_disk: Path) -> None:
    (small_disk / "rest").write_bytes(b"x" * 2 * 1024 * 1024)
    with pytest.raises(JournalError, match=r"full|No space"):
        opened(small_disk)


def test_a_read_only_disk_is_told_and_can_be_read_from(small_disk: Path) -> None:
    with opened(small_disk) as journal:
        journal.append(Explained(explanation(), finding_id="f1"))
    _mount("mount", "-o", "remount,ro", str(small_disk))
    with pytest.raises(JournalError, match="Read-only"):
        opened(small_disk)
    with Views.open_to_read(journal.path) as views:
        assert [finding.id for finding in views.findings()] == ["f1"]
    _mount("mount", "-o", "remount,rw", str(small_disk))


_LIMITED = """
import json, resource, sys
from pathlib import Path
from explanations import explanation
from medreason_viewer.errors import JournalError
from medreason_viewer.findings.journal import Explained, Journal
from medreason_viewer.findings.journal.keys import FilePlace

path = Path(sys.argv[1])
journal = Journal.open(path, FilePlace(path.with_name("keys")))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, resource.RLIM_INFINITY))
told, acknowledged = "", []
for _ in range(2000):
    try:
        acknowledged.append(journal.append(Explained(explanation(raw_reply="x" * 2000))).number)
    except JournalError as error:
        told = str(error)
        break
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.close()
print(json.dumps({"told": told, "acknowledged": acknowledged}))
"""


@pytest.mark.skipif(os.name != "posix", reason="the system has no limit on a file's size")
def test_a_disk_that_fails_to_write_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    done = _child(_LIMITED, path)
    assert "What was written before is safe" in done["told"]
    with Views.open_to_read(path) as views:
        assert [entry.number for entry in views.entries("explained")] == done["acknowledged"]
    assert len(done["acknowledged"]) > 10
    assert verify(path, FilePlace(tmp_path / "keys")).problems == ()


_SLOW = """
import json, sys, time
from pathlib import Path
from explanations import explanation
from medreason_viewer.findings.journal import Explained, Journal, JournalWriter
from medreason_viewer.findings.journal.keys import FilePlace

path = Path(sys.argv[1])
writer = JournalWriter(lambda: Journal.open(path, FilePlace(path.with_name("keys"))))
writes, longest, pending, ticks, begun = [], 0.0, 0, 0, time.monotonic()
while time.monotonic() - begun < 2.5:
    before = time.monotonic()
    if ticks % 20 == 0:
        writes.append(writer.write(Explained(explanation())))
    pending = max(pending, writer.pending)
    longest = max(longest, time.monotonic() - before)
    ticks += 1
    time.sleep(0.005)
writer.close()
print(json.dumps({"longest_s": longest, "pending": pending, "numbers": [w.result().number for w in writes]}))
"""


def test_a_disk_that_takes_half_a_second_a_sync_stalls_nobody(tmp_path: Path) -> None:
    done = _child(_SLOW, tmp_path / "journal.sqlite3", **slow_disk(tmp_path, SYNC_S))
    assert done["pending"] > 1  # the disk really was slow
    assert done["longest_s"] < SYNC_S / 2
    assert done["numbers"] == list(range(2, len(done["numbers"]) + 2))


def _child(code: str, path: Path, **environment: str) -> Any:
    environment = {**os.environ, "PYTHONPATH": PATHS, **environment}
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=120)
    return json.loads(done.stdout)


def test_a_network_disk_that_cannot_lock_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "file_system", lambda _: "nfs")
    monkeypatch.setattr(place, "_locks_out", lambda _: False)
    with pytest.raises(JournalError, match=r"is on a network disk \(nfs\) that cannot lock files"):
        opened(tmp_path)


def test_on_a_network_disk_that_can_lock_one_program_has_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "file_system", lambda _: "nfs4")
    with opened(tmp_path) as journal:
        journal.append(Explained(explanation()))
        assert not journal.path.with_name("journal.sqlite3-shm").exists()  # it would not be shared
        code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('SELECT * FROM head')"
        command = [sys.executable, "-c", code, str(journal.path)]
        other = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "database is locked" in other.stderr


def test_this_disk_is_seen_as_what_it_is(small_disk: Path, tmp_path: Path) -> None:
    assert place.file_system(small_disk / "journal.sqlite3") == "tmpfs"
    assert place.excludes(tmp_path / "journal.sqlite3")
    assert list(tmp_path.glob(".*")) == []
