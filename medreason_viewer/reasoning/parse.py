"""From a reply's text to boxes, steps and answer; what does not follow the format is refused, never guessed.

The rules for boxes, in *locate* replies and inside steps alike: four finite numbers with x0 < x1 and
y0 < y1; an edge may overhang the image by at most 28 px (one token of the model) and is then cut at the
border; anything else is refused. Nothing is swapped, scaled or filled in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ..errors import AnswerUnreadable
from .bundles.manifest import ReplySpec
from .steps import split_steps
from .zoom import ModelBox

OVERHANG_PX: Final = 28.0
MAX_BOXES: Final = 64
_FENCE: Final = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)
_INLINE: Final = re.compile(r"\{[^{}]*\"bbox_2d\"[^{}]*\}")

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """A box of the model in pixels of the image it saw, and the name it gave it."""

    box_model: ModelBox
    label: str = ""


@dataclass(frozen=True, slots=True)
class ReplyStep:
    """One step of a reply.

    Attributes
    ----------
    raw : str
        The step as written, without its number.
    text : str
        ``raw`` without the JSON of the box that was read from it.
    box : LabelledBox or None
        The step's own region on the model's image.
    refused : bool
        Whether the step names a box that could not be read or lies outside the image; its JSON stays in
        ``text``.
    """

    raw: str
    text: str
    box: LabelledBox | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A readable reply: its thinking as steps, and its answer."""

    steps: tuple[ReplyStep, ...]
    answer: str
    thinking: str


class _Refused(Exception):
    """What was read is not a box."""


def parse_boxes(raw: str, size: Size, spec: ReplySpec) -> tuple[LabelledBox, ...]:
    """The boxes of a *locate* reply, in order; empty where the model says that there is no region.

    Parameters
    ----------
    raw : str
        The reply: a JSON list of ``{"bbox_2d": [x1, y1, x2, y2], "label": "..."}`` or one such object, bare
        or in a code fence; inside the answer tags, with or without thinking, where the manifest says so.
    size : tuple of int
        (height, width) of the image the model saw.

    Raises
    ------
    AnswerUnreadable
        If any part of the reply is something else.
    """
    try:
        text = raw if spec.locate == "json" else _split(raw, replace(spec, thinking=False))[1]
        return tuple(_labelled(item, size, spec) for item in _items(text))
    except _Refused:
        raise AnswerUnreadable(raw, "a region") from None


def _items(text: str) -> list[object]:
    items = _json(_unfenced(text))
    items = [items] if isinstance(items, dict) else items
    if not isinstance(items, list) or len(items) > MAX_BOXES:
        raise _Refused
    return items


def _unfenced(text: str) -> str:
    fenced = _FENCE.fullmatch(text.strip())
    return fenced[1] if fenced else text


def _json(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise _Refused
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        raise _Refused from None


def _labelled(item: object, size: Size, spec: ReplySpec) -> LabelledBox:
    if not isinstance(item, dict) or not isinstance(label := item.get("label", ""), str):
        raise _Refused
    numbers = item.get("bbox_2d")
    if not isinstance(numbers, list) or len(numbers) != 4 or not all(_is_number(n) for n in numbers):
        raise _Refused
    return LabelledBox(_on_image(numbers, size, spec), label.strip())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _on_image(numbers: list[float], size: Size, spec: ReplySpec) -> ModelBox:
    height, width = size
    x_unit, y_unit = (1.0, 1.0) if spec.boxes == "absolute" else (width / 1000, height / 1000)
    x0, y0, x1, y1 = (value * unit for value, unit in zip(numbers, (x_unit, y_unit) * 2, strict=True))
    over = max(-x0, -y0, x1 - width, y1 - height)
    if not over <= OVERHANG_PX:
        raise _Refused
    try:
        return ModelBox(max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height)))
    except ValueError:
        raise _Refused from None


def parse_reply(raw: str, size: Size, spec: ReplySpec) -> Reply:
    """Steps and answer of a *reason* reply; the whole text must be thinking tags, then answer tags.

    Raises
    ------
    AnswerUnreadable
        If text stands outside the tags, a tag is missing, doubled or out of order, the answer is empty, or
        the thinking is, where the manifest asks for it.
    """
    try:
        thinking, answer = _split(raw, spec)
    except _Refused:
        raise AnswerUnreadable(raw) from None
    return Reply(tuple(read_step(step, size, spec) for step in split_steps(thinking)), answer, thinking)


def _split(raw: str, spec: ReplySpec) -> tuple[str, str]:
    """Thinking and answer; no regular expression, for one with blanks around its parts is slow on many."""
    think, done = spec.think_tag, spec.answer_tag
    thinking, text = "", raw.strip()
    if text.startswith(f"<{think}>"):
        thinking, closing, text = text.removeprefix(f"<{think}>").partition(f"</{think}>")
        thinking, text = thinking.strip(), text.lstrip() if closing else ""
    if not (text.startswith(f"<{done}>") and text.endswith(f"</{done}>")):
        raise _Refused
    answer = text[len(done) + 2 : -len(done) - 3].strip()
    tags = re.compile(rf"</?(?:{think}|{done})>")
    if tags.search(thinking) or tags.search(answer) or not answer or (spec.thinking and not thinking):
        raise _Refused
    return thinking, answer


def read_step(raw: str, size: Size, spec: ReplySpec) -> ReplyStep:
    """A step with the first ``{"bbox_2d": ...}`` written in it, where that is a box on the image."""
    found = _INLINE.search(raw)
    if found is None:
        return ReplyStep(raw, raw, refused='"bbox_2d"' in raw)
    try:
        box = _labelled(_json(found[0]), size, spec)
    except _Refused:
        return ReplyStep(raw, raw, refused=True)
    text = " ".join((raw[: found.start()].rstrip() + " " + raw[found.end() :].lstrip()).split())
    return ReplyStep(raw, re.sub(r" ([.,;:!?])", r"\1", text), box)


class StreamingSteps:
    """Gives out the steps of a *reason* reply while it is written.

    Feed it pieces in order; each step comes once, as soon as the next one has begun (so the last with the
    closing tag), and is equal to what :func:`parse_reply` reads from the whole text.
    """

    def __init__(self, size: Size, spec: ReplySpec) -> None:
        self._size, self._spec = size, spec
        self._given = 0
        self.text = ""

    def feed(self, piece: str) -> list[ReplyStep]:
        """Take more text; return the steps that are complete now."""
        self.text += piece
        thinking, closed = self._thinking()
        texts = split_steps(thinking)
        complete = texts if closed else texts[:-1]
        fresh = [read_step(step, self._size, self._spec) for step in complete[self._given :]]
        self._given += len(fresh)
        return fresh

    def _thinking(self) -> tuple[str, bool]:
        start, end = f"<{self._spec.think_tag}>", f"</{self._spec.think_tag}>"
        opened = self.text.lstrip()
        if not opened.startswith(start):
            return "", False
        thinking, closing, _ = opened[len(start) :].partition(end)
        if closing:
            return thinking.strip(), True
        begun = next((n for n in range(len(end) - 1, 0, -1) if thinking.endswith(end[:n])), 0)
        return thinking[: len(thinking) - begun].lstrip(), False  # what may become the closing tag waits


def answer_class(answer: str, classes: Sequence[str]) -> str | None:
    """The answer class an answer names, without regard to case, blanks and a final stop; else None."""
    wanted = " ".join(answer.lower().rstrip(" .").split())
    return next((name for name in classes if name.lower() == wanted), None)
