"""From what is open, or was chosen, to what can be sent."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...volume.series import Scan, Series
from ..explanation import wording
from .rows import plain
from .send_dialog import Parcel


def of_series(series: Series) -> Parcel | None:
    """The files of a series; None where they are no DICOM."""
    return _parcel([series], series.identity.series_description or "series")


def of_study(scan: Scan, series: Series) -> Parcel | None:
    """The files of every series of the study that this one belongs to: of the same patient alone."""
    whose = series.identity.study_uid, series.identity.patient_key
    same = [each for each in scan.series if (each.identity.study_uid, each.identity.patient_key) == whose]
    return _parcel(same, series.identity.study_description or "whole study")


def of_files(paths: Iterable[Path]) -> Parcel:
    """Files that the reader chose; what is no DICOM among them is passed over later."""
    return Parcel("Files of your choice", tuple(paths))


def _parcel(series: list[Series], name: str) -> Parcel | None:
    dicom = [each for each in series if each.format == "dicom"]
    if not dicom:
        return None
    identity = dicom[0].identity
    parts = (wording.patient(identity), wording.date(identity.study_date), name)
    files = dict.fromkeys(frame.path for each in dicom for frame in each.frames)
    return Parcel(" · ".join(plain(part) for part in parts if part), tuple(files))
