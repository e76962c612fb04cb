"""What belongs together, and what is said about what does not: synthetic series, one fault each."""

from __future__ import annotations

import time
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


def test_a_plain_stack_has_nothing_to_say(tmp_path: Path) -> None:
    [series] = scan(write(tmp_path, *reversed(stack(5)))).series
    assert codes(series) == set()
    assert heights(series) == [0, 2, 4, 6, 8]
    assert series.spacing_mm == (2.0, 0.5, 0.75)
    assert [frame.instance_number for frame in series.frames] == [1, 2, 3, 4, 5]


def test_another_patient_is_split_off(tmp_path: Path) -> None:
    foreign = ct_slice(4.0, 9, PatientID="P2")
    [own, other] = scan(write(tmp_path, *stack(5), foreign)).series
    assert (len(own.frames), len(other.frames)) == (5, 1)
    assert "foreign_patient" in codes(own) & codes(other)
    assert "im005.dcm" in texts(own)
    assert (own.identity.patient_key, other.identity.patient_key) == ("P1", "P2")


def test_the_issuer_tells_patients_apart(tmp_path: Path) -> None:
    other = ct_slice(20.0, 9, IssuerOfPatientID="elsewhere")
    found = scan(write(tmp_path, *stack(3), other)).series
    assert [series.identity.patient_key for series in found] == ["P1", "P1\\elsewhere"]


def test_a_scout_is_split_off(tmp_path: Path) -> None:
    scout = ct_slice(
        0, 1, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], ImageOrientationPatient=[1, 0, 0, 0, 0, -1]
    )
    [axial, localizer] = scan(write(tmp_path, scout, *stack(4))).series
    assert codes(axial) == set()
    assert codes(localizer) == {"localizer"}
    assert localizer.plane_name == "coronal"


def test_another_orientation_is_split_off(tmp_path: Path) -> None:
    turned = ct_slice(0, 9, ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    [axial, sagittal] = scan(write(tmp_path, *stack(4), turned)).series
    assert "mixed_orientation" in codes(axial) & codes(sagittal)
    assert (axial.plane_name, sagittal.plane_name) == ("axial", "sagittal")


def test_rounding_is_no_other_orientation(tmp_path: Path) -> None:
    rounded = ct_slice(8.0, 5, ImageOrientationPatient=[0.999999, 0.001, 0, -0.001, 0.999999, 0])
    [series] = scan(write(tmp_path, *stack(4), rounded)).series
    assert len(series.frames) == 5


@pytest.mark.parametrize(
    "changes",
    [{"Rows": 8, "Columns": 8}, {"PixelSpacing": [1, 1]}, {"PhotometricInterpretation": "MONOCHROME1"}],
)
def test_another_matrix_is_split_off(tmp_path: Path, changes: dict[str, object]) -> None:
    [most, odd] = scan(write(tmp_path, *stack(4), ct_slice(8.0, 5, **changes))).series
    assert (len(most.frames), len(odd.frames)) == (4, 1)
    assert "mixed_matrix" in codes(most) & codes(odd)


def test_another_frame_of_reference_is_split_off(tmp_path: Path) -> None:
    [most, odd] = scan(write(tmp_path, *stack(4), ct_slice(8.0, 5, FrameOfReferenceUID="1.9"))).series
    assert "mixed_reference" in codes(most) & codes(odd)


def test_a_slice_that_does_not_say_where_it_lies(tmp_path: Path) -> None:
    [most, odd] = scan(write(tmp_path, *stack(4), ct_slice(8.0, 5, ImagePositionPatient=None))).series
    assert len(most.frames) == 4
    assert "no_geometry" in codes(odd)
    assert "uncalibrated" not in codes(odd)
    assert odd.spacing_mm is None


@pytest.mark.parametrize("orientation", [[1, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0], [2, 0, 0, 0, 1, 0]])
def test_nonsense_geometry_is_none(tmp_path: Path, orientation: list[float]) -> None:
    [series] = scan(write(tmp_path, *stack(2, ImageOrientationPatient=orientation))).series
    assert "no_geometry" in codes(series)


def test_copies_are_dropped_and_named(tmp_path: Path) -> None:
    slices = stack(4)
    copy = ct_slice(2.0, 2, seed=1)  # the same pixels and place, another instance UID
    [series] = scan(write(tmp_path, *slices, copy)).series
    assert heights(series) == [0, 2, 4, 6]
    assert codes(series) == {"duplicate"}
    assert "im004.dcm" in texts(series)


def test_copies_are_found_across_byte_orders(tmp_path: Path) -> None:
    [one] = stack(1)
    big = ct_slice(0.0, 1, SOPInstanceUID=one.SOPInstanceUID)
    big.PixelData = np.frombuffer(one.PixelData, "<u2").astype(">u2").tobytes()
    write(tmp_path, one)
    big.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.2"
    big.save_as(tmp_path / "big.dcm", enforce_file_format=True)
    [series] = scan(tmp_path).series
    assert len(series.frames) == 1
    assert codes(series) == {"duplicate"}


def test_the_same_pixels_with_another_rescale_are_no_copy(tmp_path: Path) -> None:
    found = scan(write(tmp_path, *stack(2), ct_slice(0.0, 3, seed=0, RescaleIntercept=0))).series
    assert "several_phases" in codes(found[0])
    assert "duplicate" not in codes(found[0])


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("AcquisitionNumber", (1, 2)),
        ("ConvolutionKernel", ("B30f", "B70f")),
        ("TemporalPositionIdentifier", (1, 2)),
        ("KVP", (80, 140)),
        ("AcquisitionTime", ("101500", "101530")),
        ("SliceThickness", (1.0, 3.0)),
    ],
)
def test_phases_are_told_apart(tmp_path: Path, keyword: str, values: tuple[object, object]) -> None:
    first = stack(4, **{keyword: values[0]})
    second = [ct_slice(2.0 * i, 5 + i, seed=50 + i, **{keyword: values[1]}) for i in range(4)]
    found = scan(write(tmp_path, *first, *second)).series
    assert [len(series.frames) for series in found] == [4, 4]
    assert all(codes(series) == {"several_phases"} for series in found)
    wanted = [{d.SOPInstanceUID for d in phase} for phase in (first, second)]
    assert [{frame.sop_uid for frame in series.frames} for series in found] == wanted


def test_phases_are_told_apart_by_the_order_of_their_times(tmp_path: Path) -> None:
    first = [ct_slice(2.0 * i, 1 + i, seed=i, AcquisitionTime=f"1000{i:02d}") for i in range(4)]
    second = [ct_slice(2.0 * i, 9 - i, seed=50 + i, AcquisitionTime=f"1001{i:02d}") for i in range(4)]
    found = scan(write(tmp_path, *second, *first)).series
    assert [{f.sop_uid for f in s.frames} for s in found] == [
        {d.SOPInstanceUID for d in phase} for phase in (first, second)
    ]


def test_acquisitions_at_different_places_stay_one_series(tmp_path: Path) -> None:
    slices = [ct_slice(2.0 * i, i + 1, seed=i, AcquisitionNumber=i) for i in range(6)]
    [series] = scan(write(tmp_path, *slices)).series
    assert len(series.frames) == 6


def test_of_images_that_nothing_tells_apart_the_first_is_kept(tmp_path: Path) -> None:
    first, second = stack(4), [ct_slice(2.0 * i, 9 + i, seed=50 + i) for i in range(2)]
    [series] = scan(write(tmp_path, *second, *first)).series
    assert {frame.sop_uid for frame in series.frames} == {d.SOPInstanceUID for d in first}
    assert codes(series) == {"several_phases"}
    assert "im000.dcm, im001.dcm" in texts(series)


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
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
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


def test_hundreds_of_images_at_one_place_take_no_square_of_time(tmp_path: Path) -> None:
    slices = [ct_slice(0.0, index, seed=index % 150) for index in range(300)]
    write(tmp_path, *slices)
    start = time.monotonic()
    [series] = scan(tmp_path).series
    assert time.monotonic() - start < 5
    assert codes(series) == {"duplicate", "several_phases"}
    assert "150 image(s) are copies" in texts(series)


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
