"""An explanation as files: ``explanation.json`` and ``reasoning.md``."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Final

from ..volume.geometry import SliceBox, SlicePlane
from ..volume.measure import Statistics
from ..volume.window import Window
from .request import Check, Explanation, Step

SCHEMA_VERSION: Final = 1
_VERDICTS: Final = {"agrees": "agrees", "contradicts": "**contradicts**", "not_checkable": "not checkable"}
_SOURCES: Final = {
    "reader": "drawn by the reader",
    "model": "located by the model",
    "grown": "grown from the reader's point",
}


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """The document ``explanation.json``: plain values only, ready for :func:`json.dumps`.

    ``checks`` holds the checks of every step in order, then the answer's. ``corners_mm`` is None where the
    image has no geometry; else four LPS points: top left, top right, bottom right, bottom left.
    """
    made = explanation
    checks = [check for step in made.steps for check in step.checks]
    return {
        "schema_version": SCHEMA_VERSION,
        "key": dataclasses.asdict(made.key),
        "slice_index": made.slice_index,
        "display_window": _window(made.display_window),
        "model_windows": [_window(window) for window in made.model_windows],
        "region_source": made.region.source,
        "box_slice": _box(made.region.box_slice),
        "corners_mm": _corners(made),
        "steps": [{"text": step.text, "box_slice": _box(step.box_slice)} for step in made.steps],
        "answer": made.answer,
        "raw_reply": made.raw_reply,
        "evidence": {
            "box": _statistics(made.evidence.box),
            "lesion": _statistics(made.evidence.lesion),
            "side": made.evidence.side,
        },
        "checks": [dataclasses.asdict(check) for check in (*checks, *made.answer_checks)],
        "model": {
            "name": made.model.name,
            "sha256": made.model.sha256,
            "quantization": made.model.quantization,
            "device": made.model.device,
        },
        "timing": dataclasses.asdict(made.timing),
        "warnings": list(made.warnings),
    }


def _window(window: Window) -> dict[str, float]:
    return {"centre_hu": window.centre_hu, "width_hu": window.width_hu}


def _box(box_slice: SliceBox | None) -> list[float] | None:
    return list(box_slice.as_tuple()) if box_slice else None


def _corners(made: Explanation) -> list[list[float]] | None:
    key = made.key
    if key.origin_mm is None or key.x_axis is None or key.y_axis is None or key.spacing_mm is None:
        return None
    plane = SlicePlane(key.origin_mm, key.x_axis, key.y_axis, key.spacing_mm)
    corners: list[list[float]] = plane.corners_mm(made.region.box_slice).tolist()
    return corners


def _statistics(found: Statistics | None) -> dict[str, float | None] | None:
    if found is None:
        return None
    values: dict[str, float | None] = dataclasses.asdict(found)
    del values["pixels"]
    return values


def reasoning_markdown(explanation: Explanation) -> str:
    """The document ``reasoning.md``: what was said beside what was measured, for people."""
    made = explanation
    parts = [
        "# Explanation of a region\n\n**Research use only: not for diagnosis.**",
        *(f"> **Note:** {_plain(warning)}" for warning in made.warnings),
        f"## Reasoning\n\n{_steps(made)}",
        f"## Answer\n\n{_answer(made)}",
        f"## Measured\n\n{_measured(made)}",
        f"## Model\n\n{_model(made)}",
    ]
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """Text of a model or a file as itself: no markup, no line breaks."""
    return re.sub(r"([\\`*_{}\[\]<>#|!])", r"\\\1", " ".join(text.split()))


def _steps(made: Explanation) -> str:
    if made.answer is None:
        fenced = made.raw_reply.replace("```", "` ` `")
        return f"The model's reply could not be read. It said:\n\n```text\n{fenced}\n```"
    return "\n".join(_step(number, step) for number, step in enumerate(made.steps, start=1))


def _step(number: int, step: Step) -> str:
    where = f" (box {', '.join(f'{v:.1f}' for v in step.box_slice.as_tuple())})" if step.box_slice else ""
    return "\n".join([f"{number}. {_plain(step.text)}{where}", *map(_check, step.checks)])


def _check(check: Check) -> str:
    return f"   - “{_plain(check.claim)}”: {_VERDICTS[check.verdict]} ({_plain(check.measured)})"


def _answer(made: Explanation) -> str:
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


def _model(made: Explanation) -> str:
    model, timing = made.model, made.timing
    took = f"first token after {timing.first_token_s:.1f} s, {timing.tokens} tokens in {timing.total_s:.1f} s"
    return "\n".join(
        [
            f"- {_plain(model.name)} (SHA-256 {model.sha256}), {_plain(model.quantization)}",
            f"- On {_plain(model.device)}: {took}",
            f"- Licence: {_plain(model.licence)}. Trained on: {_plain(model.trained_on)}.",
            f"- Intended use: {_plain(model.intended_use)}",
        ]
    )
