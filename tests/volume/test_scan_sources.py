"""Folders and single files, the hostile ones included."""

from __future__ import annotations

import io
import os
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest
from dicom_writer import ct_slice, stack, write
from pydicom.uid import DeflatedExplicitVRLittleEndian

from medreason_viewer.errors import (
    NothingToOpen,
    PathNotFound,
    UnreadableFile,
)
from medreason_viewer.volume.scan import scan


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


def test_links_that_lead_nowhere_cost_nothing(tmp_path: Path) -> None:
    write(tmp_path, *stack(3))
    for name, target in (("itself", "itself"), ("missing", "nowhere"), ("folder", ".")):
        try:
            (tmp_path / name).symlink_to(target)
        except OSError:
            pytest.skip("this user may not make links")
    found = scan(tmp_path)
    assert [len(series.frames) for series in found.series] == [3]
    assert found.unreadable == ()


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


@pytest.mark.parametrize("variant", ["20_rle", "22_jpegls_lossless", "26_htj2k_lossless"])
def test_a_truncated_compressed_file(tmp_path: Path, real_ct: Path, variant: str) -> None:
    whole = (real_ct / "derived-oddities" / variant / "IM003.dcm").read_bytes()
    path = tmp_path / "cut.dcm"
    path.write_bytes(whole[:-8])  # without the delimiter at the end: every pixel is there
    assert len(scan(path).series[0].frames) == 1
    path.write_bytes(whole[:-1000])
    with pytest.raises(UnreadableFile, match="its pixel data is cut off"):
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


DEEP = 1200


def test_folders_nested_deeper_than_calls_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, *stack(2))
    monkeypatch.chdir(tmp_path)
    for _ in range(DEEP):
        os.mkdir("d")
        os.chdir("d")
    try:
        assert len(scan(tmp_path).series[0].frames) == 2
    finally:
        for _ in range(DEEP):
            os.chdir("..")
            os.rmdir("d")


def test_a_name_too_long_is_no_path() -> None:
    with pytest.raises(PathNotFound):
        scan("x" * 5000)


DEFLATED = "1.2.840.10008.1.2.1.99"


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
