"""Regions drawn over a series, slice by slice, whichever object they come in: which slices become cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medreason_viewer.errors import UnreadableFile
from medreason_viewer.volume.dicom.names import SOP_CLASS
from medreason_viewer.volume.dicom.tags import NotDicom, read_tags

from . import truth
from .build import Origin, Said, Vocabulary, draft
from .draft import Draft
from .images import Library, Place
from .intake import Intake, suggestion

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """One region: its own label, and its mask, shape (row, col), on every slice that shows it."""

    where: str
    label: str
    masks: list[tuple[Place, Mask]]


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of regions.

    Attributes
    ----------
    answers : mapping of str to str
        From labels, as the objects write them, to options; an empty option leaves a region out.
    slices : int
        At most so many slices of each region.
    """

    vocabulary: Vocabulary
    answers: Mapping[str, str]
    slices: int = 3

    def answer(self, region: Marked, intake: Intake) -> str | None:
        """The option that a region's label means; None, and a problem, if it means none."""
        options = self.vocabulary.options
        meant = next((to for label, to in self.answers.items() if _same(label, region.label)), region.label)
        if not meant:
            intake.drop("region left out by its label")
            return None
        answer = self.vocabulary.match(meant)
        if answer is None:
            told = f"{meant!r} is not among the options ({', '.join(options)}){suggestion(meant, options)}"
            intake.problem(region.where, f"{told}; --map says what a label means, or nothing to leave it out")
        return answer


def _same(one: str, two: str) -> bool:
    return one.strip().casefold() == two.strip().casefold()


def files_of_class(path: Path, classes: Iterable[str]) -> list[Path]:
    """The DICOM files at a path, or below it, that are of one of the SOP classes; by name."""
    wanted = frozenset(classes)
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    return [file for file in files if _sop_class(file) in wanted]


def _sop_class(path: Path) -> str:
    try:
        return read_tags(path, frozenset((SOP_CLASS,))).text(SOP_CLASS)
    except (NotDicom, UnreadableFile, OSError):
        return ""


def drafts(
    regions: Iterable[Marked], library: Library, choice: Choice, origin: Origin, intake: Intake
) -> Iterator[Draft]:
    """Cases from drawn regions; everything but the pixels is checked before the first one.

    Raises
    ------
    DataSetError
        Before the first case, if any region is wrong.
    """
    chosen: list[tuple[Place, Mask, Said]] = []
    for region in regions:
        answer = choice.answer(region, intake)
        if answer is not None:
            chosen += _chosen(region, answer, library, choice.slices, intake)
    intake.refuse()
    chosen.sort(key=lambda each: (each[0].series.identity.series_uid, id(each[0].series), each[0].index))
    read = library.pixels(((said.where, place) for place, _, said in chosen), intake)
    for (place, mask, said), pixels in zip(chosen, read, strict=True):
        if pixels is not None:
            found = truth.of_mask(pixels, mask)
            yield draft(said, found, pixels, place.series, place.frame, choice.vocabulary.options, origin)


def _chosen(
    region: Marked, answer: str, library: Library, slices: int, intake: Intake
) -> Iterator[tuple[Place, Mask, Said]]:
    by_series: dict[int, dict[int, tuple[Place, Mask]]] = defaultdict(dict)
    for place, mask in region.masks:
        if mask.any():
            by_series[id(place.series)][place.index] = place, mask
    if not by_series:
        intake.problem(region.where, "it marks nothing on any image of the folder")
    for marked in by_series.values():
        areas = {index: int(mask.sum()) for index, (_, mask) in marked.items()}
        for place, mask in (marked[index] for index in truth.best_slices(areas, slices)):
            where = f"{region.where}, slice {place.index}"
            objection = library.objection(place)
            if objection or not place.patient:
                intake.problem(where, objection or "the image names no patient")
            yield place, mask, Said(where, place.patient, answer)
