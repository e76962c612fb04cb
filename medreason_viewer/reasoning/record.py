"""An explanation as files: ``explanation.json`` and ``reasoning.md``."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np

from ..errors import RecordUnreadable
from ..volume.geometry import SliceBox, SlicePlane, Vector
from ..volume.measure import Statistics
from .plain_values import NotPlain, from_plain, to_plain
from .request import Check, Explanation, FollowUpAnswer, ModelInfo, Step

SCHEMA_VERSION: Final = 2  # 1 had no follow_ups
_READABLE: Final = (1, 2)
_CORNER_MM: Final = 1e-3
_DERIVED: Final = {"schema_version", "region_source", "region_label", "box_slice", "corners_mm", "checks"}
_VERDICTS: Final = {"agrees": "agrees", "contradicts": "**contradicts**", "not_checkable": "not checkable"}
_SOURCES: Final = {
    "reader": "drawn by the reader",
    "model": "located by the model",
    "grown": "grown from the reader's point",
}


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """The document ``explanation.json``: plain values only, ready for :func:`json.dumps`, nothing left out.

    ``checks`` holds the checks of every step in order, then the answer's; each step and ``answer_checks``
    hold their own once more; those of ``follow_ups`` stand with each alone. ``corners_mm`` is None where the
    image has no geometry; else four LPS points: top left, top right, bottom right, bottom left.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    made = explanation
    plain: dict[str, Any] = to_plain(made)
    region = plain.pop("region")
    return {
        "schema_version": SCHEMA_VERSION,
        **plain,
        "region_source": region["source"],
        "region_label": region["label"],
        "box_slice": _box(made.region.box_slice),
        "corners_mm": _corners(made),
        "steps": [_step_json(step) for step in made.steps],
        "checks": to_plain(_all_checks(made)),
        "follow_ups": [_follow_up_json(each) for each in made.follow_ups],
    }


def read_explanation(document: Any) -> Explanation:
    """The explanation in a document of :func:`explanation_json`; all it was made from, and equal to it.

    What stands there twice (``checks``, ``corners_mm``) is worked out again, and must agree.

    Raises
    ------
    RecordUnreadable
        If the document is not one, or something in it is missing, of a wrong kind, or contradicts the rest.
    """
    try:
        made = _explanation(document)
        checks, corners_mm = _all_checks(made), _corners(made)
        written_mm = document["corners_mm"] and _read_corners(document["corners_mm"])
    except ValueError as error:
        raise RecordUnreadable(f"This is not the record of an explanation: {error}.") from error
    if document["checks"] != to_plain(checks):
        raise RecordUnreadable(
            "This record contradicts itself: its checks are not those of its steps and answer."
        )
    if not _same_place(written_mm, corners_mm):
        raise RecordUnreadable("This record contradicts itself: its corners_mm are not those of its box.")
    return made


def _read_corners(written: Any) -> tuple[Vector, ...]:
    return from_plain(tuple[Vector, Vector, Vector, Vector], written, "corners_mm")


def _same_place(written: Any, corners_mm: list[list[float]] | None) -> bool:
    """To a thousandth of a millimetre: another processor may round otherwise."""
    if written is None or corners_mm is None:
        return written is corners_mm
    return bool(np.allclose(written, corners_mm, rtol=0, atol=_CORNER_MM))


def _all_checks(made: Explanation) -> tuple[Check, ...]:
    return (*(check for step in made.steps for check in step.checks), *made.answer_checks)


def _explanation(document: Any) -> Explanation:
    if not isinstance(document, dict):
        raise NotPlain("", "is not an object")
    version = document.get("schema_version")
    if version not in _READABLE:
        raise NotPlain(
            "schema_version", f"is {version!r}, and this program reads {_READABLE[0]} and {_READABLE[1]}"
        )
    for name in ("region_source", "region_label", "box_slice", "steps", "checks", "corners_mm"):
        if name not in document:
            raise NotPlain(name, "is missing")
    values = {name: value for name, value in document.items() if name not in _DERIVED}
    values["region"] = {
        "box_slice": _box_fields(document["box_slice"], "box_slice"),
        "source": document["region_source"],
        "label": document["region_label"],
    }
    values["steps"] = _steps_fields(document["steps"], "steps")
    further = _objects(document.get("follow_ups", []), "follow_ups")
    values["follow_ups"] = [
        {**each, "steps": _steps_fields(each.get("steps"), f"follow_ups[{number}].steps")}
        for number, each in enumerate(further)
    ]
    return from_plain(Explanation, values)


def _steps_fields(steps: Any, where: str) -> list[Any]:
    return [
        {**step, "box_slice": _box_fields(step.get("box_slice"), f"{where}[{number}].box_slice")}
        for number, step in enumerate(_objects(steps, where))
    ]


def _objects(values: Any, where: str) -> list[dict[str, Any]]:
    if not (isinstance(values, list) and all(isinstance(value, dict) for value in values)):
        raise NotPlain(where, "is not a list of objects")
    return values


def _box_fields(corners: Any, where: str) -> Any:
    if corners is None:
        return None
    x0, y0, x1, y1 = from_plain(tuple[float, float, float, float], corners, where)
    return {"x0": x0, "y0": y0, "x1": x1, "y1": y1}


def _step_json(step: Step) -> dict[str, Any]:
    return {"text": step.text, "box_slice": _box(step.box_slice), "checks": to_plain(step.checks)}


def _follow_up_json(further: FollowUpAnswer) -> dict[str, Any]:
    return {**to_plain(further), "steps": [_step_json(step) for step in further.steps]}


def _box(box_slice: SliceBox | None) -> list[float] | None:
    return list(box_slice.as_tuple()) if box_slice else None


def _corners(made: Explanation) -> list[list[float]] | None:
    key = made.key
    if key.origin_mm is None or key.x_axis is None or key.y_axis is None or key.spacing_mm is None:
        return None
    plane = SlicePlane(key.origin_mm, key.x_axis, key.y_axis, key.spacing_mm)
    corners: list[list[float]] = plane.corners_mm(made.region.box_slice).tolist()
    return corners


def reasoning_markdown(explanation: Explanation) -> str:
    """The document ``reasoning.md``: what was said beside what was measured, for people."""
    made = explanation
    parts = [
        "# Explanation of a region\n\n**Research use only: not for diagnosis.**",
        *(f"> **Note:** {_plain(warning)}" for warning in made.warnings),
        f"## Reasoning\n\n{_steps(made)}",
        f"## Answer\n\n{_answer(made)}",
        *(f"## Further question\n\n{_further(each, made)}" for each in made.follow_ups),
        f"## Measured\n\n{_measured(made)}",
        f"## Model\n\n{_model(made)}",
    ]
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """Text of a model or a file as itself: no markup, no line breaks."""
    return re.sub(r"([\\`*_{}\[\]<>#|!])", r"\\\1", " ".join(text.split()))


def _further(asked: FollowUpAnswer, made: Explanation) -> str:
    notes = [f"> **Note:** {_plain(warning)}" for warning in asked.warnings if warning not in made.warnings]
    return "\n\n".join([f"“{_plain(asked.question)}”", *notes, _steps(asked), _answer(asked)])


def _steps(made: Explanation | FollowUpAnswer) -> str:
    if made.answer is None:
        fenced = made.raw_reply.replace("```", "` ` `")
        return f"The model's reply could not be read. It said:\n\n```text\n{fenced}\n```"
    return "\n".join(_step(number, step) for number, step in enumerate(made.steps, start=1))


def _step(number: int, step: Step) -> str:
    where = f" (box {', '.join(f'{v:.1f}' for v in step.box_slice.as_tuple())})" if step.box_slice else ""
    return "\n".join([f"{number}. {_plain(step.text)}{where}", *map(_check, step.checks)])


def _check(check: Check) -> str:
    return f"   - “{_plain(check.claim)}”: {_VERDICTS[check.verdict]} ({_plain(check.measured)})"


def _answer(made: Explanation | FollowUpAnswer) -> str:
    if made.answer is None:
        return "None: the reply could not be read."
    return "\n".join([f"{_plain(made.answer)}", "", *map(_check, made.answer_checks)]).strip()


def _measured(made: Explanation) -> str:
    x0, y0, x1, y1 = made.region.box_slice.as_tuple()
    evidence = made.evidence
    box = f"box {x0:g}, {y0:g}, {x1:g}, {y1:g} (slice pixels), {_SOURCES[made.region.source]}"
    rows = [
        f"Slice index {made.slice_index}; {box}; side: {evidence.side or 'not known'}.",
        "",
        "| | mean HU | SD | min | max | area mm² | long axis mm | short axis mm |",
        "|---|---|---|---|---|---|---|---|",
        _row("box", evidence.box),
        _row("lesion", evidence.lesion) if evidence.lesion else "| lesion | none stands out | | | | | | |",
    ]
    return "\n".join(rows)


def _row(name: str, found: Statistics) -> str:
    hu = (found.mean_hu, found.sd_hu, found.min_hu, found.max_hu)
    lengths = (found.area_mm2, found.long_axis_mm, found.short_axis_mm)
    cells = [f"{v:.0f}" for v in hu] + ["–" if v is None else f"{v:.1f}" for v in lengths]
    return f"| {name} | {' | '.join(cells)} |"


def _weights(model: ModelInfo) -> str:
    if not model.sha256:
        return "(which weights a server answers with is not known here)"
    return f"(SHA-256 {model.sha256}), {_plain(model.quantization)}"


def _model(made: Explanation) -> str:
    model, timing = made.model, made.timing
    took = f"first token after {timing.first_token_s:.1f} s, {timing.tokens} tokens in {timing.total_s:.1f} s"
    return "\n".join(
        [
            f"- {_plain(model.name)} {_weights(model)}",
            f"- On {_plain(model.device)}: {took}",
            f"- Licence: {_plain(model.licence)}. Trained on: {_plain(model.trained_on)}.",
            f"- Intended use: {_plain(model.intended_use)}",
        ]
    )
