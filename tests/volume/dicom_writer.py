"""Small CT slices as real DICOM files, each oddity set by its keyword."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

STUDY, SERIES, FRAME = "1.2.3.1", "1.2.3.2", "1.2.3.3"


def ct_slice(z_mm: float = 0.0, number: int = 1, seed: int = 0, **changes: Any) -> Dataset:
    """An axial CT slice of 16 x 16; ``changes`` by keyword, None to leave an element out."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    values: dict[str, Any] = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": generate_uid(),
        "StudyInstanceUID": STUDY,
        "SeriesInstanceUID": SERIES,
        "FrameOfReferenceUID": FRAME,
        "PatientID": "P1",
        "PatientName": "One^Patient",
        "Modality": "CT",
        "SeriesNumber": 1,
        "InstanceNumber": number,
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "ImagePositionPatient": [-10.0, -20.0, z_mm],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.5, 0.75],
        "SliceThickness": 2.0,
        "Rows": 16,
        "Columns": 16,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
    }
    values |= changes
    for keyword, value in values.items():
        if value is not None:
            setattr(dataset, keyword, value)
    if "PixelData" not in changes:
        size = (int(dataset.Rows), int(dataset.Columns) * int(dataset.SamplesPerPixel))
        pixels = np.random.default_rng(seed).integers(0, 4096, size, np.uint16)
        dataset.PixelData = pixels.tobytes()
        dataset["PixelData"].VR = "OW"
    return dataset


def write(folder: Path, *slices: Dataset, prefix: str = "im") -> Path:
    """Write slices into a folder; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, dataset in enumerate(slices):
        dataset.save_as(folder / f"{prefix}{index:03d}.dcm", enforce_file_format=True)
    return folder


def stack(count: int, step_mm: float = 2.0, **changes: Any) -> list[Dataset]:
    """Slices along z."""
    return [ct_slice(index * step_mm, index + 1, seed=index, **changes) for index in range(count)]
