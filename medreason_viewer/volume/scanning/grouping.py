"""Frames -> series: who belongs together, and what is said about those that do not."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ..dicom import names
from ..dicom.headers import Header
from ..dicom.identity import patient_key
from ..dicom.tags import Tags
from ..series import Note
from ..stack import same_orientation

_EVEN: Final = 1e-3  # of a pixel's size: how differently two writers round it


@dataclass(frozen=True, slots=True)
class Part:
    """Frames that may be one stack, and what has been found out about them so far."""

    headers: tuple[Header, ...]
    notes: tuple[Note, ...] = ()

    def with_note(self, code: str, text: str) -> Part:
        """The same frames, one note richer."""
        return replace(self, notes=(*self.notes, Note(code, text)))


def group_by_series(headers: Iterable[Header]) -> list[Part]:
    """Frames of one study and series UID together; where there is no UID, of one place and description."""
    groups: dict[Hashable, list[Header]] = {}
    for header in headers:
        groups.setdefault(series_key(header.tags, header.origin), []).append(header)
    return [Part(tuple(group)) for group in groups.values()]


def series_key(tags: Tags, origin: Path) -> tuple[Hashable, ...]:
    """What the frames of one series share."""
    values = tags.values
    study, series = values.get(names.STUDY_UID, b""), values.get(names.SERIES_UID, b"")
    if series.strip(b" \0"):
        return study, series
    rest = (names.FRAME_OF_REFERENCE, names.SERIES_NUMBER, names.SERIES_DESCRIPTION, names.MODALITY)
    return study, origin.parent, *(values.get(tag, b"") for tag in rest)


def split_parts(part: Part) -> list[Part]:
    """One part per stack that can be one volume, the largest first."""
    parts = [part]
    for split in (_by_patient, _by_localizer, _by_reference, _by_matrix, _by_geometry, _by_orientation):
        parts = [piece for whole in parts for piece in split(whole)]
    return parts


def _by_patient(part: Part) -> list[Part]:
    return _split(
        part,
        lambda header: patient_key(header.tags),
        "foreign_patient",
        "{files} of another patient carry this series' UID; they were split off.",
        "These images belong to another patient than the rest of their series UID.",
    )


def _by_reference(part: Part) -> list[Part]:
    return _split(
        part,
        lambda header: header.tags.text(names.FRAME_OF_REFERENCE),
        "mixed_reference",
        "{files} have another frame of reference; they were split off.",
        "These images have another frame of reference than the rest of their series.",
    )


def _by_matrix(part: Part) -> list[Part]:
    return _split(
        part,
        _kinds(_same_matrix),
        "mixed_matrix",
        "{files} have another matrix, pixel size or pixel format than the rest; they were split off.",
        "These images have another matrix, pixel size or pixel format than the rest of their series.",
    )


def _same_matrix(one: Header, two: Header) -> bool:
    return _matrix(one) == _matrix(two) and _same_spacing(one.pixel_spacing, two.pixel_spacing)


def _matrix(header: Header) -> Hashable:
    """What one array of 16-bit values can hold together."""
    layout = header.frame.layout
    small = layout.signed or layout.bits_stored < 16
    return layout.rows, layout.cols, layout.samples, layout.photometric, layout.bits_allocated > 16, small


def _same_spacing(one: tuple[float, ...] | None, two: tuple[float, ...] | None) -> bool:
    if one is None or two is None:
        return one is two
    return all(abs(a - b) <= _EVEN * a for a, b in zip(one, two, strict=True))


def _by_geometry(part: Part) -> list[Part]:
    return _split(
        part,
        lambda header: header.pose is not None,
        "no_geometry",
        "{files} do not say where they lie; they were split off.",
        "These images do not say where they lie, unlike the rest of their series.",
    )


def _by_orientation(part: Part) -> list[Part]:
    if part.headers[0].pose is None:
        return [part]
    return _split(
        part,
        _kinds(lambda one, two: same_orientation(one.pose, two.pose)),
        "mixed_orientation",
        "{files} have another orientation; they were split off.",
        "These images have another orientation than the rest of their series.",
    )


def _kinds(same: Callable[[Header, Header], bool]) -> Callable[[Header], int]:
    """A key for headers that are the same up to rounding: the number of the first one like it."""
    known: list[Header] = []

    def kind(header: Header) -> int:
        for index, other in enumerate(known):
            if same(other, header):
                return index
        known.append(header)
        return len(known) - 1

    return kind


def is_localizer(header: Header) -> bool:
    """Whether the header calls its image a scout."""
    return any(part.upper() == "LOCALIZER" for part in header.frame.image_type[2:])


def _by_localizer(part: Part) -> list[Part]:
    scouts = tuple(header for header in part.headers if is_localizer(header))
    rest = tuple(header for header in part.headers if not is_localizer(header))
    found = [replace(part, headers=rest)] if rest else []
    if scouts:
        scout = replace(part, headers=scouts)
        found.append(scout.with_note("localizer", "This is a localizer, a projection, not a slice."))
    return found


def _split(
    part: Part, key: Callable[[Header], Hashable], code: str, of_rest: str, of_others: str
) -> list[Part]:
    """The most frequent kind first, the others after it, each told about the split."""
    kinds: dict[Hashable, list[Header]] = {}
    for header in part.headers:
        kinds.setdefault(key(header), []).append(header)
    if len(kinds) == 1:
        return [part]
    ordered = sorted(kinds.values(), key=len, reverse=True)
    odd = [header.origin for kind in ordered[1:] for header in kind]
    pieces = [replace(part, headers=tuple(kind)) for kind in ordered]
    main = pieces[0].with_note(code, of_rest.format(files=named(odd)))
    return [main, *(piece.with_note(code, of_others) for piece in pieces[1:])]


def named(paths: Iterable[Path]) -> str:
    """``IM004.dcm``, or the first few names and how many more; plain text whatever the names hold."""
    found = [printable(path.name) for path in dict.fromkeys(paths)]
    if len(found) <= 3:
        return ", ".join(found)
    return f"{', '.join(found[:3])} and {len(found) - 3} more"


def printable(text: str) -> str:
    """The text without control characters, on one line."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+", " ", text)
