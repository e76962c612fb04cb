"""Loading: the order in which slices arrive, bits of every layout, files that fail, and limits."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import SimpleITK as sitk
from ct_in_memory import make_series, pattern
from decoding_children import decoding_children
from dicom_writer import stack, write
from numpy.typing import NDArray

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import Cancelled, TooLarge, UnreadableFile
from medreason_viewer.volume import load
from medreason_viewer.volume.ct import CtVolume
from medreason_viewer.volume.decoding import volume as decode_volume
from medreason_viewer.volume.decoding.encapsulated import frame_from
from medreason_viewer.volume.decoding.pixels import NotCtPixels, check_layout, put_cells
from medreason_viewer.volume.decoding.volume import read_in_child
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.series import PixelLayout, Series

LAYOUT = PixelLayout(4, 5, 16, 16, 15, True, "MONOCHROME2", "1.2.840.10008.1.2.1")


def raw_series(folder: Path, shape: tuple[int, int, int] = (9, 8, 10)) -> Series:
    path = folder / "pixels.raw"
    path.write_bytes(pattern(shape).tobytes())
    return make_series(shape, path=path)


def test_slices_arrive_from_the_middle_outwards(tmp_path: Path) -> None:
    loader = load.load(raw_series(tmp_path))
    assert list(loader) == [4, 3, 5, 2, 6, 1, 7, 0, 8]
    np.testing.assert_array_equal(loader.volume.stored, pattern((9, 8, 10)))
    assert loader.progress == (9, 9)


def test_the_wanted_slice_comes_first_and_the_wish_may_change(tmp_path: Path) -> None:
    loader = load.load(raw_series(tmp_path), first=8)
    arrived = []
    for index in loader:
        assert loader.volume.loaded[index]
        arrived.append(index)
        if index == 7:
            loader.want(0)
    assert arrived == [8, 7, 0, 1, 2, 3, 4, 5, 6]
    assert next(iter(load.load(raw_series(tmp_path), first=99))) == 8


def test_a_stop_is_heard_before_the_next_slice(tmp_path: Path) -> None:
    cancel = Cancel()
    loading = iter(load.load(raw_series(tmp_path), cancel=cancel))
    next(loading)
    cancel.request()
    with pytest.raises(Cancelled):
        next(loading)


def test_missing_and_cut_files_are_named_and_the_rest_loads(tmp_path: Path) -> None:
    series = raw_series(tmp_path)
    cut = tmp_path / "cut.raw"
    cut.write_bytes(b"\0" * 100)
    frames = list(series.frames)
    frames[2] = replace(frames[2], path=tmp_path / "absent.raw")
    frames[5] = replace(frames[5], path=cut, offset=0)
    volume = load.load_volume(replace(series, frames=tuple(frames)))
    assert volume.failed == {
        2: "absent.raw could not be read: No such file or directory.",
        5: "cut.raw could not be read: its pixel data is cut off.",
    }
    np.testing.assert_array_equal(np.flatnonzero(~volume.loaded), [2, 5])


def test_too_large_a_series_is_refused_before_anything_is_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    series = make_series((100_000, 2, 2))
    huge = replace(LAYOUT, rows=65535, cols=65535)
    series = replace(series, frames=tuple(replace(frame, layout=huge) for frame in series.frames))
    before = psutil.Process().memory_info().vms
    with pytest.raises(TooLarge, match="GB of memory"):
        load.load(series)
    assert psutil.Process().memory_info().vms < before + 2**30


def decoded(cells: NDArray[np.generic], layout: PixelLayout) -> list[int]:
    out = np.zeros((layout.rows, layout.cols), np.int16 if layout.signed else np.uint16)
    put_cells(cells, layout, out)
    return [int(value) for value in out.ravel()]


def test_bits_above_bits_stored_are_masked_and_signs_spread() -> None:
    row = replace(LAYOUT, rows=1, cols=4)
    cells = np.array([0xF005, 0x0FFF, 0x8800, 0x07FF], np.uint16)
    twelve = replace(row, bits_stored=12, high_bit=11)
    assert decoded(cells, replace(twelve, signed=False)) == [5, 4095, 2048, 2047]
    assert decoded(cells, twelve) == [5, -1, -2048, 2047]
    assert decoded(np.array([0x5001, 0xFFFF, 0x8000, 0x0010], np.uint16), replace(row, bits_stored=12)) == [
        0x500,
        -1,
        -2048,
        1,
    ]


def test_bytes_and_32_bit_cells() -> None:
    eight = replace(LAYOUT, rows=1, cols=3, bits_allocated=8, bits_stored=8, high_bit=7)
    cells = np.array([0, 200, 255], np.uint8)
    assert decoded(cells, replace(eight, signed=False)) == [0, 200, 255]
    assert decoded(cells, eight) == [0, -56, -1]
    wide = replace(LAYOUT, rows=1, cols=2, bits_allocated=32)
    assert decoded(np.array([0xABCD0001, 0x0000FFFE], np.uint32), wide) == [1, -2]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"samples": 3}, "colour"),
        ({"bits_allocated": 1, "bits_stored": 1, "high_bit": 0}, "1 bits"),
        ({"bits_allocated": 32, "bits_stored": 20, "high_bit": 19}, "20 bits"),
        ({"high_bit": 3}, "bits makes no sense"),
        ({"rows": 0}, "size"),
        ({"bits_stored": 0}, "0 bits"),
    ],
)
def test_layouts_that_no_ct_has_are_refused(change: dict[str, int], reason: str) -> None:
    with pytest.raises(NotCtPixels, match=reason):
        check_layout(replace(LAYOUT, **change))  # type: ignore[arg-type]


def test_unsigned_beside_signed_values() -> None:
    unsigned = replace(LAYOUT, signed=False)
    out = np.zeros((4, 5), np.int16)
    with pytest.raises(NotCtPixels, match="unsigned beside signed"):
        put_cells(np.zeros(20, np.uint16), unsigned, out)
    put_cells(np.full(20, 7, np.uint16), replace(unsigned, bits_stored=15, high_bit=14), out)
    assert (out == 7).all()
    with pytest.raises(NotCtPixels, match="signed beside unsigned"):
        put_cells(np.zeros(20, np.uint16), LAYOUT, np.zeros((4, 5), np.uint16))
    with pytest.raises(NotCtPixels, match="do not fit"):
        put_cells(np.zeros(19, np.uint16), LAYOUT, out)


def encapsulated(path: Path, table: list[int], fragments: list[bytes], end: bool = True) -> Path:
    def item(data: bytes) -> bytes:
        return b"\xfe\xff\x00\xe0" + len(data).to_bytes(4, "little") + data

    offsets = b"".join(place.to_bytes(4, "little") for place in table)
    closing = b"\xfe\xff\xdd\xe0\0\0\0\0" if end else b""
    path.write_bytes(b"header" + item(offsets) + b"".join(map(item, fragments)) + closing)
    return path


def frames_of(path: Path, count: int) -> list[bytes]:
    return [frame_from(str(path), 6, number, count) for number in range(1, count + 1)]


def test_fragments_are_given_to_their_frames(tmp_path: Path) -> None:
    parts = [b"aa\xff\xd9", b"bbbb", b"bb\xff\xd9", b"cc\xff\xd9\0\0"]
    expected = [b"aa\xff\xd9", b"bbbbbb\xff\xd9", b"cc\xff\xd9\0\0"]
    assert frames_of(encapsulated(tmp_path / "table", [0, 12, 36], parts), 3) == expected
    assert frames_of(encapsulated(tmp_path / "ends", [], parts), 3) == expected
    assert frames_of(encapsulated(tmp_path / "each", [], parts), 4) == parts
    assert frames_of(encapsulated(tmp_path / "one", [], parts), 1) == [b"".join(parts)]


def test_fragments_that_cannot_be_told_apart_are_refused(tmp_path: Path) -> None:
    parts = [b"aaaa", b"bbbb", b"bb\xff\xd9"]
    with pytest.raises(NotCtPixels, match="where its frames begin"):
        frames_of(encapsulated(tmp_path / "no-ends", [], parts), 2)
    with pytest.raises(NotCtPixels, match="table of frames is damaged"):
        frames_of(encapsulated(tmp_path / "table", [0, 99_999], parts), 2)
    with pytest.raises(NotCtPixels, match="cut off"):
        frames_of(encapsulated(tmp_path / "cut", [], parts, end=False), 3)
    with pytest.raises(NotCtPixels, match="fewer frames"):
        frame_from(str(encapsulated(tmp_path / "few", [], parts)), 6, 4, 3)
    (tmp_path / "long").write_bytes(b"header\xfe\xff\x00\xe0\xff\xff\xff\x7f")
    with pytest.raises(NotCtPixels, match="cut off or damaged"):
        frame_from(str(tmp_path / "long"), 6, 1, 1)


def nrrd(folder: Path) -> Series:
    voxels = np.random.default_rng(0).integers(-1000, 1000, (6, 7, 8), np.int16)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((0.7, 0.7, 2.0))
    sitk.WriteImage(image, str(folder / "ct.nrrd"))
    return scan(folder / "ct.nrrd").series[0]


def test_other_formats_are_read_by_a_child(tmp_path: Path) -> None:
    series = nrrd(tmp_path)
    volume = load.load_volume(series)
    assert volume.loaded.all()
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "ct.nrrd")))
    assert volume.stored.sum() == expected.sum()
    assert not decoding_children()


def test_one_slice_of_another_format(tmp_path: Path) -> None:
    series = nrrd(tmp_path)
    whole = load.load_volume(series)
    one = load.load_volume(replace(series, frames=series.frames[4:5]))
    np.testing.assert_array_equal(one.stored[0], whole.stored[4])


def test_a_damaged_file_of_another_format_fails_in_a_sentence(tmp_path: Path) -> None:
    series = nrrd(tmp_path)
    path = series.frames[0].path
    path.write_bytes(path.read_bytes()[:-500])
    volume = load.load_volume(series)
    assert not volume.loaded.any()
    assert set(volume.failed.values()) == {"ct.nrrd could not be read: its voxels are damaged or cut off."}


@pytest.mark.skipif(os.name == "nt", reason="needs a named pipe")
def test_a_file_that_never_ends_is_given_up(tmp_path: Path) -> None:
    series = nrrd(tmp_path)
    path = series.frames[0].path
    path.unlink()
    os.mkfifo(path, stat.S_IRUSR | stat.S_IWUSR)  # a reader hangs here
    with pytest.raises(UnreadableFile, match="more memory or time"):
        read_in_child(CtVolume.empty(series), Cancel(), deadline_s=1.0)
    assert not decoding_children()
    stop = Cancel()
    stop.request()
    with pytest.raises(Cancelled):
        read_in_child(CtVolume.empty(series), stop, deadline_s=5.0)
    assert not decoding_children()


def test_voxels_that_need_too_much_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_volume, "_MEMORY_BYTES", 0)
    monkeypatch.setattr(decode_volume, "_COPIES", 0)
    volume = load.load_volume(nrrd(tmp_path))
    if psutil.LINUX:
        assert len(volume.failed) == 6


def test_deflated_and_big_endian_files(tmp_path: Path) -> None:
    plain = load.load_volume(scan(write(tmp_path / "plain", *stack(3))).series[0])
    for name, syntax in (("deflated", "1.2.840.10008.1.2.1.99"), ("big", "1.2.840.10008.1.2.2")):
        slices = stack(3)
        for item in slices:
            item.file_meta.TransferSyntaxUID = syntax
            if name == "big":
                item.PixelData = np.frombuffer(item.PixelData, "<u2").astype(">u2").tobytes()
        volume = load.load_volume(scan(write(tmp_path / name, *slices)).series[0])
        np.testing.assert_array_equal(volume.stored, plain.stored)
