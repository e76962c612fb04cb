"""From what is shown to what a printed page says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from ... import __version__
from ...drawing.explained import answer_blocks, measured_blocks, model_blocks, raw_blocks, step_blocks
from ...drawing.image import colour_image
from ...drawing.page import Block, Pictures, Sheet
from ...drawing.page_text import Text
from ...volume.series import Series
from ..explanation import wording
from ..explanation.answer import Answer
from .shown import Shown

FOLDED: Final = (
    "The model's steps and answer are folded: the reader has not committed a read of their own yet."
)


def sheet_of(shown: Shown, *, patient: bool, explanation: bool, at: datetime) -> Sheet:
    """A sheet for paper.

    Parameters
    ----------
    patient : bool
        Whether patient, study, series and institution are named; without, nothing of them is on the page.
    explanation : bool
        Whether what the model said stands beside the image.
    at : datetime
        The time to put on the page.
    """
    told = shown if explanation else shown.without_explanation()
    named = replace(told, scene=told.scene_with_region())
    blocks = _explanation(told) if told.answer is not None else ()
    return Sheet(
        heading=_heading(shown) if patient else (f"{_modality(shown)} · {_image(shown)}",),
        scene=named.scene_with_patient() if patient else named.scene,
        blocks=blocks,
        note=f"MedReason Viewer {__version__} · printed {at:%Y-%m-%d %H:%M}",
    )


def _heading(shown: Shown) -> tuple[str, ...]:
    identity = shown.series.identity
    study = " ".join(part for part in (wording.date(identity.study_date), identity.study_description) if part)
    accession = f"accession {identity.accession_number}" if identity.accession_number else ""
    number = f"series {identity.series_number}" if identity.series_number is not None else ""
    series = (_modality(shown), identity.series_description, number, _image(shown), identity.institution)
    return (
        wording.patient(identity),
        _joined(wording.patient_details(identity), study, accession),
        _joined(*series),
    )


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _modality(shown: Shown) -> str:
    return shown.series.identity.modality or shown.series.format.upper()


def _image(shown: Shown) -> str:
    return shown.number.replace("-", " ") + (" · key image" if shown.key_image else "")


def _explanation(shown: Shown) -> tuple[Block, ...]:
    answer = shown.answer
    assert answer is not None
    blocks: list[Block] = [Text("Explanation – research use only", "heading")]
    if answer.request.question:
        blocks.append(Text(f"Asked: {answer.request.question}"))
    blocks += [Text(warning, "caution", "▲") for warning in answer.warnings]
    blocks += _pictures(answer)
    blocks += _evidence(answer, shown.series)
    if answer.own_read:
        blocks += [Text("The reader's own read, committed first", "heading"), Text(answer.own_read)]
    blocks += [Text(FOLDED)] if shown.folded else _reply(answer, shown.progress)
    if answer.explanation is not None:
        blocks += model_blocks(answer.explanation)
    return tuple(blocks)


def _pictures(answer: Answer) -> list[Block]:
    zoom, region = answer.zoom, answer.region
    if zoom is None:
        return []
    size = wording.size_mm(zoom.crop_slice, answer.request.plane)
    source = f", {wording.SOURCES[region.source]}" if region else ""
    return [
        Pictures(
            (
                (colour_image(zoom.zoom), f"Zoom: {size}{source}"),
                (colour_image(zoom.model_input), "What the model sees"),
            )
        )
    ]


def _evidence(answer: Answer, series: Series) -> list[Block]:
    evidence, scope = answer.evidence, answer.request.scope
    if evidence is None:
        return []
    kernel = f"kernel {scope.kernel or 'not recorded'}, contrast {scope.contrast or 'not recorded'}"
    missing = wording.without_mm(answer, series)
    return list(measured_blocks(evidence, kernel, missing))


def _reply(answer: Answer, progress: str) -> list[Block]:
    """The answer first: on paper the steps may go on over another page, and the answer would lie on that."""
    made = answer.explanation
    blocks: list[Block] = _unanswered(progress) if made is None else list(answer_blocks(made))
    blocks += step_blocks(answer.steps)
    return blocks + (list(raw_blocks(made)) if made is not None else [])


def _unanswered(progress: str) -> list[Block]:
    return [Text(f"{progress} There was no answer when this page was made.", "caution")]
