"""The phantom as a study on disk: a real DICOM CT series, and the truth about it beside."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from ...errors import VolumeError
from ..geometry import SliceBox
from .build import Setting
from .patient import Phantom, PhantomSlice
from .site import Finding, Side

_INTERCEPT: Final = -1024
_MIDDLE_MM: Final = -22.0  # middle of the lungs, from the carina
_IMPLEMENTATION: Final = UID("2.25.80302813137786398554742050926734630921")
_DATE, _TIME = "20260101", "120000"


@dataclass(frozen=True, slots=True)
class StudyTruth:
    """What a phantom study shows, and where.

    Attributes
    ----------
    slice_index : int or None
        The slice that shows the finding best, from 0, feet to head; None if there is no finding.
    boxes : dict of int to box
        Every slice that shows the finding, with its box in slice pixels, half-open.
    dicom : Path
        The folder of the series.
    """

    seed: int
    finding: Finding
    side: Side | None
    slice_index: int | None
    sop_uid: str | None
    box_slice: SliceBox | None
    boxes: dict[int, SliceBox]
    size_mm: float | None
    mean_hu: float | None
    place: tuple[str, ...]
    setting: Setting
    dicom: Path


def write_study(
    folder: Path,
    *,
    seed: int,
    finding: Finding = "nodule",
    slices: int = 80,
    spacing_mm: float = 2.5,
    matrix: int = 512,
    setting: Setting = "standard",
) -> StudyTruth:
    """Write a phantom as ``folder/dicom/*.dcm`` and the truth as ``folder/truth.json``.

    Parameters
    ----------
    folder : Path
        Made if need be.
    slices, spacing_mm, matrix : int, float, int
        How many axial slices, the distance between them (also their thickness), rows and columns.

    Raises
    ------
    VolumeError
        If the folder already holds a series (an interrupted run leaves none).
    """
    series = folder / "dicom"
    if series.exists() and any(series.iterdir()):
        raise VolumeError(f"{series} is not empty: choose another folder for the phantom.")
    folder.mkdir(parents=True, exist_ok=True)
    phantom = Phantom(seed, finding, setting)
    with tempfile.TemporaryDirectory(prefix=".phantom-", dir=folder) as scratch:
        beside = Path(scratch) / "dicom"
        beside.mkdir()
        truth = _truth(phantom, _write_images(phantom, beside, slices, spacing_mm, matrix), series)
        (Path(scratch) / "truth.json").write_text(_as_json(truth), encoding="utf-8")
        if series.exists():
            series.rmdir()
        beside.rename(series)
        (Path(scratch) / "truth.json").replace(folder / "truth.json")
    return truth


def _write_images(
    phantom: Phantom, series: Path, slices: int, spacing_mm: float, matrix: int
) -> dict[int, PhantomSlice]:
    """Write every slice; return those that show the finding, by slice index."""
    shown: dict[int, PhantomSlice] = {}
    for index, z_mm in enumerate(_heights(phantom, slices, spacing_mm)):
        cut = phantom.slice_at(float(z_mm), matrix)
        if cut.box_slice is not None:
            shown[index] = cut
        image = _image(phantom, cut.hu, index, slices, float(z_mm), spacing_mm)
        image.save_as(series / f"CT{slices - index:04d}.dcm", enforce_file_format=True)
    return shown


def _heights(phantom: Phantom, slices: int, spacing_mm: float) -> NDArray[np.float64]:
    """Heights of the slices, feet to head: about the middle of the lungs, moved so that the finding is in."""
    reach = (slices - 1) * spacing_mm / 2
    middle = _MIDDLE_MM * phantom.build.up
    if phantom.lesion is not None:
        target = sum(phantom.lesion.heights) / 2
        middle = float(np.clip(middle, target - reach * 0.9, target + reach * 0.9))
    heights: NDArray[np.float64] = np.round(middle - reach, 1) + np.arange(slices) * spacing_mm
    return heights


def _truth(phantom: Phantom, shown: dict[int, PhantomSlice], series: Path) -> StudyTruth:
    """The slice with most of the lesion stands for the study."""
    best = max(shown, key=lambda index: int(shown[index].mask.sum()), default=None)
    cut = None if best is None else shown[best]
    boxes = {index: one.box_slice for index, one in shown.items() if one.box_slice is not None}
    return StudyTruth(
        seed=phantom.seed,
        finding=phantom.finding,
        side=cut.side if cut else None,
        slice_index=best,
        sop_uid=None if best is None else _uid(phantom, f"image {best}"),
        box_slice=cut.box_slice if cut else None,
        boxes=boxes,
        size_mm=cut.size_mm if cut else None,
        mean_hu=cut.mean_hu if cut else None,
        place=cut.place if cut else (),
        setting=phantom.setting,
        dicom=series,
    )


def _as_json(truth: StudyTruth) -> str:
    plain = asdict(truth) | {
        "box_slice": truth.box_slice.as_tuple() if truth.box_slice else None,
        "boxes": {str(index): box.as_tuple() for index, box in truth.boxes.items()},
        "dicom": truth.dicom.name,
        "note": "synthetic phantom, no patient",
    }
    return json.dumps(plain, indent=1)


def _uid(phantom: Phantom, what: str) -> UID:
    """A UID that depends on the phantom alone, under the root for UUID-like numbers (PS3.5 B.2)."""
    name = f"medreason phantom {phantom.seed} {phantom.finding} {phantom.setting} {what}"
    return UID(f"2.25.{int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], 'big')}")


def _image(
    phantom: Phantom, hu: NDArray[np.float32], index: int, slices: int, z_mm: float, spacing_mm: float
) -> FileDataset:
    """One CT image; InstanceNumber counts from the head, as scanners do."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = _uid(phantom, f"image {index}")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = _IMPLEMENTATION
    image = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    image.InstanceNumber = slices - index
    _identify(image, phantom, spacing_mm)
    _describe_scan(image, phantom)
    _place(image, phantom, hu.shape[0], z_mm, spacing_mm)
    _store(image, hu)
    return image


def _identify(image: Dataset, phantom: Phantom, spacing_mm: float) -> None:
    """Patient, study, series and frame of reference."""
    image.SpecificCharacterSet = "ISO_IR 192"
    image.PatientName, image.PatientID = "PHANTOM^CHEST", f"PHANTOM-{phantom.seed}"
    image.PatientBirthDate, image.PatientSex = "", "F" if phantom.build.female else "M"
    image.StudyInstanceUID, image.SeriesInstanceUID = _uid(phantom, "study"), _uid(phantom, "series")
    image.FrameOfReferenceUID, image.PositionReferenceIndicator = _uid(phantom, "frame of reference"), ""
    image.StudyDate = image.SeriesDate = image.AcquisitionDate = image.ContentDate = _DATE
    image.StudyTime = image.SeriesTime = image.AcquisitionTime = image.ContentTime = _TIME
    image.StudyID, image.AccessionNumber, image.ReferringPhysicianName = "1", "", ""
    image.StudyDescription = "Synthetic chest phantom"
    image.SeriesDescription = f"Chest {spacing_mm:g} mm (synthetic)"
    image.Modality, image.SeriesNumber, image.AcquisitionNumber = "CT", 1, 1
    image.BodyPartExamined, image.PatientPosition, image.Laterality = "CHEST", "HFS", ""
    image.ImageComments = "synthetic phantom, no patient"


def _describe_scan(image: Dataset, phantom: Phantom) -> None:
    """Equipment and technique."""
    image.Manufacturer, image.ManufacturerModelName = "MedReason", "Phantom"
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.KVP, image.ConvolutionKernel, image.GantryDetectorTilt = "120", "PHANTOM", "0"
    image.XRayTubeCurrent = round(4500 / phantom.build.noise_hu)
    image.ReconstructionDiameter = f"{phantom.build.fov_mm:.3f}"
    image.BurnedInAnnotation, image.LossyImageCompression = "NO", "00"
    if phantom.build.contrast:
        image.ContrastBolusAgent = "SIMULATED"


def _place(image: Dataset, phantom: Phantom, matrix: int, z_mm: float, spacing_mm: float) -> None:
    """Where the slice lies; the middle of the picture is the scanner's axis."""
    pixel = round(phantom.spacing_mm(matrix), 6)
    corner = round((0.5 - matrix / 2) * pixel, 4)
    image.PixelSpacing, image.SliceThickness = [pixel, pixel], f"{spacing_mm:g}"
    image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    image.ImagePositionPatient = [corner, corner, round(float(z_mm), 4)]
    image.SliceLocation = round(float(z_mm), 4)


def _store(image: Dataset, hu: NDArray[np.float32]) -> None:
    """12 bits in 16, unsigned, with the usual offset; lung and mediastinal windows."""
    stored = np.clip(np.rint(hu - _INTERCEPT), 0, 4095).astype("<u2")
    image.Rows, image.Columns = stored.shape
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = _INTERCEPT, 1, "HU"
    image.WindowCenter, image.WindowWidth = [-600, 50], [1500, 350]
    image.WindowCenterWidthExplanation = ["LUNG", "MEDIASTINUM"]
    image.PixelData = stored.tobytes()
