"""Which series and image of a scan is meant; and whether two series are of one patient."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ...errors import VolumeError
from ...volume.describe import find_slice
from ...volume.geometry import SlicePlane
from ...volume.series import Identity, Scan, Series
from ..explanation.wording import image_number
from ..series.opening import first_series
from .target import LaunchTarget, Point

_NOT_SHOWABLE: Final = "What was asked for was found, but it cannot be shown as images."
_SEVERAL: Final = "What was asked for belongs to more than one patient: open the folder and choose by hand."
_NO_IMAGE: Final = "The image asked for is not in this series."
_OUTSIDE: Final = "The point asked for lies outside of this series."
_NEAR_MM: Final = 10.0  # beyond the first and last image, for a point that still belongs to them


@dataclass(frozen=True)
class Found:
    """What a scan holds of a target.

    Attributes
    ----------
    series : Series or None
        None where what was found cannot be shown.
    slice_index : int or None
        0-based; None where no image was asked for, or it is not there.
    remark : str
        What the reader should know of it, as a sentence; may be empty.
    exact : bool
        Whether this very series or image was asked for, rather than the study.
    """

    scan: Scan
    series: Series | None
    slice_index: int | None = None
    remark: str = ""
    exact: bool = False


def find(scan: Scan, target: LaunchTarget) -> Found | None:
    """What a scan holds of a target, in a scan of that patient alone; None where it is not there."""
    fitting = [series for series in scan.series if fits(series.identity, target)]
    if not fitting:
        return None
    if target.named and not all(same_patient(fitting[0].identity, series.identity) for series in fitting):
        return Found(scan, None, remark=_SEVERAL)
    shown = _of_one_patient(scan, fitting[0].identity) if target.named else scan
    place = target.place
    if isinstance(place, str):
        holding = [series for series in fitting if any(f.sop_uid == place for f in series.frames)]
        fitting = holding or fitting
    series = first_series(replace(scan, studies=(replace(scan.studies[0], series=tuple(fitting)),)))
    if series is None:
        return Found(shown, None, remark=_NOT_SHOWABLE)
    index, remark = _slice(series, place)
    return Found(shown, series, index, remark, exact=bool(target.series) or index is not None)


def same_patient(one: Identity, other: Identity) -> bool:
    """Whether two series are surely of one patient: number, name and birth date agree, and say something."""
    ours = (one.patient_key, one.patient_name, one.patient_birth_date)
    theirs = (other.patient_key, other.patient_name, other.patient_birth_date)
    if not any(ours) and not any(theirs):
        return bool(one.study_uid) and one.study_uid == other.study_uid
    return ours == theirs


def fits(identity: Identity, target: LaunchTarget) -> bool:
    """Whether a series is of what is asked for: every UID and number that is named must agree."""
    return all(
        not wanted or wanted == here
        for wanted, here in (
            (target.study, identity.study_uid),
            (target.series, identity.series_uid),
            (target.accession, identity.accession_number),
        )
    )


def _of_one_patient(scan: Scan, identity: Identity) -> Scan:
    """The same scan without what is of anybody else: file names that were passed over may be theirs too."""
    if all(same_patient(series.identity, identity) for series in scan.series):
        return scan
    kept = (
        replace(study, series=tuple(s for s in study.series if same_patient(s.identity, identity)))
        for study in scan.studies
    )
    return replace(scan, studies=tuple(study for study in kept if study.series), unreadable=())


def _slice(series: Series, place: str | int | Point | None) -> tuple[int | None, str]:
    if place is None:
        return None, ""
    if isinstance(place, tuple):
        index = _nearest(series, place)
        return index, "" if index is not None else _OUTSIDE
    if isinstance(place, int):
        numbers = [image_number(series, index) for index in range(len(series.frames))]
        return (numbers.index(place), "") if place in numbers else (None, _NO_IMAGE)
    try:
        return find_slice(series, place), ""
    except VolumeError:
        return None, _NO_IMAGE


def _nearest(series: Series, point_mm: Point) -> int | None:
    planes = [frame.plane for frame in series.frames]
    away = [np.inf if plane is None else abs(_off_plane(plane, point_mm)) for plane in planes]
    nearest = int(np.argmin(away))
    return nearest if away[nearest] <= _NEAR_MM else None


def _off_plane(plane: SlicePlane, point_mm: Point) -> float:
    return float(plane.normal @ (np.asarray(point_mm) - np.asarray(plane.origin_mm)))
