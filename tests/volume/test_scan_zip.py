"""Zip archives: what they hold, and what they must not do."""

from __future__ import annotations

import gc
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from dicom_writer import stack, write

from medreason_viewer.errors import (
    NothingToOpen,
    TooLarge,
    VolumeError,
)
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.scanning.scratch import Scratch, sweep


def zipped(path: Path, folder: Path, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return path


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
    monkeypatch.setattr("medreason_viewer.volume.scanning.archive.MOST_MEMBERS", 3)
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


def test_scratch_is_swept_where_another_process_has_its_owners_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.name == "nt":
        pytest.skip("folders are not locked there")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, new = (tmp_path / f"medreason-scan-{os.getppid()}-{name}" for name in ("left", "new"))
    command = f"""if True:
        import os, sys, tempfile
        tempfile.tempdir = {str(tmp_path)!r}
        from medreason_viewer.volume.scanning.scratch import Scratch
        scratch = Scratch()
        os.utime(scratch.folder, (1, 1))
        print(scratch.folder, flush=True)
        sys.stdin.read()"""
    with subprocess.Popen(
        [sys.executable, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as living:
        assert living.stdout is not None
        held = Path(living.stdout.readline().strip())
        for folder in (left, new):
            folder.mkdir()
        os.utime(left, (1, 1))
        sweep(tmp_path)
        assert not left.exists()
        assert new.is_dir()
        assert held.is_dir()
        living.communicate("")
    assert not held.exists()
