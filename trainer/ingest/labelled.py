"""Labels of single slices, each with an answer and perhaps a box: from a CSV file or the viewer's journal."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from medreason_viewer.volume.geometry import SliceBox
from trainer.data.case import Split

from . import truth
from .build import Origin, Said, Vocabulary, draft
from .draft import Draft
from .images import Library, Place
from .intake import Intake, suggestion
from .patients import Given, settled, straddles
from .questions import RegionSaid
from .table import box_of, read_table, split_of

REQUIRED: Final = ("patient", "sop", "x0", "y0", "x1", "y1", "answer")
OPTIONAL: Final = ("frame", "split", "question", "exhaustive")


@dataclass(frozen=True, slots=True)
class Label:
    """What somebody said of one slice.

    Attributes
    ----------
    where : str
        File and row.
    patient : str
        As the source names them.
    frame : int
        Of a multi-frame instance, from 1.
    box_slice : SliceBox or None
        None for a slice without a region.
    exhaustive : bool
        Whether what is not marked is known to be absent; a slice answered *no finding* says so itself.
    regions : tuple of RegionSaid
        What was said of single regions.
    whole : bool
        False where that is all that was said: the answer is then *no finding* for want of one, and not asked.
    """

    where: str
    patient: str
    sop: str
    answer: str
    box_slice: SliceBox | None = None
    frame: int = 1
    question: str | None = None
    split: Split | None = None
    exhaustive: bool = False
    regions: tuple[RegionSaid, ...] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class CsvSource:
    """A folder of DICOM and a CSV file of labels and boxes."""

    images: Path
    labels: Path
    vocabulary: Vocabulary
    licence: str
    name: str = "DICOM with a table of labels"

    def drafts(self, intake: Intake) -> Iterator[Draft]:
        """See :class:`~.gather.Source`."""
        labels = read_labels(self.labels, intake)
        origin = Origin(self.name, self.licence)
        yield from drafts(labels, Library(self.images), self.vocabulary, origin, intake)


def read_labels(path: Path, intake: Intake) -> list[Label]:
    """The labels of a CSV file; columns patient, sop, x0, y0, x1, y1, answer, and perhaps others."""
    labels = []
    for row in read_table(path, REQUIRED, OPTIONAL):
        frame = row.cells.get("frame") or "1"
        if not frame.isdecimal() or int(frame) < 1:
            intake.problem(row.where, f"the frame {frame!r} is not a number from 1 on")
            frame = "1"
        labels.append(
            Label(
                where=row.where,
                patient=row.cells["patient"],
                sop=row.cells["sop"],
                answer=row.cells["answer"],
                box_slice=box_of(row, intake),
                frame=int(frame),
                question=row.cells.get("question") or None,
                split=split_of(row, intake),
                exhaustive=row.cells.get("exhaustive", "").casefold() in ("1", "yes", "true"),
            )
        )
    return labels


def drafts(
    labels: Sequence[Label],
    library: Library,
    vocabulary: Vocabulary,
    origin: Origin,
    intake: Intake,
) -> Iterator[Draft]:
    """Cases from labels: everything that headers tell is checked first, then pixels are read.

    Raises
    ------
    DataSetError
        Before the first case, if any label is wrong.
    """
    splits = settled([Given(label.where, label.patient, label.split) for label in labels], intake)
    placed = [(label, _placed(label, library, vocabulary, intake)) for label in labels]
    good = [(label, place) for label, place in placed if place is not None]
    _check_patients(good, intake)
    intake.refuse()
    kept = [
        (label, place)
        for label, place in sorted(good, key=lambda pair: _order(pair[1]))
        if not straddles(Given(label.where, label.patient, label.split), splits, intake)
    ]
    shown: dict[tuple[str, int], set[str | None]] = defaultdict(set)
    for label, _ in good:
        shown[label.sop, label.frame].add(vocabulary.match(label.answer))
    read = library.pixels(((label.where, place) for label, place in kept), intake)
    for (label, place), pixels in zip(kept, read, strict=True):
        if pixels is not None:
            found = truth.of_box(pixels, label.box_slice) if label.box_slice else truth.nothing(pixels)
            said = _said(label, vocabulary, splits[label.patient], shown[label.sop, label.frame])
            yield draft(said, found, pixels, place.series, place.frame, vocabulary.options, origin)


def _said(label: Label, vocabulary: Vocabulary, split: Split | None, shown: Collection[str | None]) -> Said:
    """``shown``: what any label says of the same slice."""
    answer = vocabulary.match(label.answer)
    assert answer is not None
    exhaustive = label.whole and (label.exhaustive or answer == vocabulary.no_finding)
    return Said(
        where=label.where,
        patient=label.patient,
        answer=answer,
        exhaustive=exhaustive,
        question=label.question,
        split=split,
        absent=_absent(label, vocabulary, shown) if exhaustive else (),
        regions=label.regions,
        whole=label.whole,
    )


def _absent(label: Label, vocabulary: Vocabulary, shown: Collection[str | None]) -> tuple[str, ...]:
    """A finding to ask for that the slice does not show, drawn by its instance; none if it shows them all."""
    left = [name for name in vocabulary.options if name != vocabulary.no_finding and name not in shown]
    draw = zlib.crc32(f"{label.sop} {label.frame}".encode())
    return (left[draw % len(left)],) if left else ()


def _order(place: Place) -> tuple[str, int, int]:
    return place.series.identity.series_uid, id(place.series), place.index


def _placed(label: Label, library: Library, vocabulary: Vocabulary, intake: Intake) -> Place | None:
    """The slice that a label speaks of, if there is nothing wrong with either."""
    before = len(intake.problems)
    if not label.patient:
        intake.problem(label.where, "it names no patient")
    _check_answer(label, vocabulary, intake)
    place = library.find(label.sop, label.frame)
    if place is None:
        intake.problem(label.where, library.missing())
        return None
    _check_image(label, place, library, intake)
    return place if len(intake.problems) == before else None


def _check_answer(label: Label, vocabulary: Vocabulary, intake: Intake) -> None:
    answer = vocabulary.match(label.answer)
    if answer is None:
        hint = suggestion(label.answer, vocabulary.options)
        told = f"the answer {label.answer!r} is not among the options ({', '.join(vocabulary.options)}){hint}"
        intake.problem(label.where, told)
    elif answer == vocabulary.no_finding and label.box_slice is not None:
        intake.problem(label.where, f"it has a box, yet its answer is {answer!r}")
    elif answer != vocabulary.no_finding and label.box_slice is None:
        intake.problem(label.where, f"its answer is {answer!r}, yet it has no box")


def _check_image(label: Label, place: Place, library: Library, intake: Intake) -> None:
    objection = library.objection(place)
    if objection:
        intake.problem(label.where, objection)
    rows, cols = place.series.rows, place.series.cols
    own = [label.box_slice] if label.box_slice is not None else []
    for found in (*own, *(said.box_slice for said in label.regions)):
        if not found.fits(rows, cols):
            box = ", ".join(f"{value:g}" for value in found.as_tuple())
            intake.problem(
                label.where, f"the box ({box}) lies outside the image, which is {cols} wide and {rows} high"
            )


def _check_patients(good: Sequence[tuple[Label, Place]], intake: Intake) -> None:
    """Whether the table and the headers agree on who is one patient."""
    named: dict[str, Label] = {}
    meant: dict[str, tuple[str, Label]] = {}
    for label, place in good:
        if not place.patient:
            continue
        first = named.setdefault(place.patient, label)
        if first.patient != label.patient:
            intake.problem(
                f"{first.where} and {label.where}", "the images are of one patient, the rows name two"
            )
        header, one = meant.setdefault(label.patient, (place.patient, label))
        if header != place.patient:
            intake.problem(
                f"{one.where} and {label.where}", "the rows name one patient, the images are of two"
            )
