"""One training example: a turn of the dialogue with its picture and the reply to learn.

The question of a *reason* turn is about the region in the inset. Were that region always the truth, the
inset's mere presence and place would give the answer away. So:

- regions with the finding are the truth jittered (intersection over union 0.3 to 1), never the truth itself;
  one in five is moved further, as far as the inset still shows the whole lesion;
- slices without a finding get decoy regions: boxes of other slices' lesions, in place or moved;
- some slices with a finding get a decoy elsewhere, and the reply is about what the inset shows: nothing; only
  where it is known that nothing else is there;
- some slices have no inset, as when *locate* finds none: then it is about the whole slice. Most of these are
  normal, as in the dialogue, so without an inset the model leans to no finding.

A question of the source's own is answered as the source does, whatever the inset shows, from among its own
options; where the source speaks of one region alone, and it is not the finding's, the inset is of that very
region. A finished picture is shown as it is, with its own question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from medreason_viewer.errors import DataSetError
from medreason_viewer.reasoning import prompt, zoom
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.volume.geometry import SliceBox

from ..data import case as cases
from ..data.case import Case
from ..data.dataset import DataSet
from ..data.vocabulary import questioned
from . import regions, replies
from .measured import measured
from .pictures import model_picture

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
BUNDLE_SHARE: Final = 0.5
"""The bundle's own question, where a slice has others beside it: it is the one that the viewer asks."""
BESIDE_SHARE: Final = 0.2
"""Regions with the finding that only need to show it in their inset, as a slightly wrong *locate* does."""


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
    answer : str
        What is right to answer; in a *locate* turn the name of the finding.
    manifest : Manifest or None
        The bundle's, its answer classes being the question's options where it has its own.
    """

    turn: Turn
    image: NDArray[np.uint8]
    messages: list[prompt.Message]
    target: str
    slice_map: zoom.SliceMap
    composite: zoom.Composite | None = None
    region_slice: SliceBox | None = None
    shown: bool = False
    answer: str = ""
    manifest: Manifest | None = None


def make(data: DataSet, index: int, turn: Turn, manifest: Manifest, rng: np.random.Generator) -> Item:
    """The example that this draw of ``rng`` gives for one slice of the data set.

    Parameters
    ----------
    turn : {"locate", "reason"}
        A case that has no such turn to learn from gives one of the other.

    Raises
    ------
    DataSetError
        If the case has no turn to learn from.
    """
    case, asked = data.cases[index], _asked(data, index, turn, rng)
    if case.pixels == "picture":
        return _pictured(case, asked, data.picture(index), manifest)
    hu = vary(data.hu(index), rng)
    if asked.turn == "locate":
        return _locate(case, hu, manifest)
    return _Reason(data, index, asked, hu, manifest, rng).item()


def _asked(data: DataSet, index: int, turn: Turn, rng: np.random.Generator) -> cases.Turn:
    """One of the case's turns of this kind, by chance; of the other kind if it has none."""
    turns = data.taught[index]
    of_kind = [each for each in turns if each.turn == turn] or list(turns)
    if not of_kind:
        raise DataSetError(f"{data.row(index)}: there is nothing to learn from it.")
    if len(of_kind) == 1:
        return of_kind[0]
    bundles = [each for each in of_kind if each.question is None]
    chosen = bundles if bundles and rng.random() < BUNDLE_SHARE else of_kind
    return chosen[int(rng.integers(len(chosen)))]


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
    return Item(
        "locate",
        picture.image,
        prompt.locate_messages(manifest),
        prompt.write_boxes(boxes, picture.slice_map, manifest),
        picture.slice_map,
        shown=bool(boxes),
        answer=case.finding,
        manifest=manifest,
    )


def _pictured(case: Case, asked: cases.Turn, picture: NDArray[np.uint8], manifest: Manifest) -> Item:
    """A finished picture with its own question; of reasoning nothing is known but the answer."""
    shown, own = model_picture(picture, manifest.image), questioned(manifest, asked.options)
    return Item(
        "reason",
        shown.image,
        prompt.reason_messages(own, asked.question),
        _written([replies.ANSWER.format(answer=asked.answer)], asked.answer, own),
        shown.slice_map,
        shown=case.box_slice is not None,
        answer=asked.answer,
        manifest=own,
    )


def _written(steps: list[str], answer: str, manifest: Manifest) -> str:
    return prompt.write_reply(steps if manifest.reply.thinking else [], answer, manifest)


@dataclass(frozen=True, slots=True, eq=False)
class _Reason:
    """The making of one *reason* turn; every choice is drawn from ``rng``, in a fixed order."""

    data: DataSet
    index: int
    asked: cases.Turn
    hu: NDArray[np.float64]
    manifest: Manifest
    rng: np.random.Generator

    @property
    def case(self) -> Case:
        return self.data.cases[self.index]

    def item(self) -> Item:
        like = regions.some_box(self.data, self.index, self.rng)
        kind = self._kind()
        region = self._region(kind, like)
        shown = self.case.box_slice is not None and (kind == "finding" or region is None)
        picture = zoom.composite(self.hu, region, self.manifest)
        answer = self._answer(shown=shown)
        steps = self._steps(answer, shown=shown, zoomed=region is not None)
        question, manifest = self._question()
        return Item(
            "reason",
            picture.image,
            prompt.reason_messages(manifest, question),
            _written(steps, answer, manifest),
            picture.slice_map,
            picture,
            region,
            shown,
            answer,
            manifest,
        )

    def _kind(self) -> RegionKind:
        if self.asked.region_slice is not None:
            return "finding" if self.asked.region_slice == self.case.box_slice else "decoy"
        draw = self.rng.random()
        if self.case.box_slice is None:
            return "none" if draw < PLAIN_SHARE_NORMAL else "decoy"
        if draw < PLAIN_SHARE:
            return "none"
        elsewhere = draw < PLAIN_SHARE + ELSEWHERE_SHARE and self._nothing_else()
        return "decoy" if elsewhere else "finding"

    def _nothing_else(self) -> bool:
        """Whether it is known that a region elsewhere shows nothing, and the question may be answered so."""
        return self.asked.question is None and self.case.exhaustive and bool(self.manifest.no_finding)

    def _region(self, kind: RegionKind, like: SliceBox) -> SliceBox | None:
        box = self.case.box_slice
        if kind == "none":
            return None
        if kind == "decoy" and self.asked.region_slice is not None:
            return self.asked.region_slice  # moved, it might show what it does not show here
        if kind == "decoy" or box is None:
            return regions.decoy(self.hu, self.data.mask(self.index), like, self.manifest, self.rng)
        rows, cols = self.hu.shape
        if self.rng.random() < BESIDE_SHARE:
            return regions.beside(box, rows, cols, self.manifest, self.rng)
        return regions.jittered(box, rows, cols, self.rng)

    def _answer(self, *, shown: bool) -> str:
        elsewhere = self.case.box_slice is not None and not shown
        return self.manifest.no_finding if elsewhere else self.asked.answer

    def _steps(self, answer: str, *, shown: bool, zoomed: bool) -> list[str]:
        own = self.asked.question is not None
        if self.case.mask_from == "phantom" and not own:
            return replies.steps_for(self.case, shown=shown, zoomed=zoomed, rng=self.rng)
        if not own and answer == self.manifest.no_finding:
            return replies.nothing_steps(answer, zoomed=zoomed, rng=self.rng)
        evidence = measured(self.data, self.index) if shown else None
        return replies.answer_steps(answer, evidence, own_question=own, zoomed=zoomed, rng=self.rng)

    def _question(self) -> tuple[str | None, Manifest]:
        """What is asked, and the manifest that says what may be answered."""
        if self.asked.question is not None:
            return self.asked.question, questioned(self.manifest, self.asked.options)
        if self.rng.random() >= QUESTION_SHARE:
            return None, self.manifest
        known = replies.questions_of(self.manifest.answer_classes)
        return known[int(self.rng.integers(len(known)))], self.manifest
