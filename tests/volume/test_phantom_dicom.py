"""The phantom's study is a valid CT series to independent readers, and its truth fits its pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import CTImageStorage

from medreason_viewer.errors import VolumeError
from medreason_viewer.volume.phantom import Phantom, StudyTruth, write_study

SLICES, MATRIX, SPACING = 9, 128, 3.0
# Type 1 (a value is required) and type 2 (may be empty) attributes of the CT Image IOD, PS3.3 A.3.
TYPE_1 = [
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "Modality",
    "FrameOfReferenceUID",
    "ImageType",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "RescaleIntercept",
    "RescaleSlope",
    "PixelSpacing",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "PixelData",
]
TYPE_2 = [
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "SeriesNumber",
    "Manufacturer",
    "PositionReferenceIndicator",
    "InstanceNumber",
    "SliceThickness",
    "KVP",
    "AcquisitionNumber",
    "PatientPosition",
]


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> StudyTruth:
    folder = tmp_path_factory.mktemp("phantom")
    return write_study(
        folder / "study", seed=7, finding="mass", slices=SLICES, spacing_mm=SPACING, matrix=MATRIX
    )


@pytest.fixture(scope="module")
def images(truth: StudyTruth) -> list[pydicom.FileDataset]:
    read = [pydicom.dcmread(path) for path in truth.dicom.iterdir()]
    return sorted(read, key=lambda image: float(image.ImagePositionPatient[2]))


def test_every_required_attribute_is_there(images: list[pydicom.FileDataset]) -> None:
    for image in images:
        assert image.SOPClassUID == CTImageStorage
        assert all(str(image.get(name, "")) != "" for name in TYPE_1)
        assert all(name in image for name in TYPE_2)
        assert image.file_meta.MediaStorageSOPInstanceUID == image.SOPInstanceUID


def test_says_what_it_is(images: list[pydicom.FileDataset]) -> None:
    for image in images:
        assert (str(image.PatientName), image.PatientID) == ("PHANTOM^CHEST", "PHANTOM-7")
        assert (image.Manufacturer, image.BodyPartExamined) == ("MedReason", "CHEST")
        assert image.ImageComments == "synthetic phantom, no patient"
        assert (image.BitsAllocated, image.BitsStored, image.RescaleIntercept) == (16, 12, -1024)


def test_uids_are_valid_unique_and_of_the_seed(images: list[pydicom.FileDataset], tmp_path: Path) -> None:
    for image in images:
        for uid in (image.SOPInstanceUID, image.StudyInstanceUID, image.SeriesInstanceUID):
            assert uid.is_valid
            assert uid.startswith("2.25.")
    assert len({image.SOPInstanceUID for image in images}) == SLICES
    assert len({image.SeriesInstanceUID for image in images}) == 1
    again = write_study(
        tmp_path / "again", seed=7, finding="mass", slices=SLICES, spacing_mm=SPACING, matrix=32
    )
    uids = {pydicom.dcmread(path).SOPInstanceUID for path in again.dicom.iterdir()}
    assert uids == {image.SOPInstanceUID for image in images}


def test_simpleitk_reads_the_volume(truth: StudyTruth, images: list[pydicom.FileDataset]) -> None:
    reader = sitk.ImageSeriesReader()
    (series,) = reader.GetGDCMSeriesIDs(str(truth.dicom))
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(truth.dicom), series))
    volume = reader.Execute()
    assert volume.GetSize() == (MATRIX, MATRIX, SLICES)
    build = Phantom(7, "mass").build
    pixel = build.fov_mm / MATRIX
    assert volume.GetSpacing() == pytest.approx((pixel, pixel, SPACING), abs=1e-4)
    assert volume.GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1)
    assert volume.GetOrigin() == pytest.approx(images[0].ImagePositionPatient, abs=1e-6)


def test_pixels_are_the_phantoms(images: list[pydicom.FileDataset]) -> None:
    image = images[SLICES // 2]
    hu, _ = Phantom(7, "mass").hu(float(image.ImagePositionPatient[2]), MATRIX)
    stored = image.pixel_array.astype(float) * float(image.RescaleSlope) + float(image.RescaleIntercept)
    assert np.abs(stored - hu).max() <= 0.51


def test_truth_fits_the_pixels(truth: StudyTruth, images: list[pydicom.FileDataset]) -> None:
    assert truth.slice_index is not None
    assert truth.box_slice is not None
    image = images[truth.slice_index]
    assert image.SOPInstanceUID == truth.sop_uid
    _, mask = Phantom(7, "mass").hu(float(image.ImagePositionPatient[2]), MATRIX)
    rows, cols = np.nonzero(mask)
    assert truth.box_slice.as_tuple() == (cols.min(), rows.min(), cols.max() + 1, rows.max() + 1)
    assert truth.side == ("right" if cols.mean() < MATRIX / 2 else "left")
    hu = image.pixel_array[rows, cols] + float(image.RescaleIntercept)
    assert -40 < np.median(hu) < 90


def test_truth_lies_beside_the_series(truth: StudyTruth) -> None:
    told = json.loads((truth.dicom.parent / "truth.json").read_text(encoding="utf-8"))
    assert truth.box_slice is not None
    assert told["box_slice"] == list(truth.box_slice.as_tuple())
    assert (told["slice_index"], told["sop_uid"]) == (truth.slice_index, truth.sop_uid)
    assert (told["side"], told["finding"], told["seed"]) == (truth.side, "mass", 7)
    assert sorted(map(int, told["boxes"])) == sorted(truth.boxes)


def test_never_writes_over_a_series(truth: StudyTruth) -> None:
    with pytest.raises(VolumeError, match="not empty"):
        write_study(truth.dicom.parent, seed=8, slices=2, matrix=32)


def test_a_study_without_finding(tmp_path: Path) -> None:
    plain = write_study(tmp_path, seed=3, finding="none", slices=2, matrix=64)
    assert (plain.slice_index, plain.box_slice, plain.side, plain.boxes) == (None, None, None, {})
