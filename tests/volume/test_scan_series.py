"""What belongs together, and what is said about what does not: synthetic series, one fault each."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from dicom_writer import ct_slice, stack, write

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


def test_rounding_is_no_other_pixel_size(tmp_path: Path) -> None:
    slices = [ct_slice(2.0 * i, i, seed=i, PixelSpacing=[0.9765 + i * 1e-7] * 2) for i in range(4)]
    [series] = scan(write(tmp_path, *slices)).series
    assert codes(series) == set()


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


@pytest.mark.parametrize("keyword", ["ConvolutionKernel", "AcquisitionNumber", "KVP"])
def test_images_that_lie_between_those_of_another_phase_are_told_apart(tmp_path: Path, keyword: str) -> None:
    for phase in (1, 2):
        slices = [ct_slice(2.0 * i + phase, i, i, **{keyword: str(phase)}) for i in range(6)]
        write(tmp_path, *slices, prefix=f"phase{phase}-")
    first, second = scan(tmp_path).series
    assert heights(first) == [1.0, 3.0, 5.0, 7.0, 9.0, 11.0]
    assert heights(second) == [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]
    assert codes(first) == codes(second) == {"several_phases"}


def test_step_and_shoot_with_two_kernels_stays_one_series(tmp_path: Path) -> None:
    slices = [
        ct_slice(2.0 * i, i, i, AcquisitionNumber=i // 4, ConvolutionKernel="AB"[i // 6]) for i in range(12)
    ]
    [series] = scan(write(tmp_path, *slices)).series
    assert codes(series) == set()


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


def test_hundreds_of_images_at_one_place_take_no_square_of_time(tmp_path: Path) -> None:
    slices = [ct_slice(0.0, index, seed=index % 150) for index in range(300)]
    write(tmp_path, *slices)
    start = time.monotonic()
    [series] = scan(tmp_path).series
    assert time.monotonic() - start < 5
    assert codes(series) == {"duplicate", "several_phases"}
    assert "150 image(s) are copies" in texts(series)
