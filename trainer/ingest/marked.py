"""Regions drawn over a series, slice by slice, whichever object they come in: which slices become cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from medreason_viewer.errors import DataSetError
from medreason_viewer.findings.dicom.files import files_of_class

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


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of DICOM object that marks regions.

    Attributes
    ----------
    name, one : str
        Many of them, and one, in words.
    classes : tuple of str
        SOP classes.
    read : callable
        The regions of a file on the images of a library; what is wrong with it is a problem in the intake.
    """

    name: str
    one: str
    classes: tuple[str, ...]
    read: Callable[[Path, Library, Intake], Iterator[Marked]]


@dataclass(frozen=True, slots=True)
class MarkedSource:
    """A folder of DICOM images, and objects that mark regions on them.

    Attributes
    ----------
    objects : Path
        A file, or a folder in which they lie; may be the images' own.
    """

    images: Path
    objects: Path
    choice: Choice
    licence: str
    form: Form

    @property
    def name(self) -> str:
        """In words, for the card."""
        return self.form.name

    def drafts(self, intake: Intake) -> Iterator[Draft]:
        """See :class:`~.gather.Source`."""
        files = files_of_class(self.objects, self.form.classes)
        if not files:
            raise DataSetError(f"There is no {self.form.one} at {self.objects}.")
        library = Library(self.images)
        regions = (region for path in files for region in self.form.read(path, library, intake))
        yield from drafts(regions, library, self.choice, Origin(self.name, self.licence), intake)


def place_of(
    images: Sequence[Dataset] | None, point_mm: NDArray[np.float64], reference: str, library: Library
) -> Place | None:
    """The slice to which an object refers (the first of ``images``), or else the one at a point (LPS mm)."""
    if not images:
        return library.nearest(point_mm, reference)
    frame = images[0].get("ReferencedFrameNumber") or 1
    return library.find(str(images[0].ReferencedSOPInstanceUID), int(frame))


def objection(place: Place | None, patient: str, points_mm: NDArray[np.float64]) -> str:
    """What speaks against laying something over a slice, as a clause; empty if nothing does.

    Parameters
    ----------
    patient : str
        The object's own PatientID.
    points_mm : array of float64, shape (point, 3)
        LPS mm; all must lie in the slice's plane.
    """
    if place is None:
        return "no image of the folder lies there"
    if place.patient.split("\\")[0] != patient:
        return "it is of another patient than the image it refers to"
    plane = place.frame.plane
    if plane is None:
        return "the image it refers to does not say where it lies"
    if np.abs((points_mm - plane.origin_mm) @ plane.normal).max() > Library.half_step_mm(place):
        return "it does not lie in the plane of the image it refers to"
    return ""


def _same(one: str, two: str) -> bool:
    return one.strip().casefold() == two.strip().casefold()


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
