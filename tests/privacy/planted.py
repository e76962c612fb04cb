"""Forty identifiers that nobody else has, and a study that is full of them."""

from __future__ import annotations

import secrets
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

SIZE, LESION = 96, (20, 38, 34, 52)
_DATES = ("19030719", "19110923", "19251108", "19380214")

# What stands where in the study; PN has parts, and a part alone names somebody.
_TEXTS = {
    "PatientID": "LO", "OtherPatientIDs": "LO", "AccessionNumber": "SH", "InstitutionName": "LO",
    "InstitutionAddress": "ST", "InstitutionalDepartmentName": "LO", "StationName": "SH", "StudyID": "SH",
    "StudyDescription": "LO", "SeriesDescription": "LO", "PatientComments": "LT", "ImageComments": "LT",
    "PatientAddress": "LO", "PatientTelephoneNumbers": "SH", "MedicalRecordLocator": "LO", "Occupation": "SH",
    "AdmissionID": "LO", "RequestedProcedureID": "SH", "RequestedProcedureDescription": "LO",
    "ProtocolName": "LO", "DeviceSerialNumber": "LO", "EthnicGroup": "SH", "IssuerOfPatientID": "LO",
}  # fmt: skip
_NAMES = ("PatientName", "ReferringPhysicianName", "OperatorsName", "PatientMotherBirthName")
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPInstanceUID")


@dataclass
class Planted:
    """The identifiers by where they stand, and all of them."""

    named: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        run = "".join(secrets.choice("BCDFGHKLMNPRSTVZ") for _ in range(5))
        for number, keyword in enumerate(_TEXTS):
            self.named[keyword] = f"{run}{number:02d}QX"
        for keyword in _NAMES:
            self.named[keyword] = f"Kanar{run.title()}{len(self.named):02d}"
        for keyword in _UIDS:
            self.named[keyword] = f"2.25.{secrets.randbelow(10**30) + 10**30}"
        for number, day in enumerate(_DATES):
            self.named[f"date {number}"] = day
        for name in ("folder", "file", "private", "spoken", "zip"):
            self.named[name] = f"Ördn{run.title()}{name.title()}"

    @property
    def all(self) -> list[str]:
        """Forty texts."""
        return list(self.named.values())

    def __getitem__(self, name: str) -> str:
        return self.named[name]


def write_planted(folder: Path, planted: Planted, slices: int = 10) -> Path:
    """A small CT of a body with a lesion; returns the study's folder."""
    study = folder / f"{planted['folder']} {planted['PatientName']}"
    study.mkdir(parents=True)
    for index in range(slices):
        image = _image(planted, index)
        image.save_as(study / f"{planted['file']}-{index:03}.dcm", enforce_file_format=True)
    return study


def write_zip(folder: Path, study: Path, planted: Planted) -> Path:
    """The same as an archive."""
    path = folder / f"{planted['zip']}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(study.iterdir()):
            archive.write(file, f"{planted['zip']}/{file.name}")
    return path


def _image(planted: Planted, index: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = CTImageStorage, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = f"{planted['SOPInstanceUID']}.{index}"
    image = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    image.SpecificCharacterSet = "ISO_IR 192"
    for keyword in _TEXTS:
        setattr(image, keyword, planted[keyword])
    for keyword in _NAMES:
        setattr(image, keyword, f"{planted[keyword]}^Anna")
    for keyword in _UIDS:
        setattr(image, keyword, planted[keyword])
    image.SOPInstanceUID, image.SOPClassUID = meta.MediaStorageSOPInstanceUID, CTImageStorage
    image.PatientBirthDate, image.StudyDate, image.SeriesDate, image.ContentDate = _DATES
    image.PatientSex, image.PatientAge, image.BodyPartExamined = "F", "077Y", "CHEST"
    image.Modality, image.SeriesNumber, image.InstanceNumber = "CT", 3, index + 1
    block = image.private_block(0x0031, "KANAREK PRIVATE", create=True)
    block.add_new(0x01, "LT", planted["private"])
    item = Dataset()
    item.PatientID = planted["PatientID"]
    image.OtherPatientIDsSequence = [item]
    _geometry(image, index)
    return image


def _geometry(image: FileDataset, index: int) -> None:
    image.ImageOrientationPatient, image.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-96, -96, 2.5 * index]
    image.PixelSpacing, image.SliceThickness, image.KVP = [2.0, 2.0], 2.5, 120
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.Rows = image.Columns = SIZE
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 0
    image.RescaleSlope, image.RescaleIntercept = 1, -1024
    hu = np.full((SIZE, SIZE), -1000.0)
    hu[10:86, 8:88] = 40
    hu[20:76, 14:44] = hu[20:76, 52:82] = -830
    x0, y0, x1, y1 = LESION
    hu[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2] = 25
    hu += np.random.default_rng(index).normal(0, 8, hu.shape)
    image.PixelData = np.rint(hu + 1024).clip(0).astype("<u2").tobytes()
