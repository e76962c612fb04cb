"""Numbers and verdicts in the words and units a reader expects."""

from __future__ import annotations

from typing import Final, NamedTuple

from ...reasoning.request import Evidence, ModelState, RegionSource, Statistics, Verdict
from ...volume.geometry import SliceBox, SlicePlane
from ...volume.series import Identity, Series
from .. import theme
from .answer import Answer

NONE: Final = "–"


class Sign(NamedTuple):
    """How a verdict looks: an icon, a word and a style role, so that colour never speaks alone."""

    icon: str
    word: str
    role: str
    colour: str


VERDICTS: Final[dict[Verdict, Sign]] = {
    "agrees": Sign("mdi6.check-circle-outline", "Agrees", "good", theme.GOOD),
    "contradicts": Sign("mdi6.alert", "Contradicts", "caution", theme.CAUTION),
    "not_checkable": Sign("mdi6.help-circle-outline", "Not checkable", "muted", theme.MUTED),
}
SOURCES: Final[dict[RegionSource, str]] = {
    "reader": "drawn by you",
    "model": "found by the model",
    "grown": "grown from a point",
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


def progress(answer: Answer, model_state: ModelState | None) -> str:
    """How far an explanation is, as a sentence."""
    if answer.status == "failed":
        return answer.problem
    if answer.running and model_state is not None and model_state.state in _NOT_READY:
        return _NOT_READY[model_state.state]
    if answer.running and answer.region is None:
        return "Locating the region …"
    if answer.running:
        return "Reasoning …" if answer.status == "reasoning" else "Reading the zoom …"
    if answer.explanation is None:
        return "Stopped. Nothing of this answer was kept."
    return "Answered" if answer.explanation.answer is not None else "Unreadable reply"


def without_mm(answer: Answer, series: Series) -> str:
    """Why nothing is measured in millimetres, as a sentence; empty where the image has its geometry."""
    if answer.request.plane is not None:
        return ""
    posed = series.frames[answer.request.slice_index].pose is not None
    why = "The size of a pixel is not known" if posed else "This image has no geometry"
    return f"{why}: nothing is said in millimetres and no side is given."


def place(answer: Answer, series: Series) -> str:
    """Which slice an explanation is about, by the number the reader sees."""
    return f"image {image_number(series, answer.request.slice_index)}"


def image_number(series: Series, slice_index: int) -> int:
    """InstanceNumber where there is one, else the place counted from 1."""
    instance_number = series.frames[slice_index].instance_number
    return slice_index + 1 if instance_number is None else instance_number


_NOT_READY: Final[dict[str, str]] = {
    "starting": "Loading the model …",
    "loading": "Loading the model …",
    "reloading": "Reloading the model …",
}


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


def series_size(series: Series) -> str:
    """Modality, number of images and their distance."""
    count = len(series.frames)
    modality = series.identity.modality or series.format.upper()
    if series.spacing_mm and count > 1:
        return f"{modality} · {count} × {series.spacing_mm[0]:.3g} mm"
    return f"{modality} · {count} image{'' if count == 1 else 's'}"
