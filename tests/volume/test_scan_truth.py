"""``scan`` and ``info`` on real CT and on every derived oddity, against what is known of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from medreason_viewer.volume.describe import find_slice, info
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.series import Series

EXPLICIT = "1.2.840.10008.1.2.1"

# folder: (slices, rows, cols), spacing (slice, row, col), codes, transfer syntaxes
REAL = {
    "lidc-0314": ((275, 512, 512), (1.0, 0.78125, 0.78125), set(), {"1.2.840.10008.1.2.4.80"}),
    "crlm-ct-1004": ((41, 512, 512), (5.0, 0.796875, 0.796875), {"padding"}, {EXPLICIT}),
    "dcm_qa_ct-GE-head-tilt": (
        (28, 512, 512),
        (4.002, 0.4882812, 0.4882812),
        {"tilt", "uneven_spacing", "gap", "padding"},
        {EXPLICIT},
    ),
    "slicer-CTHead-64": ((93, 64, 64), (1.5, 3.2, 3.2), {"not_hu"}, {EXPLICIT}),
    "dcmqi-ct3slice-seg": ((3, 512, 512), (1.0, 0.810547, 0.810547), {"padding"}, {"1.2.840.10008.1.2"}),
    "slicerio": ((34, 128, 128), (10.0, 3.046876, 3.046876), set(), set()),
    "totalsegmentator": (
        (20, 512, 512),
        (2.0, 0.9765625, 0.9765625),
        {"invalid_uid"},
        {"1.2.840.10008.1.2.4.90"},
    ),
}

# variant: slices, codes; README.md of the CT folder tells the same in words
ODDITIES: dict[str, tuple[int, set[str]]] = {
    "00_reference": (12, set()),
    "01_missing_slice_7": (11, {"gap", "uneven_spacing"}),
    "02_duplicate_slices": (12, {"duplicate"}),
    "03_monochrome1_inverted_pixels": (12, set()),
    "04_pixel_padding_signed": (12, {"padding"}),
    "05_12bit_garbage_high_bits": (12, set()),
    "06_rescale_slope_half": (12, set()),
    "07_variable_spacing_5_then_10mm": (12, {"uneven_spacing", "gap"}),
    "08_no_geometry_tags": (12, {"no_geometry", "uncalibrated"}),
    "09_shuffled_names_no_ext_reverse_instance": (12, set()),
    "10_one_slice_other_matrix": (11, {"mixed_matrix", "gap", "uneven_spacing"}),
    "11_relabelled_sagittal_orientation": (12, set()),
    "12_rotated180_iop": (12, set()),
    "13_truncated_pixeldata": (9, {"unreadable", "gap", "uneven_spacing"}),
    "14_no_preamble": (12, set()),
    "15_mz_preamble_benign": (12, {"suspicious_preamble"}),
    "16_mixed_with_junk": (12, set()),
    "17_hostile_strings": (12, set()),
    "20_rle": (12, set()),
    "21_j2k_lossless": (12, set()),
    "22_jpegls_lossless": (12, set()),
    "23_deflated": (12, set()),
    "24_big_endian": (12, set()),
    "25_enhanced_multiframe": (12, set()),
    "26_htj2k_lossless": (12, set()),
}
ALONE = set(ODDITIES) - {"10_one_slice_other_matrix", "16_mixed_with_junk"}
REORIENTED = {"08_no_geometry_tags", "11_relabelled_sagittal_orientation", "12_rotated180_iop"}
RESPACED = {"07_variable_spacing_5_then_10mm"}
UNREADABLE = {"13_truncated_pixeldata": 3, "16_mixed_with_junk": 2}


def main_series(document: dict[str, Any]) -> dict[str, Any]:
    """The one with the most DICOM slices."""
    found = [series for study in document["studies"] for series in study["series"] if series["loadable"]]
    dicom = [series for series in found if series["format"] == "dicom"]
    return max(dicom or found, key=lambda series: series["slices"])


def main(path: Path) -> Series:
    found = [series for series in scan(path).series if series.loadable and series.format == "dicom"]
    return max(found, key=lambda series: len(series.frames))


@pytest.mark.parametrize("folder", REAL)
def test_a_real_folder(real_ct: Path, folder: str) -> None:
    document = info(scan(real_ct / folder))
    series = main_series(document)
    (slices, rows, cols), spacing, codes, syntaxes = REAL[folder]
    assert (series["slices"], series["rows"], series["cols"]) == (slices, rows, cols)
    assert series["spacing_mm"] == pytest.approx(spacing, abs=1e-3)
    assert set(series["warnings"]) == codes
    assert set(series["transfer_syntaxes"]) == syntaxes
    passed_over = {Path(item["path"]).suffix for item in document["unreadable"]}
    assert passed_over <= {"", ".txt", ".json"}  # licences, nodules.json: never an image


def test_the_tilt_of_the_head(real_ct: Path) -> None:
    series = main_series(info(scan(real_ct / "dcm_qa_ct-GE-head-tilt")))
    assert series["tilt_deg"] == pytest.approx(18.5, abs=0.1)
    assert all(other["tilt_deg"] == 0 for other in [main_series(info(scan(real_ct / "crlm-ct-1004")))])


@pytest.mark.parametrize(
    "folder", ["lidc-0314", "crlm-ct-1004", "dcm_qa_ct-GE-head-tilt", "slicer-CTHead-64"]
)
def test_slices_lie_in_anatomical_order(real_ct: Path, folder: str) -> None:
    placed = []
    for path in (real_ct / folder).rglob("*"):
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True)
        except (pydicom.errors.InvalidDicomError, IsADirectoryError):
            continue
        orientation = np.array(header.ImageOrientationPatient, float)
        normal = np.cross(orientation[:3], orientation[3:])
        assert normal[2] == max(abs(normal))  # axial, seen from the feet: z grows
        placed.append((float(np.array(header.ImagePositionPatient, float) @ normal), header.SOPInstanceUID))
    expected = [uid for _, uid in sorted(placed)]
    series = main(real_ct / folder)
    assert [frame.sop_uid for frame in series.frames] == expected
    assert find_slice(series, expected[7]) == 7


@pytest.mark.parametrize("variant", ODDITIES)
def test_an_oddity_is_named(real_ct: Path, variant: str) -> None:
    document = info(scan(real_ct / "derived-oddities" / variant))
    series = main_series(document)
    slices, codes = ODDITIES[variant]
    assert series["slices"] == slices
    assert set(series["warnings"]) == codes
    assert series["loadable"]
    assert len(series["warning_texts"]) >= len(codes)
    assert len(document["unreadable"]) == UNREADABLE.get(variant, 0)
    assert variant not in ALONE or sum(len(study["series"]) for study in document["studies"]) == 1


@pytest.mark.parametrize("variant", set(ODDITIES) - REORIENTED)
def test_slices_keep_the_places_of_the_reference(real_ct: Path, variant: str) -> None:
    root = real_ct / "derived-oddities"
    reference = {
        round(frame.plane.origin_mm[2], 3) for frame in main(root / "00_reference").frames if frame.plane
    }
    heights = [frame.plane.origin_mm[2] for frame in main(root / variant).frames if frame.plane]
    assert heights == sorted(heights)
    assert len(heights) == ODDITIES[variant][0]
    if variant not in RESPACED:
        assert {round(height, 3) for height in heights} <= reference


def test_letters_of_the_turned_series(real_ct: Path) -> None:
    root = real_ct / "derived-oddities"
    sagittal, turned = main(root / "11_relabelled_sagittal_orientation"), main(root / "12_rotated180_iop")
    assert sagittal.plane_name == "sagittal"
    assert {tuple(frame.plane.letters()) for frame in sagittal.frames if frame.plane} == {
        ("A", "P", "H", "F")
    }
    assert {tuple(frame.plane.letters()) for frame in turned.frames if frame.plane} == {("L", "R", "P", "A")}
    upright = main(root / "00_reference")
    assert {tuple(frame.plane.letters()) for frame in upright.frames if frame.plane} == {("R", "L", "A", "P")}


def test_slices_without_geometry_follow_their_numbers(real_ct: Path) -> None:
    series = main(real_ct / "derived-oddities" / "08_no_geometry_tags")
    assert [frame.instance_number for frame in series.frames] == list(range(1, 13))
    assert series.spacing_mm is None
    assert all(frame.plane is None for frame in series.frames)


def test_a_slice_of_another_matrix_is_named_and_set_apart(real_ct: Path) -> None:
    document = info(scan(real_ct / "derived-oddities" / "10_one_slice_other_matrix"))
    [study] = document["studies"]
    larger, odd = study["series"]
    assert "IM004.dcm" in " ".join(larger["warning_texts"])
    assert (odd["slices"], odd["rows"], odd["warnings"]) == (1, 120, ["mixed_matrix"])
    assert larger["uid"] == odd["uid"]


def test_what_is_cut_is_named_with_its_reason(real_ct: Path) -> None:
    unreadable = scan(real_ct / "derived-oddities" / "13_truncated_pixeldata").unreadable
    reasons = {item.path.name: item.reason for item in unreadable}
    assert reasons["IM003.dcm"] == "its pixel data is cut off"
    assert reasons["IM008.dcm"] == reasons["IM009.dcm"] == "it is empty"


def test_junk_is_passed_over_and_the_other_series_stands_alone(real_ct: Path) -> None:
    document = info(scan(real_ct / "derived-oddities" / "16_mixed_with_junk"))
    assert {Path(item["path"]).name for item in document["unreadable"]} == {"README.txt", "Thumbs.db"}
    assert sorted(series["slices"] for study in document["studies"] for series in study["series"]) == [1, 12]


def test_hostile_strings_stay_plain_data(real_ct: Path) -> None:
    identity = main(real_ct / "derived-oddities" / "17_hostile_strings").identity
    assert identity.patient_key == "../../etc/x<script>alert(1)</script>"
    assert identity.study_description == "<img src=x onerror=alert(1)>"
    assert identity.patient_name == "TEST^SYNTHETIC=山田^太郎"


def test_monochrome1_is_inverted_and_padding_known(real_ct: Path) -> None:
    root = real_ct / "derived-oddities"
    assert main(root / "03_monochrome1_inverted_pixels").inverted
    assert not main(root / "00_reference").inverted
    padded = main(root / "04_pixel_padding_signed")
    assert {frame.padding for frame in padded.frames} == {(-2000, -2000)}


def test_a_multiframe_file_gives_one_frame_a_slice(real_ct: Path) -> None:
    series = main(real_ct / "derived-oddities" / "25_enhanced_multiframe")
    assert sorted(frame.number for frame in series.frames) == list(range(1, 13))
    lengths = {frame.length for frame in series.frames}
    assert lengths == {128 * 128 * 2}
    first = min(series.frames, key=lambda frame: frame.number)
    dataset = pydicom.dcmread(first.path)
    stored = np.fromfile(first.path, "<u2", 128 * 128, offset=first.offset or 0)
    assert np.array_equal(stored, dataset.pixel_array[0].ravel())
    find_slice(series, first.sop_uid, number=12)


def test_one_image_in_many_syntaxes(real_ct: Path) -> None:
    document = info(scan(real_ct / "cornerstone-transfer-syntaxes"))
    found = [series for study in document["studies"] for series in study["series"]]
    image = [series for series in found if series["uid"].endswith("978668949.890")]
    assert {"duplicate", "several_phases"} <= set(image[0]["warnings"])
    lossy = {
        syntax for series in image if "lossy" in series["warnings"] for syntax in series["transfer_syntaxes"]
    }
    assert lossy == {f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 53, 55, 81, 91)}
    assert all(series["slices"] == 1 for series in image)


def test_each_syntax_by_itself(real_ct: Path) -> None:
    files = sorted((real_ct / "cornerstone-transfer-syntaxes").glob("CTImage.dcm*"))
    assert len(files) == 16
    for path in files:
        [series] = scan(path).series
        assert (len(series.frames), series.rows, series.cols, series.loadable) == (1, 512, 512, True)
        [frame] = series.frames
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        assert frame.layout.transfer_syntax == dataset.file_meta.TransferSyntaxUID
        assert (frame.slope, frame.intercept) == (
            float(dataset.RescaleSlope),
            float(dataset.RescaleIntercept),
        )
        assert (frame.offset is not None) == (frame.layout.transfer_syntax in _NATIVE)


_NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}


def test_a_segmentation_is_no_ct_image(real_ct: Path) -> None:
    document = info(scan(real_ct / "dcmqi-ct3slice-seg"))
    [image, segmentation] = document["studies"][0]["series"]
    assert image["loadable"]
    assert not segmentation["loadable"]
    assert "not_ct_image" in segmentation["warnings"]
    assert segmentation["modality"] == "SEG"


def test_offsets_of_native_frames_lead_to_their_pixels(real_ct: Path) -> None:
    for folder in ("crlm-ct-1004", "dcmqi-ct3slice-seg", "derived-oddities/24_big_endian"):
        for frame in main(real_ct / folder).frames[:3]:
            dataset = pydicom.dcmread(frame.path)
            assert frame.offset is not None
            with frame.path.open("rb") as file:
                file.seek(frame.offset)
                assert file.read(frame.length or 0) == dataset.PixelData
