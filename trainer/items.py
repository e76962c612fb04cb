"""One training example: a turn of the dialogue with its picture and the reply to learn.

The question of a *reason* turn is about the region in the inset. Were that region always the truth, the
inset's mere presence and place would give the answer away. So:

- regions with the finding are the truth jittered (intersection over union 0.3 to 1), never the truth itself;
  one in five is moved further, as far as the inset still shows the whole lesion;
- slices without a finding get decoy regions: boxes of other slices' lesions, in place or moved;
- some slices with a finding get a decoy elsewhere, and the reply is about what the inset shows: nothing;
- some slices have no inset, as when *locate* finds none: then it is about the whole slice. Most of these are
  normal, as in the dialogue, so without an inset the model leans to no finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from medreason_viewer.reasoning import prompt, zoom
from medreason_viewer.reasoning.manifest import Manifest
from medreason_viewer.volume.geometry import SliceBox

from .dataset import Case, DataSet
from .replies import NO_FINDING, QUESTIONS, steps_for

Turn = Literal["locate", "reason"]
RegionKind = Literal["finding", "decoy", "none"]

PLAIN_SHARE: Final = 0.04
"""Reason turns without an inset on a slice with a finding, as when *locate* misses it."""
PLAIN_SHARE_NORMAL: Final = 0.45
"""The same on a slice without one, where *locate* finds nothing more often than not."""
ELSEWHERE_SHARE: Final = 0.12
"""Reason turns on a slice with a finding whose region is a decoy."""
QUESTION_SHARE: Final = 0.1
"""Reason turns with a reader's question in place of the bundle's."""
BESIDE_SHARE: Final = 0.2
"""Regions with the finding that only need to show it in their inset, as a slightly wrong *locate* does."""
AIR_BELOW_HU: Final = -960.0
LEAST_IOU: Final = 0.3
"""Of a jittered region with the truth."""
_TRIES: Final = 40


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One example, ready to be tokenized.

    Attributes
    ----------
    image : array of uint8, shape (height, width, 3)
    target : str
        The reply, without the stop token.
    region_slice : SliceBox or None
        What the inset shows; None without one.
    shown : bool
        Whether the picture, or its inset where it has one, is of the case's finding.
    """

    turn: Turn
    image: NDArray[np.uint8]
    messages: list[prompt.Message]
    target: str
    slice_map: zoom.SliceMap
    composite: zoom.Composite | None = None
    region_slice: SliceBox | None = None
    shown: bool = False


def make(data: DataSet, index: int, turn: Turn, manifest: Manifest, rng: np.random.Generator) -> Item:
    """The example that this draw of ``rng`` gives for one slice of the data set."""
    case, hu = data.cases[index], vary(data.hu(index), rng)
    if turn == "locate":
        return _locate(case, hu, manifest)
    return _reason(case, hu, data.mask(index), _some_box(data, rng), manifest, rng)


def _some_box(data: DataSet, rng: np.random.Generator) -> SliceBox:
    for _ in range(_TRIES):
        box = data.cases[int(rng.integers(len(data)))].box_slice
        if box is not None:
            return box
    rows, cols = data.hu_all.shape[1:]
    return SliceBox(0.2 * cols, 0.4 * rows, 0.35 * cols, 0.55 * rows)


def vary(hu: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A slice with a little more noise, or a little less by averaging with its own shift, or as it is."""
    kind = rng.random()
    if kind < 0.35:
        return hu + rng.normal(0.0, rng.uniform(3.0, 22.0), hu.shape)
    if kind < 0.5:
        return (hu + np.roll(hu, 1, axis=int(rng.integers(2)))) / 2
    return hu


def _locate(case: Case, hu: NDArray[np.float64], manifest: Manifest) -> Item:
    picture = zoom.model_image(hu, manifest)
    boxes = [(case.box_slice, case.finding)] if case.box_slice else []
    target = prompt.write_boxes(boxes, picture.slice_map, manifest)
    messages = prompt.locate_messages(manifest)
    return Item("locate", picture.image, messages, target, picture.slice_map, shown=bool(boxes))


def _reason(
    case: Case,
    hu: NDArray[np.float64],
    mask: NDArray[np.bool_],
    other: SliceBox,
    manifest: Manifest,
    rng: np.random.Generator,
) -> Item:
    kind = _region_kind(case, rng)
    region = _region(kind, case, hu, mask, other, manifest, rng)
    shown = case.box_slice is not None and (kind == "finding" or region is None)
    picture = zoom.composite(hu, region, manifest)
    steps = steps_for(case, shown=shown, zoomed=region is not None, rng=rng)
    answer = case.finding if shown else NO_FINDING
    question = QUESTIONS[int(rng.integers(len(QUESTIONS)))] if rng.random() < QUESTION_SHARE else None
    return Item(
        "reason",
        picture.image,
        prompt.reason_messages(manifest, question),
        prompt.write_reply(steps, answer, manifest),
        picture.slice_map,
        picture,
        region,
        shown,
    )


def _region_kind(case: Case, rng: np.random.Generator) -> RegionKind:
    draw = rng.random()
    if case.box_slice is None:
        return "none" if draw < PLAIN_SHARE_NORMAL else "decoy"
    if draw < PLAIN_SHARE:
        return "none"
    return "decoy" if draw < PLAIN_SHARE + ELSEWHERE_SHARE else "finding"


def _region(
    kind: RegionKind,
    case: Case,
    hu: NDArray[np.float64],
    mask: NDArray[np.bool_],
    other: SliceBox,
    manifest: Manifest,
    rng: np.random.Generator,
) -> SliceBox | None:
    if kind == "none":
        return None
    if kind == "decoy":
        return decoy(hu, mask, other, manifest, rng)
    assert case.box_slice is not None
    rows, cols = hu.shape
    if rng.random() < BESIDE_SHARE:
        return beside(case.box_slice, rows, cols, manifest, rng)
    return jittered(case.box_slice, rows, cols, rng)


def jittered(box: SliceBox, rows: int, cols: int, rng: np.random.Generator) -> SliceBox:
    """The box moved and stretched by chance, its intersection over union with itself at least 0.3."""
    width, height = box.x1 - box.x0, box.y1 - box.y0
    spread = rng.uniform(0.02, 0.35)
    for _ in range(_TRIES):
        dx0, dy0, dx1, dy1 = rng.normal(0.0, spread, 4) * (width, height, width, height)
        x0, y0 = max(box.x0 + dx0, 0.0), max(box.y0 + dy0, 0.0)
        x1, y1 = min(box.x1 + dx1, float(cols)), min(box.y1 + dy1, float(rows))
        if x1 - x0 >= 1 and y1 - y0 >= 1 and box.iou(moved := SliceBox(x0, y0, x1, y1)) >= LEAST_IOU:
            return moved
    return box


def beside(box: SliceBox, rows: int, cols: int, manifest: Manifest, rng: np.random.Generator) -> SliceBox:
    """The box moved as far as its inset still shows the whole lesion; a small one may miss it."""
    width, height = box.x1 - box.x0, box.y1 - box.y0
    reach = max(manifest.zoom.min_crop * min(rows, cols), manifest.zoom.context * max(width, height)) / 2
    for _ in range(_TRIES):
        x, y = rng.uniform(-reach, reach, 2) + box.centre
        x0, y0 = x - width / 2, y - height / 2
        if x0 < 0 or y0 < 0 or x0 + width > cols or y0 + height > rows:
            continue
        moved = SliceBox(x0, y0, x0 + width, y0 + height)
        crop = zoom.crop_for(moved, rows, cols, manifest.zoom)
        if crop.x0 <= box.x0 and crop.y0 <= box.y0 and box.x1 <= crop.x1 and box.y1 <= crop.y1:
            return moved
    return jittered(box, rows, cols, rng)


def decoy(
    hu: NDArray[np.float64],
    mask: NDArray[np.bool_],
    like: SliceBox,
    manifest: Manifest,
    rng: np.random.Generator,
) -> SliceBox | None:
    """A region whose inset shows nothing of the lesion: another's box, half the time in place, else moved.

    Parameters
    ----------
    like : SliceBox
        The lesion's box on some other slice of the data set.

    Returns
    -------
    SliceBox or None
        None where no place was found.
    """
    rows, cols = hu.shape
    in_place = rng.random() < 0.5
    for attempt in range(_TRIES):
        box = jittered(like, rows, cols, rng) if in_place and attempt < 3 else _moved(like, hu, rng)
        if box is None:
            continue
        crop = zoom.crop_for(box, rows, cols, manifest.zoom)
        if not mask[int(crop.y0) : int(crop.y1), int(crop.x0) : int(crop.x1)].any():
            return box
    return None


def _moved(like: SliceBox, hu: NDArray[np.float64], rng: np.random.Generator) -> SliceBox | None:
    """The box somewhere else, inside the body; None if this draw fell outside."""
    rows, cols = hu.shape
    width, height = like.x1 - like.x0, like.y1 - like.y0
    x, y = rng.uniform(0.1 * cols, 0.9 * cols), rng.uniform(0.15 * rows, 0.85 * rows)
    around = hu[max(int(y) - 1, 0) : int(y) + 2, max(int(x) - 1, 0) : int(x) + 2].mean()
    if around < AIR_BELOW_HU:
        return None
    x0, y0 = max(x - width / 2, 0.0), max(y - height / 2, 0.0)
    return SliceBox(x0, y0, min(x + width / 2, cols), min(y + height / 2, rows))
