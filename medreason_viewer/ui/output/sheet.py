"""From what is shown to what a printed page says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from ... import __version__
from ...drawing.image import colour_image
from ...drawing.page import Block, Pictures, Sheet, Table
from ...drawing.page_text import Look, Text
from ...reasoning.request import Check, Explanation, ModelInfo, Statistics, Step
from ...volume.series import Series
from ..explanation import wording
from ..explanation.answer import Answer
from ..explanation.answer_card import UNREADABLE
from ..explanation.step_row import check_text
from .shown import Shown

FOLDED: Final = (
    "The model's steps and answer are folded: the reader has not committed a read of their own yet."
)
_LOOKS: Final[dict[str, Look]] = {"agrees": "good", "contradicts": "caution", "not_checkable": "small"}


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
        blocks += _model(answer.explanation)
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
    side = wording.side(evidence) or "side not known"
    kernel = f"kernel {scope.kernel or 'not recorded'}, contrast {scope.contrast or 'not recorded'}"
    missing = wording.without_mm(answer, series)
    return [
        Text("Measured by the program", "heading"),
        _table(evidence.box, evidence.lesion),
        Text(_joined(f"Side: {side}", kernel), "small"),
        *([Text(missing, "small")] if missing else []),
        *([Text("No lesion stands out inside the box.", "small")] if evidence.lesion is None else []),
    ]


def _table(box: Statistics, lesion: Statistics | None) -> Table:
    texts = {
        "Mean ± SD": wording.mean_sd,
        "Range": wording.extremes,
        "Area": wording.area,
        "Long × short": wording.axes,
    }
    rows = ((name, text(box), text(lesion)) for name, text in texts.items())
    return Table((("", "Box", "Lesion inside it"), *rows))


def _reply(answer: Answer, progress: str) -> list[Block]:
    """The answer first: on paper the steps may go on over another page, and the answer would lie on that."""
    made, blocks = answer.explanation, _answer(answer.explanation, progress)
    if answer.steps:
        blocks.append(Text("The model's reasoning", "heading"))
        blocks += [text for number, step in enumerate(answer.steps, start=1) for text in _step(number, step)]
    if made is not None and made.answer is None:
        blocks += [Text("The model's reply, unchanged", "heading"), Text(made.raw_reply, "small")]
    return blocks


def _answer(made: Explanation | None, progress: str) -> list[Block]:
    if made is None:
        return [Text(f"{progress} There was no answer when this page was made.", "caution")]
    heading = Text("The model's answer", "heading")
    if made.answer is None:
        return [heading, Text(UNREADABLE, "caution")]
    return [heading, Text(made.answer, "strong"), *(_check(check, "") for check in made.answer_checks)]


def _step(number: int, step: Step) -> list[Text]:
    return [Text(step.text, label=f"{number}."), *(_check(check, step.text) for check in step.checks)]


def _check(check: Check, sentence: str) -> Text:
    word = wording.VERDICTS[check.verdict].word
    return Text(f"{word}: {check_text(check, sentence)}", _LOOKS[check.verdict], indent=16)


def _model(made: Explanation) -> list[Block]:
    model, timing = made.model, made.timing
    took = f"{timing.total_s:.1f} s, {timing.tokens} tokens"
    adapter = model.adapter_sha256
    weights = f"SHA-256 {model.sha256[:16]} …" + (f", adapter {adapter[:16]} …" if adapter else "")
    return [
        Text("Model", "heading"),
        Text(_joined(model.name, model.quantization, model.device, took, weights), "small"),
        Text(_origin(model), "small"),
    ]


def _origin(model: ModelInfo) -> str:
    return _joined(
        f"Licence {model.licence or 'not stated'}",
        f"trained on {model.trained_on or 'not stated'}",
        model.intended_use,
    )
