"""Numbers, names and verdicts in the words and units a reader expects; for screen and paper alike."""

from __future__ import annotations

from typing import Final

from ..reasoning.request import Check, Evidence, Statistics, Verdict
from ..volume.geometry import SliceBox, SlicePlane
from ..volume.series import Identity, Series

NONE: Final = "–"
UNREADABLE: Final = "No answer could be read from the model's reply."
VERDICTS: Final[dict[Verdict, str]] = {
    "agrees": "Agrees",
    "contradicts": "Contradicts",
    "not_checkable": "Not checkable",
}


def shortened(text: str, most: int = 150) -> str:
    """The beginning of a text that may be long, such as a model's."""
    return text if len(text) <= most else f"{text[:most].rstrip()} …"


def number(value: float, digits: int = 0) -> str:
    """A number with a true minus sign."""
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.replace("-", "")


def mean_sd(statistics: Statistics | None) -> str:
    """Mean and standard deviation in HU."""
    if statistics is None:
        return NONE
    return f"{number(statistics.mean_hu)} ± {number(statistics.sd_hu)} HU"


def extremes(statistics: Statistics | None) -> str:
    """Least and largest HU."""
    return NONE if statistics is None else f"{number(statistics.min_hu)} to {number(statistics.max_hu)} HU"


def area(statistics: Statistics | None) -> str:
    """Area in mm² (cm² from 10 cm² on)."""
    if statistics is None or statistics.area_mm2 is None:
        return NONE
    if statistics.area_mm2 >= 1000:
        return f"{number(statistics.area_mm2 / 100, 1)} cm²"
    return f"{number(statistics.area_mm2)} mm²"


def axes(statistics: Statistics | None) -> str:
    """Long and short axis in mm."""
    if statistics is None or statistics.long_axis_mm is None or statistics.short_axis_mm is None:
        return NONE
    return f"{number(statistics.long_axis_mm, 1)} × {number(statistics.short_axis_mm, 1)} mm"


def side(evidence: Evidence | None) -> str:
    """The patient's side, from geometry; empty where it is not known."""
    if evidence is None or evidence.side is None:
        return ""
    return "midline" if evidence.side == "midline" else f"patient's {evidence.side}"


def size_mm(box_slice: SliceBox, plane: SlicePlane | None) -> str:
    """Width and height of a box in mm, in pixels where the image has no geometry."""
    width, height = box_slice.x1 - box_slice.x0, box_slice.y1 - box_slice.y0
    if plane is None:
        return f"{number(width)} × {number(height)} px"
    row_mm, col_mm = plane.spacing_mm
    return f"{number(width * col_mm)} × {number(height * row_mm)} mm"


def image_number(series: Series, slice_index: int) -> int:
    """InstanceNumber where there is one, else the place counted from 1."""
    instance_number = series.frames[slice_index].instance_number
    return slice_index + 1 if instance_number is None else instance_number


def date(dicom: str) -> str:
    """A DICOM date as year-month-day; anything else as it is."""
    return f"{dicom[:4]}-{dicom[4:6]}-{dicom[6:8]}" if len(dicom) == 8 and dicom.isdigit() else dicom


def patient(identity: Identity) -> str:
    """The patient's name as people write it, else the number."""
    family, *given = identity.patient_name.split("=")[0].split("^")
    name = ", ".join(part for part in (family, " ".join(filter(None, given))) if part)
    return name or identity.patient_key or "Patient without a name"


def patient_details(identity: Identity) -> str:
    """Number, birth date and sex, as far as they are known."""
    birth = f"born {date(identity.patient_birth_date)}" if identity.patient_birth_date else ""
    number_ = identity.patient_key if identity.patient_name else ""
    return " · ".join(part for part in (number_, birth, identity.patient_sex) if part) or "No patient data"


def check_text(check: Check, sentence: str) -> str:
    """Claim and measurement in one line; a claim that is the whole sentence beside it is not said twice."""
    if check.claim == sentence and check.measured:
        return check.measured
    return f"“{check.claim}”: {check.measured}" if check.measured else f"“{check.claim}”"
