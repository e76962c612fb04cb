"""Two small studies of different patients that are as alike as can be, and what each pixel of them must be.

The second patient's study has the very UIDs of the first, and shares the pixels of one slice with it: only
the whole key tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from small_study import SIZE, write_study

PATIENTS = ("ALPHA^ANN", "BETA^BOB")
CODED = (30, 42, 8, 20)  # rows, then columns, of the block whose value tells a slice from all others
SHARED = 2  # index of the slice of the first series whose pixels are the same in both patients


@dataclass(frozen=True)
class Truth:
    """One slice as it was written; ``slice_uid`` is its SOP instance."""

    patient: str
    series_uid: str
    slice_uid: str
    hu: NDArray[np.int64]
    coded_hu: int


@dataclass(frozen=True)
class TwoPatients:
    """Where they are, and every slice of theirs by patient, series and SOP instance.

    The last of the folders holds both.
    """

    folders: tuple[Path, Path, Path]
    slices: dict[tuple[str, str, str], Truth]

    def slice_of(self, patient: str, series_uid: str, slice_uid: str) -> Truth:
        """The slice of that name."""
        return self.slices[patient, series_uid, slice_uid]


def write_two_patients(folder: Path) -> TwoPatients:
    """Write them; the coded block of a slice is at -900 HU, and 25 HU more for each slice written before."""
    first = write_study(folder / "a", patient=PATIENTS[0])
    second = write_study(folder / "b", patient=PATIENTS[1])
    slices: dict[tuple[str, str, str], Truth] = {}
    for patient, root in zip(PATIENTS, (first, second), strict=True):
        for path in sorted(root.rglob("*.dcm")):
            twin = dcmread(first / path.relative_to(root))
            truth = _rewrite(path, twin, patient, -900 + 25 * len(slices))
            slices[patient, truth.series_uid, truth.slice_uid] = truth
    return TwoPatients((first, second, folder), slices)


def _rewrite(path: Path, twin: object, patient: str, coded_hu: int) -> Truth:
    image = dcmread(path)
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(image, name, getattr(twin, name))
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.PatientID = f"ID-{patient}"
    top, bottom, left, right = CODED
    stored = image.pixel_array.copy()
    shared = image.SeriesNumber == 1 and path.stem == str(SHARED)
    value = 777 if shared else coded_hu
    stored[top:bottom, left:right] = value + 1024
    image.PixelData = stored.astype("<u2").tobytes()
    image.save_as(path, enforce_file_format=True)
    hu = stored.astype(np.int64) - 1024
    assert hu.shape == (SIZE, SIZE)
    return Truth(patient, str(image.SeriesInstanceUID), str(image.SOPInstanceUID), hu, value)
