"""What a scan found, as the document that ``medreason info --json`` prints."""

from __future__ import annotations

from typing import Any

from ..errors import VolumeError
from .series import Scan, Series


def info(scan: Scan) -> dict[str, Any]:
    """Studies, series and unreadable files, as JSON values."""
    return {
        "studies": [
            {"uid": study.uid, "series": [_series(series) for series in study.series]}
            for study in scan.studies
        ],
        "unreadable": [{"path": str(item.path), "reason": item.reason} for item in scan.unreadable],
    }


def find_slice(series: Series, sop_uid: str, number: int | None = None) -> int:
    """The 0-based slice index of an instance; ``number`` picks a frame (from 1) of a multi-frame one.

    Raises
    ------
    VolumeError
        If the series does not hold it.
    """
    for index, frame in enumerate(series.frames):
        if frame.sop_uid == sop_uid and number in (None, frame.number):
            return index
    raise VolumeError(f"This series has no image with the SOP instance UID {sop_uid}.")


def _series(series: Series) -> dict[str, Any]:
    identity = series.identity
    return {
        "uid": identity.series_uid,
        "modality": identity.modality,
        "description": identity.series_description,
        "format": series.format,
        "plane": series.plane_name,
        "slices": len(series.frames),
        "rows": series.rows,
        "cols": series.cols,
        "spacing_mm": [round(mm, 6) for mm in series.spacing_mm] if series.spacing_mm else None,
        "tilt_deg": round(series.tilt_deg, 3),
        "transfer_syntaxes": sorted({frame.layout.transfer_syntax for frame in series.frames} - {""}),
        "loadable": series.loadable,
        "warnings": list(dict.fromkeys(note.code for note in series.warnings)),
        "warning_texts": [note.text for note in series.warnings],
    }
