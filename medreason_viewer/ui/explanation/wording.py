"""Numbers and verdicts in the words and units a reader expects."""

from __future__ import annotations

from typing import Final, NamedTuple

from ...drawing import words
from ...drawing.words import (
    NONE,
    UNREADABLE,
    area,
    axes,
    check_text,
    date,
    extremes,
    image_number,
    mean_sd,
    number,
    patient,
    patient_details,
    shortened,
    side,
    size_mm,
)
from ...reasoning.request import ModelState, RegionSource, Verdict
from ...volume.series import Series
from .. import theme
from .answer import Answer

__all__ = [
    "NONE",
    "SOURCES",
    "UNREADABLE",
    "VERDICTS",
    "Sign",
    "area",
    "axes",
    "check_text",
    "date",
    "extremes",
    "image_number",
    "mean_sd",
    "number",
    "patient",
    "patient_details",
    "place",
    "progress",
    "series_size",
    "shortened",
    "side",
    "size_mm",
    "without_mm",
]


class Sign(NamedTuple):
    """How a verdict looks: an icon, a word and a style role, so that colour never speaks alone."""

    icon: str
    word: str
    role: str
    colour: str


VERDICTS: Final[dict[Verdict, Sign]] = {
    "agrees": Sign("mdi6.check-circle-outline", words.VERDICTS["agrees"], "good", theme.GOOD),
    "contradicts": Sign("mdi6.alert", words.VERDICTS["contradicts"], "caution", theme.CAUTION),
    "not_checkable": Sign("mdi6.help-circle-outline", words.VERDICTS["not_checkable"], "muted", theme.MUTED),
}
SOURCES: Final[dict[RegionSource, str]] = {
    "reader": "drawn by you",
    "model": "found by the model",
    "grown": "grown from a point",
}


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


_NOT_READY: Final[dict[str, str]] = {
    "starting": "Loading the model …",
    "loading": "Loading the model …",
    "reloading": "Reloading the model …",
}


def series_size(series: Series) -> str:
    """Modality, number of images and their distance."""
    count = len(series.frames)
    modality = series.identity.modality or series.format.upper()
    if series.spacing_mm and count > 1:
        return f"{modality} · {count} × {series.spacing_mm[0]:.3g} mm"
    return f"{modality} · {count} image{'' if count == 1 else 's'}"
