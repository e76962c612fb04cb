"""What may leave a DICOM file: pixels and coarse attributes. All else stays, and is counted by its keyword.

The codes are those of DICOM PS3.16 CID 7050, de-identification methods of PS3.15.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pydicom
from pydicom.datadict import keyword_for_tag

from medreason_viewer.errors import UnreadableFile
from medreason_viewer.volume.dicom.tags import NotDicom, read_tags

from .intake import Intake

_SOP_CLASS, _CONVERSION, _BURNED_IN = 0x00080016, 0x00080064, 0x00280301
_SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
_COARSE: Final = re.compile(r"[A-Za-z0-9 _.,+-]{0,16}")

KEPT: Final = frozenset(
    (
        *("PixelData", "Rows", "Columns", "PixelSpacing", "SliceThickness", "RescaleSlope"),
        *("RescaleIntercept", "ImagePositionPatient", "ImageOrientationPatient", "Modality"),
        *("BodyPartExamined", "ConvolutionKernel", "SamplesPerPixel", "PhotometricInterpretation"),
        *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue"),
    )
)
"""Used to make HU and geometry, or kept as coarse attributes."""

METHODS: Final = {
    "113100": (
        "Basic Application Confidentiality Profile",
        True,
        "Every attribute that is not listed as kept is left behind, UIDs and dates too.",
    ),
    "113101": (
        "Clean Pixel Data Option",
        False,
        "No pixel is changed. Secondary captures and images that own to burnt-in text are refused.",
    ),
    "113102": (
        "Clean Recognizable Visual Features Option",
        False,
        "No face is removed: slices are kept as they are.",
    ),
    "113105": ("Clean Descriptors Option", True, "No descriptor or free text of a header is kept."),
    "113108": (
        "Retain Patient Characteristics Option",
        False,
        "Age, sex, size and weight are left behind.",
    ),
    "113110": (
        "Retain UIDs Option",
        False,
        "UIDs are left behind. The slice's place in the patient (mm) is kept.",
    ),
}
"""Code: meaning, whether applied, and how."""


def refusal(path: Path) -> str | None:
    """Why an image must not enter a data set, as a clause; None where nothing speaks against it.

    Parameters
    ----------
    path : Path
        A DICOM file.
    """
    try:
        tags = read_tags(path, frozenset((_SOP_CLASS, _CONVERSION, _BURNED_IN)))
    except (NotDicom, UnreadableFile, OSError):
        return "its header cannot be read"
    if tags.text(_BURNED_IN).upper() == "YES":
        return "text is burnt into its pixels (BurnedInAnnotation), so it is refused"
    sop_class = tags.text(_SOP_CLASS)
    if sop_class == _SECONDARY_CAPTURE or sop_class.startswith(f"{_SECONDARY_CAPTURE}."):
        return "it is a secondary capture, which may hold burnt-in text, so it is refused"
    if tags.text(_CONVERSION):
        return "it was converted from something else (ConversionType), so it is refused"
    return None


def count_dropped(path: Path, intake: Intake) -> None:
    """Count the attributes of a file's header that are left behind; their values are not looked at."""
    header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    intake.headers += 1
    for tag in header.keys():  # noqa: SIM118 (iterating decodes every value)
        keyword = "private attribute" if tag.is_private else keyword_for_tag(tag) or "unknown attribute"
        if keyword not in KEPT:
            intake.attributes[keyword] += 1


def coarse(text: str) -> str:
    """A coarse attribute such as a kernel, if it looks like one; else nothing."""
    return text if _COARSE.fullmatch(text) else ""


def report(intake: Intake) -> str:
    """What was done and dropped, as JSON; it names no file, no patient and no value."""
    document: dict[str, Any] = {
        "methods": [
            {"code": code, "scheme": "DCM", "meaning": meaning, "applied": applied, "how": how}
            for code, (meaning, applied, how) in METHODS.items()
        ],
        "headers": intake.headers,
        "kept": sorted(KEPT),
        "dropped_attributes": dict(sorted(intake.attributes.items())),
        "dropped_cases": dict(intake.dropped),
    }
    return json.dumps(document, indent=2) + "\n"
