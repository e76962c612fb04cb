"""What a header makes the reader wary of, and headers that are hard to read: one fault a series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_writer import SERIES, ct_slice, stack, write
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import Cancelled, VolumeError
from medreason_viewer.volume.describe import find_slice, info
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.series import Series


def codes(series: Series) -> set[str]:
    return {note.code for note in series.warnings}


def texts(series: Series) -> str:
    return " ".join(note.text for note in series.warnings)


def heights(series: Series) -> list[float]:
    return [frame.plane.origin_mm[2] for frame in series.frames if frame.plane]


@pytest.mark.parametrize(
    ("step_mm", "angle", "expected"), [(2.0, 0.0, 0.0), (2.0, 12.0, 12.0), (0.625, -20.0, 20.0)]
)
def test_tilt_comes_from_geometry(tmp_path: Path, step_mm: float, angle: float, expected: float) -> None:
    tip = np.radians(angle)
    orientation = [1, 0, 0, 0, round(float(np.cos(tip)), 7), round(float(np.sin(tip)), 7)]
    [series] = scan(write(tmp_path, *stack(8, step_mm, ImageOrientationPatient=orientation))).series
    assert series.tilt_deg == pytest.approx(expected, abs=0.01)
    assert ("tilt" in codes(series)) == (expected > 0)


def test_steps_are_measured_along_the_normal(tmp_path: Path) -> None:
    tip = np.radians(30)
    orientation = [1, 0, 0, 0, float(np.cos(tip)), float(np.sin(tip))]
    [series] = scan(write(tmp_path, *stack(8, 2.0, ImageOrientationPatient=orientation))).series
    assert series.spacing_mm is not None
    assert series.spacing_mm[0] == pytest.approx(2 * np.cos(tip))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ([0.71, 0.71, 0, -0.71, 0.71, 0], [0.5**0.5, 0.5**0.5, 0, -(0.5**0.5), 0.5**0.5, 0]),
        ([0.9985, 0, 0, 0, 0.9985, 0], [1, 0, 0, 0, 1, 0]),
        ([1, 0.004, 0, 0, 1, 0], [1, 0.002, 0, -0.002, 1, 0]),
        ([1, 1e-4, 0, 0, 1, 1e-4], [1, 1e-4, 0, 0, 1, 1e-4]),
    ],
)
def test_direction_cosines_of_few_digits_are_straightened(
    tmp_path: Path, written: list[float], meant: list[float]
) -> None:
    [series] = scan(write(tmp_path, *stack(3, ImageOrientationPatient=written))).series
    plane = series.frames[0].plane
    assert plane is not None
    np.testing.assert_allclose([*plane.x_axis, *plane.y_axis], meant, atol=1e-5)
    assert np.linalg.norm(plane.normal) == pytest.approx(1, abs=1e-6)


def test_axes_that_make_no_sense_are_no_geometry(tmp_path: Path) -> None:
    [series] = scan(write(tmp_path, *stack(3, ImageOrientationPatient=[1, 0.1, 0, 0, 1, 0]))).series
    assert "no_geometry" in codes(series)


def test_a_declared_step_that_runs_backwards_is_no_gap(tmp_path: Path) -> None:
    [series] = scan(write(tmp_path, *stack(5, 2.0, SpacingBetweenSlices=-2.0))).series
    assert codes(series) == set()


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([0, 2, 4, 6, 8], set()),
        ([0, 2.004, 4, 6, 8], set()),  # by less than 0.01 mm either way
        ([0, 2.03, 4, 6, 8], {"uneven_spacing"}),
        ([0, 2, 4, 8, 10], {"uneven_spacing", "gap"}),
        ([0, 100.5, 200, 300, 400], set()),  # by half a per cent and a per cent
    ],
)
def test_uneven_steps_and_gaps(tmp_path: Path, places: list[float], expected: set[str]) -> None:
    slices = [ct_slice(place, i, seed=i) for i, place in enumerate(places)]
    [series] = scan(write(tmp_path, *slices)).series
    assert codes(series) == expected


def test_empty_uids_still_make_one_series(tmp_path: Path) -> None:
    [series] = scan(write(tmp_path, *stack(4, SeriesInstanceUID="", StudyInstanceUID=""))).series
    assert len(series.frames) == 4
    assert codes(series) == {"invalid_uid"}


@pytest.mark.parametrize("uid", ["1.2.x", "../../1.2", "1..2", "1." * 33 + "1"])
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@pytest.mark.filterwarnings("ignore:The value length")
def test_invalid_uids_are_named(tmp_path: Path, uid: str) -> None:
    [series] = scan(write(tmp_path, *stack(2, SeriesInstanceUID=uid))).series
    assert codes(series) == {"invalid_uid"}
    assert series.identity.series_uid == uid


def test_one_instance_uid_for_two_images(tmp_path: Path) -> None:
    [series] = scan(write(tmp_path, *stack(3, SOPInstanceUID="1.2.3.4"))).series
    assert codes(series) == {"invalid_uid"}
    assert len(series.frames) == 3


def test_other_images_are_shown_but_named(tmp_path: Path) -> None:
    mr = stack(
        3, SOPClassUID="1.2.840.10008.5.1.4.1.1.4", Modality="MR", RescaleIntercept=None, RescaleSlope=None
    )
    [series] = scan(write(tmp_path, *mr)).series
    assert codes(series) == {"not_ct_image", "not_hu"}
    assert series.loadable


@pytest.mark.parametrize(
    "changes",
    [
        {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0},
        {"BitsStored": 20},
        {"HighBit": 16},
        {"BitsAllocated": 32, "BitsStored": 32, "HighBit": 31, "PixelData": bytes(16 * 16 * 4)},
    ],
)
def test_pixels_that_cannot_be_shown(tmp_path: Path, changes: dict[str, object]) -> None:
    [series] = scan(write(tmp_path, ct_slice(**changes))).series
    assert not series.loadable
    assert "unsupported" in codes(series)


def test_an_object_without_pixels_is_passed_over(tmp_path: Path) -> None:
    report = ct_slice(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", SeriesInstanceUID="1.2.9")
    del report.PixelData
    found = scan(write(tmp_path, *stack(2), report))
    assert [item.reason for item in found.unreadable] == ["it holds no image (Basic Text SR Storage)"]
    assert len(found.series) == 1


def test_lossy_by_header(tmp_path: Path) -> None:
    [series] = scan(write(tmp_path, *stack(2, LossyImageCompression="01"))).series
    assert codes(series) == {"lossy"}


def test_padding_has_the_sign_of_the_pixels(tmp_path: Path) -> None:
    dataset = ct_slice(PixelRepresentation=1, BitsStored=16, HighBit=15)
    dataset.add_new("PixelPaddingValue", "SS", -2000)
    dataset.add_new("PixelPaddingRangeLimit", "SS", -1990)
    [series] = scan(write(tmp_path, dataset)).series
    assert series.frames[0].padding == (-2000, -1990)
    assert codes(series) == {"padding"}
    assert "-2000 to -1990" in texts(series)


def test_a_single_slice_has_its_thickness_and_the_tilt_of_its_gantry(tmp_path: Path) -> None:
    [series] = scan(write(tmp_path, ct_slice(SliceThickness=3.0, GantryDetectorTilt=-12.5))).series
    assert series.spacing_mm == (3.0, 0.5, 0.75)
    assert series.tilt_deg == 12.5
    assert codes(series) == {"tilt"}


def test_a_classic_multiframe_image_has_no_geometry(tmp_path: Path) -> None:
    cells = np.arange(3 * 256, dtype=np.uint16)
    dataset = ct_slice(NumberOfFrames=3, PixelData=cells.tobytes())
    [series] = scan(write(tmp_path, dataset)).series
    assert [frame.number for frame in series.frames] == [1, 2, 3]
    assert "no_geometry" in codes(series)
    offsets = [frame.offset or 0 for frame in series.frames]
    assert np.diff(offsets).tolist() == [512, 512]


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
def test_sequences_and_long_headers_are_walked(tmp_path: Path, implicit: bool, undefined: bool) -> None:
    inner = Dataset()
    inner.ReferencedSOPInstanceUID = "1.2.3"
    outer = Dataset()
    outer.ReferencedImageSequence = Sequence([inner, inner])
    dataset = ct_slice()
    dataset.SourceImageSequence = Sequence([outer, inner])
    for element in (dataset["SourceImageSequence"], outer["ReferencedImageSequence"]):
        element.is_undefined_length = undefined
    outer.is_undefined_length_sequence_item = undefined
    dataset.add_new(0x00091010, "OB", bytes(100_000))
    if implicit:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    path = write(tmp_path, dataset) / "im000.dcm"
    [series] = scan(path).series
    frame = series.frames[0]
    data = path.read_bytes()
    assert data[frame.offset : (frame.offset or 0) + (frame.length or 0)] == dataset.PixelData


def test_a_file_out_of_the_ordinary_is_left_to_pydicom(tmp_path: Path) -> None:
    dataset = ct_slice()
    path = write(tmp_path, dataset) / "im000.dcm"
    data = path.read_bytes()
    unknown = data.replace(b"\x08\0\x60\0CS\x02\0CT", b"\x08\0\x60\0ZZ\x02\0CT")  # no such representation
    assert unknown != data
    path.write_bytes(unknown)
    [series] = scan(path).series
    assert series.identity.modality == "CT"
    assert series.frames[0].offset is None


def test_studies_come_apart_and_series_in_order(tmp_path: Path) -> None:
    write(tmp_path / "b", *stack(2, SeriesInstanceUID="1.5", SeriesNumber=7))
    write(tmp_path / "a", *stack(2, SeriesInstanceUID="1.6", SeriesNumber=3))
    write(tmp_path / "c", *stack(2, SeriesInstanceUID="1.7", StudyInstanceUID="1.8"))
    found = scan(tmp_path)
    assert [study.uid for study in found.studies] == ["1.8", "1.2.3.1"]
    assert [series.identity.series_number for series in found.series] == [1, 3, 7]


def test_progress_and_cancel(tmp_path: Path) -> None:
    write(tmp_path, *stack(4))
    seen: list[tuple[int, int]] = []
    scan(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen[-5:] == [(done, 4) for done in range(5)]
    cancel = Cancel()
    with pytest.raises(Cancelled):
        scan(tmp_path, cancel=cancel, progress=lambda done, total: cancel.request())


def test_a_slice_that_is_not_there(tmp_path: Path) -> None:
    [series] = scan(write(tmp_path, *stack(2))).series
    with pytest.raises(VolumeError, match="no image with the SOP instance UID"):
        find_slice(series, "1.2.3.999")


def test_info_is_json_and_carries_no_patient(tmp_path: Path) -> None:
    import json

    document = json.dumps(info(scan(write(tmp_path / "x", *stack(2)))))
    assert "One^Patient" not in document
    assert SERIES in document


@pytest.mark.parametrize(
    ("slope", "intercept", "code"), [(0, -1024, "not_hu"), (1e9, 0, "unsupported"), (1, 1e12, "unsupported")]
)
def test_a_rescale_that_makes_no_sense(tmp_path: Path, slope: float, intercept: float, code: str) -> None:
    [series] = scan(write(tmp_path, ct_slice(RescaleSlope=slope, RescaleIntercept=intercept))).series
    assert codes(series) == {code}
    assert series.loadable == (code == "not_hu")


@pytest.mark.parametrize("position", ["1e9\\0\\0", "nan\\0\\0"])
def test_a_place_beyond_the_building_is_no_geometry(tmp_path: Path, position: str) -> None:
    path = write(tmp_path, ct_slice(ImagePositionPatient=[11.0, 22.0, 33.0])) / "im000.dcm"
    path.write_bytes(path.read_bytes().replace(b"11.0\\22.0\\33.0", position.encode().ljust(14)))
    [series] = scan(path).series
    assert "no_geometry" in codes(series)
