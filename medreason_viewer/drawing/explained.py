"""What an explanation says, as blocks of a page: measurements, answer, steps with their checks, model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ..reasoning.request import Check, Evidence, Explanation, ModelInfo, Statistics, Step
from . import words
from .page import Block, Table
from .page_text import Look, Text

_LOOKS: Final[dict[str, Look]] = {"agrees": "good", "contradicts": "caution", "not_checkable": "small"}


def measured_blocks(evidence: Evidence, recorded: str, missing: str = "") -> Iterator[Block]:
    """What the program measured.

    Parameters
    ----------
    recorded : str
        Kernel and contrast, which stand beside every HU.
    missing : str
        Why nothing is said in millimetres, if so.
    """
    yield Text("Measured by the program", "heading")
    yield _table(evidence.box, evidence.lesion)
    yield Text(f"Side: {words.side(evidence) or 'side not known'} · {recorded}", "small")
    if missing:
        yield Text(missing, "small")
    if evidence.lesion is None:
        yield Text("No lesion stands out inside the box.", "small")


def answer_blocks(made: Explanation) -> Iterator[Block]:
    """The model's answer with its checks, or that it could not be read."""
    yield Text("The model's answer", "heading")
    if made.answer is None:
        yield Text(words.UNREADABLE, "caution")
        return
    yield Text(made.answer, "strong")
    yield from (_check(check, "") for check in made.answer_checks)


def step_blocks(steps: Iterable[Step]) -> Iterator[Block]:
    """The model's reasoning, step by step."""
    listed = list(_steps(steps))
    if listed:
        yield Text("The model's reasoning", "heading")
    yield from listed


def _steps(steps: Iterable[Step]) -> Iterator[Text]:
    for number, step in enumerate(steps, start=1):
        yield Text(step.text, label=f"{number}.")
        yield from (_check(check, step.text) for check in step.checks)


def follow_up_blocks(made: Explanation) -> Iterator[Block]:
    """Each further question with its answer, its steps and their checks."""
    for asked in made.follow_ups:
        yield Text("Further question", "heading")
        yield Text(f"“{asked.question}”")
        yield from (Text(note, "caution", "▲") for note in asked.warnings if note not in made.warnings)
        if asked.answer is None:
            yield Text(words.UNREADABLE, "caution")
            yield Text(asked.raw_reply, "small")
        else:
            yield Text(asked.answer, "strong")
        yield from (_check(check, "") for check in asked.answer_checks)
        yield from _steps(asked.steps)


def raw_blocks(made: Explanation) -> Iterator[Block]:
    """The reply itself where no answer could be read from it."""
    if made.answer is None:
        yield Text("The model's reply, unchanged", "heading")
        yield Text(made.raw_reply, "small")


def model_blocks(made: Explanation) -> Iterator[Block]:
    """Which model answered."""
    model, timing = made.model, made.timing
    took = f"{timing.total_s:.1f} s, {timing.tokens} tokens"
    adapter = model.adapter_sha256
    weights = f"SHA-256 {model.sha256[:16]} …" if model.sha256 else "weights not known here"
    weights += f", adapter {adapter[:16]} …" if adapter else ""
    parts = (model.name, model.quantization, model.device, took, weights)
    yield Text("Model", "heading")
    yield Text(" · ".join(filter(None, parts)), "small")
    yield Text(_origin(model), "small")


def _origin(model: ModelInfo) -> str:
    licence = f"Licence {model.licence or 'not stated'}"
    parts = (licence, f"trained on {model.trained_on or 'not stated'}", model.intended_use)
    return " · ".join(filter(None, parts))


def _table(box: Statistics, lesion: Statistics | None) -> Table:
    texts = {
        "Mean ± SD": words.mean_sd,
        "Range": words.extremes,
        "Area": words.area,
        "Long × short": words.axes,
    }
    rows = ((name, text(box), text(lesion)) for name, text in texts.items())
    return Table((("", "Box", "Lesion inside it"), *rows))


def _check(check: Check, sentence: str) -> Text:
    word = words.VERDICTS[check.verdict]
    return Text(f"{word}: {words.check_text(check, sentence)}", _LOOKS[check.verdict], indent=16)
