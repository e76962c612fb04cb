"""Folders, single files, zip archives and DICOMDIRs, the hostile ones included."""

from __future__ import annotations

import gc
import io
import os
import struct
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from dicom_writer import ct_slice, stack, write
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from medreason_viewer.errors import (
    NothingToOpen,
    PathNotFound,
    TooLarge,
    UnreadableFile,
    VolumeError,
)
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.scratch import Scratch

DEFLATED = "1.2.840.10008.1.2.1.99"


def zipped(path: Path, folder: Path, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return path


# ------------------------------------------------------------------------------ nothing to open


def test_no_such_path(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match=r"There is no file or folder at .*nowhere\."):
        scan(tmp_path / "nowhere")


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty" / "inner").mkdir(parents=True)
    with pytest.raises(NothingToOpen, match=r"^empty is empty: there is no file in it\.$"):
        scan(tmp_path / "empty")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"%PDF-1.7\n%...", "it is a PDF document"),
        (b"", "it is empty"),
        (b"\x89PNG\r\n\x1a\n", r"it is a picture \(PNG\), not a CT image"),
        (b"just words", "it is not a medical image"),
        (bytes(128) + b"DICM", "it holds no image"),
        (bytes(128) + b"DICM\x02\0", "its header is cut off"),
    ],
)
def test_a_file_that_is_no_image(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "file.dcm"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=rf"^file\.dcm could not be read: {reason}\.$"):
        scan(path)


def test_a_folder_of_other_things(tmp_path: Path) -> None:
    (tmp_path / "letter.pdf").write_bytes(b"%PDF-1.4")
    with pytest.raises(NothingToOpen, match=r"no image that can be shown.*letter\.pdf: it is a PDF document"):
        scan(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    write(tmp_path, *stack(2))
    assert len(scan(tmp_path).series[0].frames) == 2
    with pytest.raises(NothingToOpen, match="neither a file nor a folder"):
        scan(tmp_path / "pipe")


def test_a_truncated_file(tmp_path: Path) -> None:
    path = write(tmp_path, ct_slice()) / "im000.dcm"
    whole = path.read_bytes()
    for length, reason in ((len(whole) - 10, "its pixel data is cut off"), (300, "its header is cut off")):
        path.write_bytes(whole[:length])
        with pytest.raises(UnreadableFile, match=reason):
            scan(path)


def test_pixel_data_shorter_than_promised(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="shorter than its header says"):
        scan(write(tmp_path, ct_slice(PixelData=bytes(100))) / "im000.dcm")


def test_an_odd_file_does_not_cost_the_others(tmp_path: Path) -> None:
    write(tmp_path, *stack(3))
    (tmp_path / "cut.dcm").write_bytes((tmp_path / "im001.dcm").read_bytes()[:-10])
    (tmp_path / "readme.txt").write_text("hello")
    found = scan(tmp_path)
    assert {item.path.name for item in found.unreadable} == {"cut.dcm", "readme.txt"}
    assert [note.code for note in found.series[0].warnings] == ["unreadable"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    write(tmp_path, *stack(2))
    (tmp_path / "im001.dcm").chmod(0)
    assert [item.reason for item in scan(tmp_path).unreadable] == ["this user may not read it"]


# ------------------------------------------------------------------------------ deflated DICOM


def deflated(path: Path, payload: bytes) -> Path:
    meta = ct_slice()
    meta.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    buffer = io.BytesIO()
    meta.save_as(buffer, enforce_file_format=True)
    whole = buffer.getvalue()
    start = 132 + 12 + struct.unpack_from("<L", whole, 140)[0]
    compressor = zlib.compressobj(9, wbits=-15)
    path.write_bytes(whole[:start] + compressor.compress(payload) + compressor.flush())
    return path


def test_a_deflated_slice(tmp_path: Path) -> None:
    dataset = ct_slice()
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    [series] = scan(write(tmp_path, dataset)).series
    assert series.loadable
    assert series.frames[0].layout.transfer_syntax == DEFLATED


def test_a_deflate_bomb_is_refused_in_little_memory(tmp_path: Path) -> None:
    path = deflated(tmp_path / "bomb.dcm", bytes(300 * 1024 * 1024))
    assert path.stat().st_size < 1_000_000
    tracemalloc.start()
    start = time.monotonic()
    with pytest.raises(UnreadableFile, match="inflate beyond any plausible size"):
        scan(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * 1024 * 1024
    assert time.monotonic() - start < 5


def test_a_damaged_deflate_stream(tmp_path: Path) -> None:
    path = deflated(tmp_path / "odd.dcm", bytes(100))
    path.write_bytes(path.read_bytes()[:-8] + b"\xff" * 8)
    with pytest.raises(UnreadableFile, match=r"odd\.dcm could not be read"):
        scan(path)


# ------------------------------------------------------------------------------ zip


def test_a_zip_holds_what_its_folder_does(tmp_path: Path) -> None:
    folder = write(tmp_path / "study", *stack(4))
    (folder / "notes.txt").write_text("hello")
    archived, plain = scan(zipped(tmp_path / "study.zip", folder)), scan(folder)
    [one], [two] = archived.series, plain.series
    assert one.warnings == two.warnings
    assert one.identity == two.identity
    assert [item.path for item in archived.unreadable] == [tmp_path / "study.zip" / "notes.txt"]
    for mine, theirs in zip(one.frames, two.frames, strict=True):
        assert (mine.sop_uid, mine.plane, mine.slope) == (theirs.sop_uid, theirs.plane, theirs.slope)
        stored = np.fromfile(mine.path, np.uint8, mine.length or 0, offset=mine.offset or 0)
        assert np.array_equal(
            stored, np.fromfile(theirs.path, np.uint8, theirs.length or 0, offset=theirs.offset or 0)
        )


def test_copies_from_a_zip_hold_no_patient_and_go_when_nobody_needs_them(
    tmp_path: Path, real_ct: Path
) -> None:
    folder = write(tmp_path / "study", *stack(3, PatientName="CANARY^NAME", PatientID="CANARY"))
    for name in ("20_rle", "23_deflated"):
        source = real_ct / "derived-oddities" / name / "IM000.dcm"
        (folder / f"{name}.dcm").write_bytes(source.read_bytes())
    found = scan(zipped(tmp_path / "study.zip", folder))
    copies = {frame.path for series in found.series for frame in series.frames}
    place = {path.parent for path in copies}.pop()
    assert len(copies) == 5
    for path in place.iterdir():
        content = path.read_bytes()
        assert b"CANARY" not in content
        assert b"PLASTIC" not in content
        assert path.stat().st_mode & 0o077 == 0 or place.stat().st_mode & 0o077 == 0
    [series] = [series for series in found.series if series.identity.patient_key == "CANARY"]
    del found
    gc.collect()
    assert place.is_dir()  # the series still needs it
    assert series.frames
    del series
    gc.collect()
    assert not place.exists()


def test_compressed_members_keep_their_pixels(tmp_path: Path, real_ct: Path) -> None:
    import pydicom

    folder = real_ct / "derived-oddities" / "20_rle"
    [series] = scan(zipped(tmp_path / "rle.zip", folder)).series
    [plain] = scan(folder).series
    for mine, theirs in zip(series.frames[:3], plain.frames[:3], strict=True):
        assert pydicom.dcmread(mine.path).PixelData == pydicom.dcmread(theirs.path).PixelData
        assert mine.layout == theirs.layout


def test_deflated_members_become_native(tmp_path: Path, real_ct: Path) -> None:
    root = real_ct / "derived-oddities"
    [series] = scan(zipped(tmp_path / "deflated.zip", root / "23_deflated")).series
    [reference] = scan(root / "00_reference").series
    for mine, theirs in zip(series.frames, reference.frames, strict=True):
        stored = np.fromfile(mine.path, "<u2", 128 * 128, offset=mine.offset or 0)
        assert np.array_equal(stored, np.fromfile(theirs.path, "<u2", 128 * 128, offset=theirs.offset or 0))


def test_an_enhanced_member(tmp_path: Path, real_ct: Path) -> None:
    folder = real_ct / "derived-oddities" / "25_enhanced_multiframe"
    [series], [plain] = scan(zipped(tmp_path / "enhanced.zip", folder)).series, scan(folder).series
    assert [frame.plane for frame in series.frames] == [frame.plane for frame in plain.frames]
    assert len({frame.path for frame in series.frames}) == 1


def test_names_in_a_zip_lead_nowhere(tmp_path: Path) -> None:
    [dataset] = stack(1)
    content = (write(tmp_path / "study", dataset) / "im000.dcm").read_bytes()
    inner = tmp_path / "inner"
    inner.mkdir()
    with zipfile.ZipFile(inner / "evil.zip", "w") as archive:
        archive.writestr("../../escaped.dcm", content)
        archive.writestr("/etc/absolute.dcm", content)
    before = set(tmp_path.rglob("*"))
    found = scan(inner / "evil.zip")
    assert len(found.series[0].frames) == 1
    assert set(tmp_path.rglob("*")) == before


def test_a_zip_bomb(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for index in range(3):
            archive.writestr(f"{index}.dcm", bytes(32 * 1024 * 1024))
    with pytest.raises(
        TooLarge, match=r"^bomb\.zip would inflate beyond any plausible size; it was not opened\.$"
    ):
        scan(path)


def test_a_zip_bomb_that_lies_about_its_size(tmp_path: Path) -> None:
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.dcm", bytes(80 * 1024 * 1024))
    data = bytearray(path.read_bytes())
    central = data.rindex(b"PK\x01\x02")
    struct.pack_into("<L", data, central + 24, 1000)  # the size it claims
    path.write_bytes(data)
    with pytest.raises(VolumeError):
        scan(path)


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medreason_viewer.volume.archive.MOST_MEMBERS", 3)
    folder = write(tmp_path / "study", *stack(4))
    with pytest.raises(TooLarge, match="holds 4 files"):
        scan(zipped(tmp_path / "study.zip", folder))


def test_an_encrypted_zip(tmp_path: Path) -> None:
    path = zipped(tmp_path / "secret.zip", write(tmp_path / "study", *stack(1)))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(VolumeError, match=r"secret\.zip is encrypted"):
        scan(path)


def test_a_damaged_zip(tmp_path: Path) -> None:
    path = zipped(tmp_path / "damaged.zip", write(tmp_path / "study", *stack(2)))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(VolumeError, match=r"damaged\.zip is a damaged zip archive"):
        scan(path)


def test_a_damaged_member_does_not_cost_the_others(tmp_path: Path) -> None:
    path = zipped(tmp_path / "study.zip", write(tmp_path / "study", *stack(3)), zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(b"\xe0\x7f\x10\0") + 100] ^= 0xFF  # a pixel of the first slice; its checksum is now wrong
    path.write_bytes(data)
    found = scan(path)
    assert len(found.series[0].frames) == 2
    assert [item.reason for item in found.unreadable] == ["it is damaged inside the archive"]


def test_an_archive_in_an_archive(tmp_path: Path) -> None:
    folder = tmp_path / "outer"
    folder.mkdir()
    zipped(folder / "inner.zip", write(tmp_path / "study", *stack(1)))
    with pytest.raises(NothingToOpen, match=r"inner\.zip: it is an archive; open it by itself"):
        scan(zipped(tmp_path / "outer.zip", folder))


def test_scratch_of_a_dead_program_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / "medreason-scan-999999999-abc"
    own = tmp_path / f"medreason-scan-{os.getpid()}-abc"
    other = tmp_path / "medreason-scanner"
    for folder in (left, own, other):
        folder.mkdir()
    scratch = Scratch()
    assert not left.exists()
    assert own.exists()
    assert other.exists()
    assert scratch.folder.stat().st_mode & 0o077 == 0
    scratch.remove()
    assert not scratch.folder.exists()


# ------------------------------------------------------------------------------ DICOMDIR


def dicomdir(path: Path, *references: list[str]) -> Path:
    directory = Dataset()
    directory.file_meta = FileMetaDataset()
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    records = []
    for reference in references:
        record = Dataset()
        record.DirectoryRecordType = "IMAGE"
        record.ReferencedFileID = reference
        records.append(record)
    directory.DirectoryRecordSequence = Sequence(records)
    directory.save_as(path, enforce_file_format=True)
    return path


def test_a_dicomdir_names_its_files(tmp_path: Path) -> None:
    write(tmp_path / "medium" / "IMAGES", *stack(3), prefix="IM")
    write(tmp_path / "medium" / "lower", ct_slice(6.0, 4), prefix="im")
    write(tmp_path / "medium" / "OTHER", ct_slice(8.0, 5))
    path = dicomdir(
        tmp_path / "medium" / "DICOMDIR",
        ["IMAGES", "IM000.dcm"],
        ["IMAGES", "IM001.dcm"],
        ["IMAGES", "IM002.dcm"],
        ["LOWER", "IM000.DCM"],  # as some media are copied
        ["IMAGES", "GONE"],
    )
    found = scan(path)
    assert len(found.series[0].frames) == 4
    assert [item.reason for item in found.unreadable] == ["the DICOMDIR names it, but it is missing"]


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
@pytest.mark.filterwarnings("ignore:The value length")
def test_a_dicomdir_does_not_lead_out_of_its_folder(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", ct_slice())
    medium = write(tmp_path / "medium", *stack(2), prefix="IM")
    (medium / "LINK").symlink_to(outside / "im000.dcm")
    (medium / "FOLDER").symlink_to(outside, target_is_directory=True)
    path = dicomdir(
        medium / "DICOMDIR",
        ["IM000.dcm"],
        ["..", "outside", "im000.dcm"],
        ["/etc", "passwd"],
        ["../outside/im000.dcm"],
        ["LINK"],
        ["FOLDER", "im000.dcm"],
    )
    found = scan(path)
    assert [len(series.frames) for series in found.series] == [1]
    reasons = [item.reason for item in found.unreadable]
    assert reasons == ["the DICOMDIR points outside its own folder"] * 5


def test_a_dicomdir_in_a_folder_is_no_image_and_no_complaint(tmp_path: Path) -> None:
    write(tmp_path, *stack(2), prefix="IM")
    dicomdir(tmp_path / "DICOMDIR", ["IM000.dcm"])
    found = scan(tmp_path)
    assert found.unreadable == ()
    assert len(found.series[0].frames) == 2


def test_a_damaged_dicomdir(tmp_path: Path) -> None:
    path = dicomdir(tmp_path / "DICOMDIR", ["IM000"], ["IM001"])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(VolumeError):
        scan(path)


def test_folders_nested_deeper_than_calls_may_be(tmp_path: Path) -> None:
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        for _ in range(1200):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(here)
    write(tmp_path, *stack(2))
    assert len(scan(tmp_path).series[0].frames) == 2


def test_a_name_too_long_is_no_path() -> None:
    with pytest.raises(PathNotFound):
        scan("x" * 5000)
