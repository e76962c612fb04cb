"""What lies in the folder of a study that is arriving, or arrived: a scan of it, and what to show of that."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ...cancel import Cancel
from ...errors import LaunchRefused, NothingToOpen
from ...network.inbox import is_whole
from ...volume.scan import scan
from ..launching.matching import Found, find
from ..launching.target import LaunchTarget
from ..series.opening import first_series

_SEVERAL: Final = (
    "This study holds images of more than one patient: each is named in the list of series. "
    "Its archive should be told."
)


def look_into(folder: Path, study_uid: str, series_uid: str | None, cancel: Cancel) -> Found | None:
    """What is there of a study, or of one series of it; None while nothing of it can be shown.

    Raises
    ------
    VolumeError, Cancelled
    """
    try:
        whole = scan(folder, cancel=cancel, wanted=is_whole)
    except NothingToOpen:
        return None
    try:
        found = find(whole, LaunchTarget(study=study_uid, series=series_uid or ""))
    except LaunchRefused:  # a UID that breaks the rules: the folder holds that study alone all the same
        found = Found(whole, first_series(whole))
    if found is None or found.series is not None:
        return found
    first = first_series(whole)
    return None if first is None else Found(whole, first, remark=_SEVERAL)
