"""Which cases a report shows, and their pictures: the slice with truth and prediction drawn on it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.window import Window, to_grey

from ..data.dataset import DataSet
from ..evaluation.endpoint import png
from ..evaluation.predictions import Said

SHOWN: Final = 6
_SIDE: Final = 320
TRUTH, NOW, BEFORE = "#35d07f", "#ff9d3c", "#7fb8ff"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A case to show; ``before`` is what the earlier model said of it, where there is one."""

    said: Said
    before: Said | None = None


def quality(said: Said) -> float:
    """From 0 to 1: half for the right answer, half for the overlap (without a lesion the answer is all)."""
    right = float(said.prediction.answer == said.finding)
    if said.box_slice is None:
        return right
    box = said.prediction.box_slice
    return (right + (said.box_slice.iou(box) if box else 0.0)) / 2


def choose(after: Sequence[Said], before: Sequence[Said]) -> dict[str, list[Chosen]]:
    """Cases to show under their headings: best, worst, and those that changed most for better and worse."""
    earlier = {each.index: each for each in before}
    every = [Chosen(each, earlier.get(each.index)) for each in after]
    by_quality = sorted(every, key=lambda each: (-quality(each.said), each.said.index))
    with_lesion = [each for each in by_quality if each.said.box_slice is not None]
    best = (with_lesion or by_quality)[:SHOWN]
    worst = [each for each in by_quality[::-1] if quality(each.said) < 1 and each not in best][:SHOWN]
    found = {"The best": best, "The worst": worst}
    changes = [(quality(each.said) - quality(each.before), each) for each in every if each.before]
    rising = sorted(changes, key=lambda pair: (-pair[0], pair[1].said.index))
    found["Better than before"] = [each for gain, each in rising if gain > 0][:SHOWN]
    found["Worse than before"] = [each for gain, each in reversed(rising) if gain < 0][:SHOWN]
    return {heading: cases for heading, cases in found.items() if cases}


def picture(data: DataSet, chosen: Chosen, window: Window) -> str:
    """A case's slice as a PNG data URL: the truth in green, the prediction in orange, the earlier in blue."""
    grey = to_grey(data.hu(chosen.said.index), window)
    rows, cols = grey.shape
    scale = _SIDE / max(rows, cols)
    size = (max(1, round(cols * scale)), max(1, round(rows * scale)))
    image = Image.fromarray(grey).convert("RGB").resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    if chosen.before is not None:
        _outline(pen, chosen.before.prediction.box_slice, scale, BEFORE, 1)
    _outline(pen, chosen.said.box_slice, scale, TRUTH, 3)
    _outline(pen, chosen.said.prediction.box_slice, scale, NOW, 2)
    return f"data:image/png;base64,{base64.b64encode(png(np.asarray(image))).decode()}"


def _outline(pen: ImageDraw.ImageDraw, box: SliceBox | None, scale: float, colour: str, width: int) -> None:
    if box is not None:
        corners = [edge * scale for edge in box.as_tuple()]
        pen.rectangle([corners[0], corners[1], corners[2] - 1, corners[3] - 1], outline=colour, width=width)
