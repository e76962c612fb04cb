"""Frames -> series: who belongs together, and what is said about those that do not."""

from __future__ import annotations

from collections.abc import Iterable

from . import dicom_names as names
from .dicom_headers import Header
from .identity import identity_of
from .series import Note, Series, Study
from .stack import measure_stack, plane_name, positions_along


def studies_of(headers: Iterable[Header]) -> tuple[Study, ...]:
    """Sort headers into studies and series, each in anatomical order."""
    groups: dict[tuple[bytes, bytes], list[Header]] = {}
    for header in headers:
        values = header.tags.values
        key = values.get(names.STUDY_UID, b""), values.get(names.SERIES_UID, b"")
        groups.setdefault(key, []).append(header)
    studies: dict[str, list[Series]] = {}
    for group in groups.values():
        series = build_series(group, ())
        studies.setdefault(series.identity.study_uid, []).append(series)
    return tuple(Study(uid, tuple(found)) for uid, found in studies.items())


def build_series(headers: list[Header], notes: tuple[Note, ...]) -> Series:
    """One series from headers that belong in one stack."""
    planes = [header.frame.plane for header in headers]
    placed = [plane for plane in planes if plane is not None]
    if len(placed) < len(planes):
        frames = sorted((h.frame for h in headers), key=lambda f: (f.instance_number or 0, f.path.name))
        spacing, tilt_deg, name = None, 0.0, "axial"
    else:
        order = positions_along(placed).argsort(kind="stable")
        frames = [headers[index].frame for index in order]
        stack = measure_stack([placed[index] for index in order])
        row_mm, col_mm = placed[0].spacing_mm
        spacing, tilt_deg, name = (stack.step_mm, row_mm, col_mm), stack.tilt_deg, plane_name(placed[0])
        notes = notes + stack.notes
    return Series(
        identity=identity_of(headers[0].tags),
        frames=tuple(frames),
        format="dicom",
        plane_name=name,  # type: ignore[arg-type]
        spacing_mm=spacing,
        tilt_deg=tilt_deg,
        loadable=True,
        warnings=notes,
        inverted=frames[0].layout.photometric == "MONOCHROME1",
    )
