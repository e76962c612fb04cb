"""DICOMDIR: the files it names, and those it must not reach."""

from __future__ import annotations

from pathlib import Path

import pytest
from dicom_writer import ct_slice, stack, write
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from medreason_viewer.errors import (
    VolumeError,
)
from medreason_viewer.volume.scan import scan


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
