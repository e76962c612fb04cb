"""From what the user names on the command line to one slice in memory."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from contextlib import closing

from ..errors import ExportRefused, VolumeError
from ..findings.dicom.exhibit import OTHER_IMAGES
from ..findings.finding import Finding
from ..volume.ct import CtVolume
from ..volume.describe import find_slice
from ..volume.geometry import SliceBox
from ..volume.load import Loader
from ..volume.series import Scan, Series
from ..volume.window import PRESETS, Window


def choose_slice(
    found: Scan, series_uid: str | None, sop_uid: str | None, index: int | None
) -> tuple[Series, int]:
    """The series and 0-based slice index that the user means.

    Raises
    ------
    VolumeError
        If there is no such series or slice, or several fit and none was named.
    """
    loadable = [series for series in found.series if series.loadable]
    if series_uid is not None:
        loadable = [series for series in loadable if series.identity.series_uid == series_uid]
    if sop_uid is not None:
        return _by_sop(loadable, sop_uid)
    series = _only(found, loadable, series_uid)
    if index is None or not 0 <= index < len(series.frames):
        raise VolumeError(f"This series has slices 0 to {len(series.frames) - 1}; there is no slice {index}.")
    return series, index


def _by_sop(candidates: list[Series], sop_uid: str) -> tuple[Series, int]:
    for series in candidates:
        if any(frame.sop_uid == sop_uid for frame in series.frames):
            return series, find_slice(series, sop_uid)
    raise VolumeError(f"No loadable slice here has the SOP instance UID {sop_uid}.")


def _only(found: Scan, loadable: list[Series], series_uid: str | None) -> Series:
    """The series that is meant; of those split off one UID, the largest, which comes first."""
    if len({series.identity.series_uid for series in loadable}) == 1:
        return loadable[0]
    if loadable:
        raise VolumeError("Several series are here: name one with --series (medreason info lists them).")
    if series_uid is not None:
        raise VolumeError(f"No loadable series here has the UID {series_uid}.")
    reason = found.unreadable[0].reason if found.unreadable else "medreason info says why"
    raise VolumeError(f"There is no series here that can be shown: {reason}.")


def load_slice(series: Series, index: int) -> CtVolume:
    """The series with that one slice loaded.

    Raises
    ------
    VolumeError
        If its pixels cannot be read.
    """
    loader = Loader(series, first=index)
    with closing(iter(loader)) as arriving:
        for arrived in arriving:
            if arrived == index:
                break
    if index in loader.volume.failed:
        raise VolumeError(loader.volume.failed[index])
    return loader.volume


def find_images(found: Scan, finding: Finding) -> tuple[CtVolume, int]:
    """The finding's own slice, loaded, out of a scan.

    Raises
    ------
    VolumeError
        If its pixels cannot be read.
    ExportRefused
        If its slice is not there, or shows other pixels.
    """
    for series in found.series:
        for index in _candidates(series, finding):
            volume = load_slice(series, index)
            if volume.key(index) == finding.explanation.key:  # one image may lie there in several encodings
                return volume, index
    raise ExportRefused(OTHER_IMAGES)


def _candidates(series: Series, finding: Finding) -> Iterator[int]:
    """Slices whose key fits up to their pixels; without UIDs and geometry all do, and the place decides."""
    key = finding.explanation.key
    if not series.loadable or series.identity.series_uid != key.series_uid:
        return
    empty = CtVolume.empty(series)
    for index in range(len(series.frames)):
        in_place = bool(key.sop_uid) or index == finding.explanation.slice_index
        if in_place and empty.unhashed_key(index).may_be(key):
            yield index


def box_argument(text: str) -> SliceBox:
    """``X0,Y0,X1,Y1`` in slice pixels."""
    try:
        return SliceBox(*_numbers(text, 4))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not a box X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1: {text}") from error


def point_argument(text: str) -> tuple[float, float]:
    """``X,Y`` in slice pixels."""
    try:
        x, y = _numbers(text, 2)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not a point X,Y: {text}") from error
    return x, y


def window_argument(text: str) -> Window:
    """A preset's name, or ``CENTRE,WIDTH`` in HU."""
    if text in PRESETS:
        return PRESETS[text]
    try:
        return Window(*_numbers(text, 2))
    except ValueError as error:
        names = ", ".join(PRESETS)
        raise argparse.ArgumentTypeError(f"not a window CENTRE,WIDTH or one of {names}: {text}") from error


def _numbers(text: str, count: int) -> list[float]:
    parts = [float(part) for part in re.split(r"\s*,\s*", text.strip())]
    if len(parts) != count:
        raise ValueError(text)
    return parts
