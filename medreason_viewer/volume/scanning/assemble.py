"""A part that is one stack -> a :class:`Series`, with all that its headers make the reader wary of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from pydicom.uid import UID

from ..dicom import names
from ..dicom.headers import Header
from ..dicom.identity import identity_of, valid_uid
from ..series import Frame, Note, PlaneName, Series
from ..stack import measure_stack, plane_name, positions_along
from .grouping import Part, named

_EXECUTABLES: Final = (
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
)
_TAG_TILT_DEG: Final = 0.1
_STEEPEST, _FARTHEST = 1e6, 1e9  # of slope and intercept


def build_series(part: Part) -> Series:
    """One series, its frames in anatomical order; without geometry, in the order of their numbers."""
    headers = part.headers
    if headers[0].pose is None:
        ordered = sorted(headers, key=_number)
        spacing, tilt_deg, name, notes = None, 0.0, _FLAT, _missing(headers)
    else:
        ordered, spacing, tilt_deg, name, notes = _placed(headers)
    problem = unsupported(headers)
    notes = (
        *part.notes,
        *notes,
        *_header_notes(headers),
        *([Note("unsupported", problem)] if problem else []),
    )
    return Series(
        identity=identity_of(ordered[0].tags),
        frames=tuple(header.frame for header in ordered),
        format="dicom",
        plane_name=name,
        spacing_mm=spacing,
        tilt_deg=tilt_deg,
        loadable=not problem,
        warnings=notes,
        inverted=headers[0].frame.layout.photometric == "MONOCHROME1",
    )


_UNCALIBRATED: Final = Note(
    "uncalibrated", "The header does not give the size of a pixel: lengths are in pixels, not in mm."
)
_FLAT: Final[PlaneName] = "axial"  # nothing else is known, and nothing is measured on it


def _number(header: Header) -> tuple[int, int, str]:
    frame = header.frame
    return frame.instance_number or 0, frame.number, str(header.origin)


def _placed(
    headers: Sequence[Header],
) -> tuple[list[Header], tuple[float, float, float] | None, float, PlaneName, tuple[Note, ...]]:
    planes = [header.pose for header in headers if header.pose is not None]
    order = positions_along(planes).argsort(kind="stable")
    ordered, planes = [headers[index] for index in order], [planes[index] for index in order]
    stack = measure_stack(planes, abs(_first_float(ordered[0], names.SPACING_BETWEEN)))
    tilt_deg, notes = stack.tilt_deg, stack.notes
    by_tag = abs(_first_float(ordered[0], names.TILT))
    if len(planes) == 1 and by_tag > _TAG_TILT_DEG:
        tilt_deg = by_tag
        notes = (*notes, Note("tilt", f"The gantry was tilted by {by_tag:.1f}°."))
    if ordered[0].frame.plane is None:
        return ordered, None, tilt_deg, plane_name(planes[0]), (*notes, _UNCALIBRATED)
    spacing = (stack.step_mm or _thickness(ordered[0]), *planes[0].spacing_mm)
    return ordered, spacing, tilt_deg, plane_name(planes[0]), notes


def _thickness(header: Header) -> float:
    """What a single slice spans along its normal, mm; 1 if its header does not say."""
    return _first_float(header, names.SLICE_THICKNESS) or _first_float(header, names.SPACING_BETWEEN) or 1.0


def _first_float(header: Header, tag: int) -> float:
    try:
        return header.tags.floats(tag)[0]
    except (ValueError, IndexError):
        return 0.0


def _missing(headers: Sequence[Header]) -> tuple[Note, ...]:
    frames, files = len(headers), len({header.origin for header in headers})
    what = f"The {frames} frames of the file do not each" if files == 1 < frames else "The images do not"
    notes = [Note("no_geometry", f"{what} say where they lie; nothing is measured in mm.")]
    if headers[0].pixel_spacing is None:
        notes.append(Note("uncalibrated", "The size of a pixel is not known."))
    return tuple(notes)


def unsupported(headers: Sequence[Header]) -> str:
    """Why the pixels cannot be shown, as a sentence; empty if they can."""
    header = headers[0]
    layout = header.frame.layout
    syntaxes = {h.frame.layout.transfer_syntax for h in headers} - names.KNOWN_SYNTAXES
    if header.tags.text(names.SOP_CLASS) in names.SEGMENTATION_CLASSES:
        return "This is a segmentation, not an image."
    if layout.samples != 1 or not layout.photometric.startswith("MONOCHROME"):
        return f"Colour images ({layout.photometric}) are not shown."
    if layout.bits_allocated not in (8, 16) or not 1 <= layout.bits_stored <= layout.bits_allocated:
        return f"Pixels of {layout.bits_allocated} bits are not shown."
    if layout.high_bit >= layout.bits_allocated or layout.high_bit < layout.bits_stored - 1:
        return "The header contradicts itself about where a pixel's bits are."
    if any(abs(h.frame.slope) > _STEEPEST or abs(h.frame.intercept) > _FARTHEST for h in headers):
        return "The header's rescale to HU makes no sense."
    if syntaxes:
        return f"The transfer syntax {UID(min(syntaxes)).name} is not known."
    return ""


def _header_notes(headers: Sequence[Header]) -> list[Note]:
    """What single headers say, each thing once."""
    found = [
        ("not_ct_image", _not_ct(headers)),
        ("not_hu", _not_hu(headers)),
        ("invalid_uid", _bad_uids(headers)),
        ("lossy", _lossy(headers)),
        ("padding", _padding([header.frame for header in headers])),
        ("suspicious_preamble", _preamble(headers)),
    ]
    return [Note(code, text) for code, text in found if text]


def _not_ct(headers: Sequence[Header]) -> str:
    tags = headers[0].tags
    sop_class, modality = tags.text(names.SOP_CLASS), tags.text(names.MODALITY)
    if sop_class in names.CT_CLASSES or (not sop_class and modality == "CT"):
        return ""
    kind = UID(sop_class).name if sop_class else modality or "unknown modality"
    return f"This is not a CT image ({kind}); its values are not HU."


def _not_hu(headers: Sequence[Header]) -> str:
    kinds = {header.tags.text(names.RESCALE_TYPE) for header in headers} - {"", "HU"}
    if kinds:
        return f"The header says that the values are not HU (rescale type {', '.join(sorted(kinds))})."
    if any(names.INTERCEPT not in header.tags.values for header in headers):
        return "The header gives no rescale to HU; stored values are shown."
    if any(names.SLOPE in header.tags.values and not _first_float(header, names.SLOPE) for header in headers):
        return "The header gives a rescale slope of 0; 1 is used."
    return ""


def _bad_uids(headers: Sequence[Header]) -> str:
    tags = headers[0].tags
    bad = [name for name, tag in _UIDS if not valid_uid(tags.text(tag))]
    if not all(valid_uid(header.frame.sop_uid) for header in headers):
        bad.append("instance")
    if bad:
        return f"The {' and '.join(bad)} UID is empty or not valid."
    repeated = sum(n > 1 for n in Counter((h.frame.sop_uid, h.frame.number) for h in headers).values())
    return f"{repeated} instance UID(s) name more than one image." if repeated else ""


_UIDS: Final = (("study", names.STUDY_UID), ("series", names.SERIES_UID))


def _lossy(headers: Sequence[Header]) -> str:
    lossy = any(
        header.frame.layout.transfer_syntax in names.LOSSY_SYNTAXES or header.tags.text(names.LOSSY) == "01"
        for header in headers
    )
    return "Lossy compression has changed the values." if lossy else ""


def _padding(frames: Sequence[Frame]) -> str:
    limits = {frame.padding for frame in frames if frame.padding is not None}
    if not limits:
        return ""
    low, high = min(first for first, _ in limits), max(last for _, last in limits)
    which = f"{low}" if low == high else f"{low} to {high}"
    return f"Stored values of {which} are padding: shown as air, left out of statistics."


def _preamble(headers: Sequence[Header]) -> str:
    odd = [header.origin for header in headers if header.tags.preamble.startswith(_EXECUTABLES)]
    return f"{named(odd)}: the file begins like a program. It is read as an image only." if odd else ""
