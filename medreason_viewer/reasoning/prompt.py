"""What the model is told, and how a reply is written: messages for a turn, target texts for training.

Messages are in the form that Hugging Face chat templates take; the image itself travels beside them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from ..volume.geometry import SliceBox
from .bundles.manifest import Manifest, ReplySpec
from .zoom import SliceMap

PROMPT_VERSION: Final = 1
Message = dict[str, Any]


def _filled(template: str, manifest: Manifest, question: str | None) -> str:
    text = template.replace("{classes}", ", ".join(manifest.answer_classes))
    asked = (question or "").strip() or manifest.prompt.question
    return text.replace("{question}", _without_control(asked)).strip()


def _without_control(text: str) -> str:
    """No control tokens from a reader, or from a reply that is read again."""
    return text.replace("<|", "< |")


def _opening(manifest: Manifest, text: str) -> list[Message]:
    user: Message = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": text}]}
    if not manifest.prompt.system:
        return [user]
    return [{"role": "system", "content": [{"type": "text", "text": manifest.prompt.system}]}, user]


def locate_messages(manifest: Manifest) -> list[Message]:
    """The *locate* turn: the plain slice, to be answered with boxes."""
    return _opening(manifest, _filled(manifest.prompt.locate, manifest, None))


def reason_messages(manifest: Manifest, question: str | None = None) -> list[Message]:
    """The *reason* turn: the composite image, to be answered with steps and answer.

    Parameters
    ----------
    question : str, optional
        The reader's own question; without one the bundle's is asked.
    """
    return _opening(manifest, _filled(manifest.prompt.reason, manifest, question))


def follow_up_messages(
    manifest: Manifest, so_far: Sequence[Message], reply: str, question: str
) -> list[Message]:
    """A further question on the same composite: what was said so far, the model's reply, the question."""
    text = _filled(manifest.prompt.follow_up, manifest, question)
    return [
        *so_far,
        {"role": "assistant", "content": [{"type": "text", "text": _without_control(reply)}]},
        {"role": "user", "content": [{"type": "text", "text": text}]},
    ]


def write_boxes(boxes: Sequence[tuple[SliceBox, str]], slice_map: SliceMap, manifest: Manifest) -> str:
    """The reply to *locate* for known regions, as :func:`~.parse.parse_boxes` reads it; ``[]`` for none."""
    items = [
        {"bbox_2d": list(_numbers(box, slice_map, manifest.reply)), "label": label} for box, label in boxes
    ]
    text = json.dumps(items, ensure_ascii=False)
    if manifest.reply.locate == "json":
        return text
    tag = manifest.reply.answer_tag
    return f"<{tag}> {text} </{tag}>"


def _numbers(box_slice: SliceBox, slice_map: SliceMap, spec: ReplySpec) -> tuple[int, int, int, int]:
    if spec.boxes == "absolute":
        return slice_map.integer_box(box_slice)
    thousandths = SliceMap(slice_map.rows, slice_map.cols, 1000, 1000)
    return thousandths.integer_box(box_slice)


def write_reply(steps: Sequence[str], answer: str, manifest: Manifest) -> str:
    """The reply to *reason* for known steps and answer, as :func:`~.parse.parse_reply` reads it."""
    think, done = manifest.reply.think_tag, manifest.reply.answer_tag
    thinking = f"<{think}> {' '.join(steps)} </{think}>" if steps else ""
    return f"{thinking}<{done}> {answer} </{done}>"
