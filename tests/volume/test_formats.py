"""NIfTI, NRRD and MetaImage: every voxel where SimpleITK puts it, and what cannot be opened."""

from __future__ import annotations

import gzip
import itertools
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from medreason_viewer.errors import UnreadableFile
from medreason_viewer.volume.formats import format_of, read_volume, series_of
from medreason_viewer.volume.grids.facts import read_facts
from medreason_viewer.volume.grids.narrow import narrow
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.series import Series

SUFFIXES = [".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd"]


def image(dtype: type = np.int16, shape: tuple[int, int, int] = (4, 5, 6)) -> SimpleITK.Image:
    voxels = np.random.default_rng(1).integers(-1000, 2000, shape).astype(dtype)
    made = SimpleITK.GetImageFromArray(voxels)
    made.SetSpacing((0.7, 0.9, 2.5))
    made.SetOrigin((-30.0, 12.5, 100.0))
    return made


def save(made: SimpleITK.Image, path: Path) -> Path:
    SimpleITK.WriteImage(made, str(path))
    return path


def opened(path: Path) -> Series:
    """The series in a file, as a scan finds it, but without a child process, which takes its time."""
    kind = format_of(path, path.read_bytes()[:512])
    assert kind is not None
    return series_of(path, kind, read_facts(path, kind))


def scanned(path: Path) -> Series:
    [series] = scan(path).series
    return series


def assert_every_voxel_is_in_its_place(series: Series, made: SimpleITK.Image) -> None:
    """Each value is looked up in SimpleITK at the millimetres that our plane gives its pixel."""
    volume = read_volume(series)
    hu = volume.stored * volume.slope + volume.intercept
    assert hu.shape == (len(series.frames), series.rows, series.cols)
    for index, (frame, values) in enumerate(zip(series.frames, hu, strict=True)):
        assert frame.plane is not None
        for row, col in itertools.product(range(series.rows), range(series.cols)):
            point = frame.plane.to_mm(col + 0.5, row + 0.5)
            continuous = np.array(made.TransformPhysicalPointToContinuousIndex(point.tolist()))
            assert np.abs(continuous - np.rint(continuous)).max() < 1e-4
            assert made[tuple(int(v) for v in np.rint(continuous))] == pytest.approx(
                values[row, col], abs=1e-3
            ), index


def assert_radiological(series: Series) -> None:
    plane = series.frames[0].plane
    assert plane is not None
    letters = {
        "axial": ("R", "L", "A", "P"),
        "coronal": ("R", "L", "H", "F"),
        "sagittal": ("A", "P", "H", "F"),
    }
    assert tuple(letter[0] for letter in plane.letters()) == letters[series.plane_name]
    places = [
        float(np.asarray(frame.plane.origin_mm) @ plane.normal) for frame in series.frames if frame.plane
    ]
    main = int(np.argmax(np.abs(plane.normal)))
    growth = np.diff(np.array([frame.plane.origin_mm[main] for frame in series.frames if frame.plane]))
    assert (growth > 0).all()
    assert np.allclose(np.abs(np.diff(places)), (series.spacing_mm or (0,))[0], atol=1e-4)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_keeps_places_and_values(tmp_path: Path, suffix: str) -> None:
    made = image()
    series = scanned(save(made, tmp_path / f"ct{suffix}"))
    assert (len(series.frames), series.rows, series.cols) == (4, 5, 6)
    assert series.spacing_mm == pytest.approx((2.5, 0.9, 0.7))
    assert series.plane_name == "axial"
    assert not series.warnings
    assert_every_voxel_is_in_its_place(series, made)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (1, -1, -1), (-1, 1, -1)])
def test_any_axes_become_radiological(tmp_path: Path, order: tuple[int, ...], signs: tuple[int, ...]) -> None:
    made = image()
    direction = np.zeros((3, 3))
    for axis, (lps, sign) in enumerate(zip(order, signs, strict=True)):
        direction[lps, axis] = sign
    made.SetDirection(direction.ravel().tolist())
    series = opened(save(made, tmp_path / "ct.nrrd"))
    assert_radiological(series)
    assert_every_voxel_is_in_its_place(series, made)


def test_oblique_axes(tmp_path: Path) -> None:
    made = image()
    turn = SimpleITK.Euler3DTransform((0, 0, 0), 0.2, -0.3, 0.4)
    made.SetDirection(turn.GetMatrix())
    assert_every_voxel_is_in_its_place(opened(save(made, tmp_path / "ct.nrrd")), made)


@pytest.mark.parametrize("name", ["example_ct.nii.gz", "example_ct_sm.nii.gz"])
def test_a_real_nifti(real_ct: Path, name: str) -> None:
    path = real_ct / "totalsegmentator" / name
    series, made = opened(path), SimpleITK.ReadImage(str(path))
    assert_radiological(series)
    hu = _hu(series)
    voxels = SimpleITK.GetArrayFromImage(made)
    assert np.array_equal(hu, voxels[:, ::-1, ::-1])  # stored from left to right and back to front


def test_a_real_nrrd(real_ct: Path) -> None:
    path = real_ct / "slicerio" / "CTChest4.nrrd"
    series = opened(path)
    assert_radiological(series)
    assert np.array_equal(
        _hu(series), SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))[:, ::-1, ::-1]
    )


def test_segmentations_are_no_ct_image(real_ct: Path) -> None:
    found = {s.identity.series_description: s for s in scan(real_ct / "slicerio").series}
    assert found["CTChest4.nrrd"].loadable
    for name in ("Segmentation.seg.nrrd", "SegmentationOverlapping.seg.nrrd"):
        assert not found[name].loadable
        assert "not_ct_image" in {note.code for note in found[name].warnings}
    [labels] = scan(real_ct / "totalsegmentator" / "example_seg.nii.gz").series
    assert "not_ct_image" in {note.code for note in labels.warnings}


def _hu(series: Series) -> NDArray[np.float64]:
    volume = read_volume(series)
    return volume.stored.astype(np.float64) * volume.slope + volume.intercept


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.uint16, np.int32, np.uint32, np.int64])
def test_whole_numbers_stay_exact(tmp_path: Path, dtype: type) -> None:
    info = np.iinfo(dtype)
    wanted = np.array([max(info.min, -30000), -5, 0, 7, min(info.max, 35000)])
    voxels = np.clip(np.resize(wanted, (2, 3, 5)), info.min, info.max).astype(dtype)
    series = opened(save(SimpleITK.GetImageFromArray(voxels), tmp_path / "ct.nrrd"))
    assert read_volume(series).stored.dtype == series.stored_dtype
    assert np.array_equal(_hu(series), voxels)


def test_a_nifti_with_rescale(tmp_path: Path) -> None:
    made = image(np.int16)
    path = save(made, tmp_path / "ct.nii")
    data = bytearray(path.read_bytes())
    data[112:120] = np.array([0.5, -1000.0], "<f4").tobytes()  # scl_slope, scl_inter
    path.write_bytes(data)
    series = opened(path)
    expected = SimpleITK.GetArrayFromImage(made)[:, ::-1, ::-1] * 0.5 - 1000  # ITK writes LPS as RAS
    hu = _hu(series)
    assert "rounded" in {note.code for note in series.warnings}
    assert np.array_equal(np.sort(hu.ravel()), np.sort(expected.ravel()))


@settings(max_examples=60, deadline=None)
@given(
    low=st.floats(-5000, 5000),
    span=st.floats(1e-3, 1e5),
    seed=st.integers(0, 2**16),
)
def test_fractions_are_rounded_as_finely_as_16_bits_allow(low: float, span: float, seed: int) -> None:
    values = low + span * np.random.default_rng(seed).random((2, 4, 4))
    volume = narrow(values)
    back = volume.stored.astype(np.float64) * volume.slope + volume.intercept
    assert np.abs(back - values).max() <= volume.slope / 2 * (1 + 1e-9)
    assert volume.slope <= 2 * (values.max() - values.min()) / 65535


def test_whole_hu_in_floats_stay_exact_and_nan_becomes_the_lowest() -> None:
    values = np.array([[[-1024.0, 3071.0, np.nan, np.inf]]], np.float32)
    volume = narrow(values)
    assert (volume.slope, volume.intercept) == (1.0, 0.0)
    assert volume.stored.ravel().tolist() == [-1024, 3071, -1024, -1024]


def test_a_constant_volume() -> None:
    volume = narrow(np.full((1, 2, 2), 0.25))
    assert np.array_equal(volume.stored * volume.slope + volume.intercept, np.full((1, 2, 2), 0.25))


# ------------------------------------------------------------------------------ refused


def refused(path: Path, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        scan(path)


def test_voxels_outside_the_folder_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    for suffix, key in ((".mhd", b"ElementDataFile = "), (".nhdr", b"data file: ")):
        path = save(image(), folder / f"ct{suffix}")
        header = path.read_bytes()
        data = header[header.index(key) + len(key) :].split()[0]
        (folder / data.decode()).rename(tmp_path / data.decode())
        path.write_bytes(header.replace(key + data, key + b"../" + data))
        refused(path, "points to a file outside its own folder")
        path.write_bytes(header.replace(key + data, key + b"/etc/hostname"))
        refused(path, "points to a file outside its own folder")
        path.write_bytes(header)
        refused(path, "the file with its voxels is missing")
        path.write_bytes(header.replace(key + data, key + b"LIST"))
        refused(path, "spread over several files")


def test_voxels_beside_a_header_are_no_junk(tmp_path: Path) -> None:
    save(image(), tmp_path / "a.mhd")
    save(image(), tmp_path / "b.nhdr")
    found = scan(tmp_path)
    assert len(found.series) == 2
    assert found.unreadable == ()


def test_a_header_that_promises_too_much(tmp_path: Path) -> None:
    path = save(image(), tmp_path / "ct.mha")
    path.write_bytes(path.read_bytes().replace(b"DimSize = 6 5 4", b"DimSize = 60000 50000 40"))
    refused(path, "more voxels than it can hold")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_cut_voxels(tmp_path: Path, suffix: str) -> None:
    path = save(image(np.int16, (20, 64, 64)), tmp_path / f"ct{suffix}")
    voxels = max(tmp_path.iterdir(), key=lambda file: file.stat().st_size)
    series = opened(path)
    voxels.write_bytes(voxels.read_bytes()[:-5000])
    with pytest.raises(UnreadableFile, match="damaged or cut off"):
        read_volume(series)


def test_a_damaged_header(tmp_path: Path) -> None:
    path = tmp_path / "ct.nii.gz"
    path.write_bytes(gzip.compress(b"not a header at all" * 50))
    refused(path, "its header is damaged")


def test_more_dimensions_than_a_volume(tmp_path: Path) -> None:
    four = SimpleITK.GetImageFromArray(np.zeros((2, 3, 4, 5), np.int16), isVector=False)
    refused(save(four, tmp_path / "ct.nrrd"), "it has 4 dimensions")


@pytest.mark.parametrize("nameless", [True, False], ids=["nameless", "named"])
def test_volumes_in_a_zip(tmp_path: Path, nameless: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copies have no names of their own, or, where that cannot be, they have; all is read either way."""
    if not nameless:
        monkeypatch.setattr("medreason_viewer.volume.scanning.scratch._descriptors_left", lambda: False)
    made, names = image(), ("ct.nii", "ct.nii.gz", "ct.nrrd", "ct.mha")
    with zipfile.ZipFile(tmp_path / "ct.zip", "w") as archive:
        for name in names:
            archive.write(save(made, tmp_path / name), f"deep/down/{name}")
    found = scan(tmp_path / "ct.zip").series
    assert [series.identity.series_description for series in found] == list(names)
    for series in found:
        assert series.frames[0].path.is_symlink() == (nameless and sys.platform == "linux")
        assert_every_voxel_is_in_its_place(series, made)


def nrrd(folder: Path, space: str) -> Path:
    head = "NRRD0005\ntype: short\ndimension: 3\nsizes: 4 3 2\nencoding: raw\nendian: little\n"
    path = folder / "made.nrrd"
    path.write_bytes((head + space + "\n").encode() + np.arange(24, dtype="<i2").tobytes())
    return path


@pytest.mark.parametrize(
    "space",
    ["", "spacings: 0.7 0.8 2\n", "space: scanner-xyz\nspace directions: (0.7,0,0) (0,0.8,0) (0,0,2)\n"],
)
def test_a_nrrd_that_does_not_say_how_the_patient_lies(tmp_path: Path, space: str) -> None:
    series = opened(nrrd(tmp_path, space))
    assert [note.code for note in series.warnings] == ["no_geometry"]
    assert series.spacing_mm is None
    assert series.frames[0].plane is None
    assert read_volume(series).stored.shape == (2, 3, 4)


def test_a_nifti_that_does_not_say_how_the_patient_lies(tmp_path: Path) -> None:
    path = save(image(), tmp_path / "made.nii")
    data = bytearray(path.read_bytes())
    data[252:256] = bytes(4)  # qform_code and sform_code
    path.write_bytes(data)
    series = opened(path)
    assert [note.code for note in series.warnings] == ["no_geometry"]
    assert series.frames[0].plane is None


def test_slices_that_shear_are_tilted(tmp_path: Path) -> None:
    space = "space: LPS\nspace directions: (0.7,0,0) (0,0.8,0) (0,0.5,2)\nspace origin: (1,2,3)\n"
    series = opened(nrrd(tmp_path, space))
    assert series.spacing_mm == pytest.approx((2.0, 0.8, 0.7))
    assert series.tilt_deg == pytest.approx(np.degrees(np.arctan(0.25)))
    assert [note.code for note in series.warnings] == ["tilt"]


def test_numbers_and_blanks_in_the_name_of_the_voxels(tmp_path: Path) -> None:
    path = save(image(), tmp_path / "made.mhd")
    (tmp_path / "made.raw").rename(tmp_path / "CT 5 mm 50%.raw")
    path.write_text(path.read_text().replace("made.raw", "CT 5 mm 50%.raw"))
    assert len(opened(path).frames) == 4


def test_a_marker_far_beyond_hu_costs_no_precision() -> None:
    values = np.array([[[-3.4e38, -1000.25, 40.5]]], np.float32)
    stored = narrow(values)
    hu = stored.stored * stored.slope + stored.intercept
    assert hu[0, 0].tolist() == [-1000.25, -1000.25, 40.5]
