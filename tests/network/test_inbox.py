"""Where what arrives lies, and what a DICOM file says it is."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pytest
from pydicom import dcmread
from studies import large_series, study_files

from medreason_viewer.errors import UnreadableFile
from medreason_viewer.network.inbox import Inbox, files_wanted
from medreason_viewer.network.part10 import copy_as_part10, is_uid, read_label
from medreason_viewer.volume.scan import scan


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """One object."""
    return study_files(tmp_path / "study", slices=1)[0]


def test_kept_whole_once_and_privately(inbox: Inbox, file: Path) -> None:
    label = read_label(file)
    folder = inbox.study("pacs", label.study_uid)
    for new in (True, False):
        with folder.arriving() as part:
            assert part.stat().st_mode & 0o077 == 0
            part.write_bytes(file.read_bytes())
            assert folder.keep(part) == (folder.place(label.sop_uid), new)
        assert not part.exists()
    assert folder.has(label.sop_uid)
    assert folder.place(label.sop_uid).read_bytes() == file.read_bytes()
    for path in (inbox.root, folder.path):
        assert path.stat().st_mode & 0o777 == 0o700
    assert not any(part in str(folder.place(label.sop_uid)) for part in (label.sop_uid, label.study_uid))
    assert Inbox(inbox.root).study("pacs", label.study_uid).has(label.sop_uid), "not found after a restart"
    assert not inbox.study("other", label.study_uid).has(label.sop_uid)


def test_names_say_nothing_without_the_key(tmp_path: Path) -> None:
    one, two = Inbox(tmp_path / "one").study("pacs", "1.2"), Inbox(tmp_path / "two").study("pacs", "1.2")
    assert one.path.name != two.path.name
    assert one.place("1.2.3").name != two.place("1.2.3").name


@pytest.mark.parametrize("cut", [10, 200, 300])
def test_what_is_damaged_is_not_kept(inbox: Inbox, file: Path, cut: int) -> None:
    folder = inbox.study("pacs", read_label(file).study_uid)
    with folder.arriving() as part:
        part.write_bytes(file.read_bytes()[:cut])
        with pytest.raises(UnreadableFile):
            folder.keep(part)
    assert not list(folder.path.iterdir())


def test_two_at_once(inbox: Inbox, file: Path) -> None:
    """The same object over two connections: one of them brings it."""
    label, news = read_label(file), []

    def bring() -> None:
        folder = Inbox(inbox.root).study("pacs", label.study_uid)
        for _ in range(20):
            with folder.arriving() as part:
                part.write_bytes(file.read_bytes())
                news.append(folder.keep(part)[1])

    threads = [threading.Thread(target=bring) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    folder = inbox.study("pacs", label.study_uid)
    assert news.count(True) >= 1
    assert [path.name for path in folder.path.iterdir()] == [folder.place(label.sop_uid).name]


def test_old_studies_and_leftovers_go(inbox: Inbox, file: Path) -> None:
    label = read_label(file)
    folder, young = inbox.study("pacs", label.study_uid), inbox.study("pacs", "1.2.3")
    left = folder.path / "killed.part"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    inbox.study("pacs", label.study_uid)
    assert not left.exists()
    os.utime(folder.path, (0, 0))
    assert inbox.trim(3600) == 1
    assert young.path.is_dir()
    assert not folder.path.exists()


def test_a_file_without_meta_information_gets_it(file: Path, tmp_path: Path) -> None:
    data = dcmread(file)
    bare, wrong = tmp_path / "bare.dcm", tmp_path / "wrong.dcm"
    whole = file.read_bytes()
    begin = (
        whole.index(b"\x08\x00\x05\x00") if b"\x08\x00\x05\x00" in whole else whole.index(b"\x08\x00\x08\x00")
    )
    bare.write_bytes(whole[begin:])
    data.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    data.save_as(wrong)
    for source in (bare, wrong, file):
        copy = io.BytesIO()
        label = copy_as_part10(source, copy)
        assert label == read_label(file)
        assert copy.getvalue()[128:132] == b"DICM"
        read = dcmread(io.BytesIO(copy.getvalue()))
        assert read == dcmread(file)
        assert read.file_meta.MediaStorageSOPInstanceUID == read.SOPInstanceUID
    assert copy.getvalue() == whole, "the good one is copied byte by byte"


@pytest.mark.parametrize("uid", ["1.2.a", "", "1..2", "1." * 32 + "1", "1.2\n", "１.２", "-1.2", "1.2 "])
def test_what_is_no_uid(uid: str) -> None:
    assert not is_uid(uid)


@pytest.mark.parametrize("uid", ["../../etc/passwd", "1.2.a", "", "/1.2"])
@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "StudyInstanceUID"])
def test_a_file_with_what_is_no_uid(uid: str, keyword: str, file: Path) -> None:
    data = dcmread(file)
    data[keyword]._value = uid
    data.save_as(file)
    with pytest.raises(UnreadableFile):
        read_label(file)


def test_uids_as_they_come(tmp_path: Path) -> None:
    assert is_uid("1.2.840.10008.1.2")
    assert is_uid("1.02.3")  # leading zeros are wrong, and common
    assert all(is_uid(read_label(file).sop_uid) for file in large_series(tmp_path, 2, matrix=8))


def test_only_whole_objects_of_a_retrieved_study_are_looked_at(inbox: Inbox, file: Path) -> None:
    folder = inbox.study("pacs", read_label(file).study_uid)
    folder.stamp("somebody")
    with folder.arriving() as part:
        part.write_bytes(file.read_bytes())
        folder.keep(part)
    with folder.arriving() as part:
        part.write_bytes(b"half of it")
        assert len(scan(folder.path).unreadable) == 2
        found = scan(folder.path, wanted=files_wanted(folder.path))
    assert found.unreadable == ()
    assert [len(series.frames) for series in found.series] == [1]
    for elsewhere in (file.parent, inbox.root, folder.path / "none"):
        assert files_wanted(elsewhere) is None
