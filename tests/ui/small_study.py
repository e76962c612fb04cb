"""A small CT study written as real DICOM: two series of one patient, with a dense block in the right lung."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SIZE = 64
LESION = (14.0, 26.0, 22.0, 34.0)  # box in slice pixels


def write_study(folder: Path, *, patient: str = "DOE^JANE", description: str = "Chest") -> Path:
    """Two series: 8 slices with the lesion, 5 without."""
    study = generate_uid()
    _write_series(folder / "a", study, 1, 8, patient, description)
    _write_series(folder / "b", study, 2, 5, patient, "Second")
    return folder


def _write_series(folder: Path, study: str, number: int, count: int, patient: str, description: str) -> None:
    folder.mkdir(parents=True)
    series = generate_uid()
    for index in range(count):
        image = _image(study, series, patient, description)
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID
        image.SeriesNumber, image.InstanceNumber = number, count - index
        image.ImagePositionPatient = [-32.0, -32.0, 2.0 * index]
        image.PixelData = _pixels(lesion=number == 1, seed=index).tobytes()
        image.save_as(folder / f"{index}.dcm", enforce_file_format=True)


def _pixels(*, lesion: bool, seed: int) -> np.ndarray:
    """Air, a body, two lungs and perhaps a lesion, with noise so that every slice has its own hash."""
    hu = np.full((SIZE, SIZE), -1000.0)
    hu[8:56, 6:58] = 30
    hu[14:50, 10:28] = hu[14:50, 36:54] = -820
    if lesion:
        x0, y0, x1, y1 = (round(edge) for edge in LESION)
        hu[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2] = 20
    hu += np.random.default_rng(seed).normal(0, 8, hu.shape)
    return np.rint(hu + 1024).clip(0).astype("<u2")


def _image(study: str, series: str, patient: str, description: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID = CTImageStorage
    image.PatientName, image.PatientID = patient, "P1"
    image.StudyInstanceUID, image.SeriesInstanceUID = study, series
    image.FrameOfReferenceUID = "1.2.3.4"
    image.StudyDate, image.Modality, image.SeriesDescription = "20200131", "CT", description
    image.BodyPartExamined = "CHEST"
    image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    image.PixelSpacing, image.SliceThickness = [1.0, 1.0], 2.0
    image.Rows = image.Columns = SIZE
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 0
    image.RescaleSlope, image.RescaleIntercept = 1, -1024
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    return image
