"""The readers' verdicts as training data, through a small interface that any journal can offer.

A journal yields :class:`KeptRegion` objects: :class:`ViewerJournal` those of the viewer's own journal,
:class:`JsonLines` those of a file with one JSON object a line, its keys the names of the fields, boxes four
numbers or null. The images stay where they are: a region names them by SOP instance and frame.

What a verdict teaches, and no more than that:

- an accepted or corrected region shows the answer that the reader left standing: a case like any other;
- a rejected answer is wrong in that region. What the region does show, and what the rest of the slice shows,
  nobody said: so it becomes the question whether this region shows that answer, with *no*;
- the answer that a reader put another in place of is wrong in the region that they left;
- a region that a reader emptied does not show the model's answer; that the rest of the slice is normal is not
  said by that. (An entry that does not tell the model's region is taken to speak of the slice.)

The same is asked, with *yes*, of regions that show their answer, for a question that is always answered alike
would teach the answer and not the picture.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, Protocol

from medreason_viewer.errors import DataSetError
from medreason_viewer.findings.finding import VERDICTS, Judgement, Verdict
from medreason_viewer.findings.journal import Entry, Views
from medreason_viewer.reasoning.request import Explanation
from medreason_viewer.volume.geometry import SliceBox

from . import labelled
from .build import Origin, Vocabulary
from .draft import Draft
from .images import Library
from .intake import Intake, suggestion
from .labelled import Label
from .questions import RegionSaid

_TEXTS: Final = ("patient", "sop_uid", "answer", "verdict")
_BOXES: Final = ("box_slice", "model_box_slice")


@dataclass(frozen=True, slots=True)
class KeptRegion:
    """What a reader made of one explained region.

    Attributes
    ----------
    where : str
        For a person to find the entry again, such as ``entry 12``.
    patient : str
        The journal's own key of the patient; it is hashed before anything is written.
    box_slice : SliceBox or None
        In slice pixels, as the reader left it; None where they said that there is nothing.
    answer : str
        As the reader left it; of a rejected region the model's.
    question : str or None
        The reader's own; None for the bundle's.
    model_answer, model_box_slice
        What the model said, and of which region; empty and None where the journal does not tell.
    """

    where: str
    patient: str
    sop_uid: str
    answer: str
    verdict: Verdict
    box_slice: SliceBox | None = None
    frame_number: int = 1
    question: str | None = None
    model_answer: str = ""
    model_box_slice: SliceBox | None = None

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"the verdict {self.verdict!r} is not one of {', '.join(VERDICTS)}")
        if self.frame_number < 1:
            raise ValueError(f"the frame {self.frame_number} is not a number from 1 on")


class Journal(Protocol):
    """Whatever keeps readers' verdicts."""

    def kept(self, intake: Intake) -> Iterator[KeptRegion]:
        """Every region with its verdict; an entry that makes no sense is a problem in the intake."""
        ...


@dataclass(frozen=True, slots=True)
class JsonLines:
    """A journal in a file, one JSON object a line."""

    path: Path

    def kept(self, intake: Intake) -> Iterator[KeptRegion]:
        """See :class:`Journal`."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataSetError(f"{self.path} cannot be read: {error}.") from error
        for number, line in enumerate(lines, start=1):
            if line.strip():
                where = f"{self.path.name}, row {number}"
                try:
                    yield _region(where, json.loads(line))
                except (ValueError, TypeError) as error:
                    intake.problem(where, str(error))


def _region(where: str, entry: Any) -> KeptRegion:
    known = [field.name for field in fields(KeptRegion) if field.name != "where"]
    if not isinstance(entry, dict):
        raise TypeError("it is not a JSON object")
    for key in entry:
        if key not in known:
            raise ValueError(f"the key {key!r} is not known{suggestion(key, known)}")
    missing = [key for key in _TEXTS if key not in entry]
    if missing:
        raise ValueError(f"there is no {missing[0]!r}")
    if not all(isinstance(entry[key], str) for key in _TEXTS):
        raise TypeError("patient, sop_uid, answer and verdict must be text")
    boxes = {key: SliceBox(*entry[key]) for key in _BOXES if entry.get(key) is not None}
    return KeptRegion(where, **{**entry, **dict.fromkeys(_BOXES), **boxes})


@dataclass(frozen=True, slots=True)
class ViewerJournal:
    """The viewer's own journal; what has no verdict yet is left out."""

    path: Path

    def kept(self, intake: Intake) -> Iterator[KeptRegion]:
        """See :class:`Journal`."""
        with Views.open_to_read(self.path) as journal:
            made = {entry.event.finding_id: entry for entry in journal.entries("explained")}
            found = journal.findings()
        judged = [(finding, finding.judgement) for finding in found if finding.judgement is not None]
        for _ in range(len(found) - len(judged)):
            intake.drop("region without a verdict")
        for finding, judgement in sorted(judged, key=lambda pair: pair[1].at):
            if finding.explanation.key.sop_uid:
                yield _kept(made[finding.id], judgement)
            else:
                intake.drop("region on a reformatted plane, or on a file that is not DICOM")


def _kept(entry: Entry, judged: Judgement) -> KeptRegion:
    made: Explanation = entry.event.explanation
    return KeptRegion(
        where=f"entry {entry.number}",
        patient=made.key.patient_key,
        sop_uid=made.key.sop_uid,
        answer=judged.answer,
        verdict=judged.verdict,
        box_slice=judged.box_slice,
        frame_number=made.key.frame_number,
        question=entry.event.asked.question,
        model_answer=made.answer or "",
        model_box_slice=made.region.box_slice,
    )


@dataclass(frozen=True, slots=True)
class JournalSource:
    """A journal, and the folder of DICOM that it speaks of.

    Attributes
    ----------
    meanings : mapping of str to str
        What an answer means among the options; one that means nothing is left out.
    part : bool
        Whether the folder may hold only some of the images: regions on others are then left out and counted.
    """

    images: Path
    journal: Journal
    vocabulary: Vocabulary
    licence: str
    name: str = "readers' verdicts"
    meanings: Mapping[str, str] = field(default_factory=dict)
    part: bool = False

    def drafts(self, intake: Intake) -> Iterator[Draft]:
        """See :class:`~.gather.Source`."""
        library, origin = Library(self.images), Origin(self.name, self.licence)
        slices: dict[tuple[str, int], _Slice] = {}
        for region in self.journal.kept(intake):
            place = region.sop_uid, region.frame_number
            if self.part and library.find(*place) is None:
                intake.drop("region on an image that is not in the folder")
            else:
                slices.setdefault(place, _Slice(self)).take(region, intake)
        labels = [label for found in slices.values() for label in found.labels()]
        yield from labelled.drafts(labels, library, self.vocabulary, origin, intake)

    def meaning(self, answer: str) -> str:
        """An answer among the options, or as it is; empty where it is to be left out."""
        said = self.meanings.get(answer, answer)
        return self.vocabulary.match(said) or said


@dataclass(slots=True)
class _Slice:
    """All that was said of one slice; of one region the last word counts."""

    source: JournalSource
    whole: dict[SliceBox | None, Label] = field(default_factory=dict)
    regions: dict[tuple[str, SliceBox], RegionSaid] = field(default_factory=dict)
    first: KeptRegion | None = None

    def take(self, region: KeptRegion, intake: Intake) -> None:
        """Add what a verdict says."""
        answer, said = self.source.meaning(region.answer), self.source.meaning(region.model_answer)
        self.first = self.first or region
        if not answer:
            intake.drop("region whose answer was left out")
        elif region.question and (region.verdict == "rejected" or not self._is_option(answer)):
            intake.drop("answer to a reader's own question that is none of the options, or was rejected")
        elif region.verdict == "rejected":
            self._deny(answer, region.box_slice or region.model_box_slice, intake)
        elif region.box_slice is None and region.model_box_slice is not None:
            self._deny(said, region.model_box_slice, intake)
        else:
            self._affirm(region, answer, said, intake)

    def _affirm(self, region: KeptRegion, answer: str, said: str, intake: Intake) -> None:
        box = region.box_slice
        if box in self.whole:
            intake.drop("region that was judged again later")
        self.whole[box] = Label(
            region.where, region.patient, region.sop_uid, answer, box, region.frame_number, region.question
        )
        if box is None or answer == self.source.vocabulary.no_finding:
            return
        if region.question:
            return
        self._say(RegionSaid(answer, box, shown=True))
        if said != answer and self._is_finding(said):
            self._say(RegionSaid(said, box, shown=False))

    def _deny(self, answer: str, box: SliceBox | None, intake: Intake) -> None:
        if box is None:
            intake.drop("rejected answer without a region")
        elif not self._is_finding(answer):
            intake.drop("rejected answer that names no finding among the options")
        else:
            if box in self.whole and self.whole[box].answer == answer:
                intake.drop("region that was judged again later")
                del self.whole[box]
            self._say(RegionSaid(answer, box, shown=False))

    def _say(self, said: RegionSaid) -> None:
        self.regions[said.finding, said.box_slice] = said

    def _is_option(self, answer: str) -> bool:
        return answer in self.source.vocabulary.options

    def _is_finding(self, answer: str) -> bool:
        return self._is_option(answer) and answer != self.source.vocabulary.no_finding

    def labels(self) -> list[Label]:
        """One label for each marked region, and one for what is said of other regions alone."""
        marked = [
            replace(label, regions=tuple(said for said in self.regions.values() if said.box_slice == box))
            for box, label in self.whole.items()
        ]
        others = tuple(said for said in self.regions.values() if said.box_slice not in self.whole)
        if not others or self.first is None:
            return marked
        for number, label in enumerate(marked):
            if label.box_slice is None:
                marked[number] = replace(label, regions=others)
                return marked
        return [*marked, self._alone(self.first, others)]

    def _alone(self, first: KeptRegion, regions: Sequence[RegionSaid]) -> Label:
        return Label(
            first.where,
            first.patient,
            first.sop_uid,
            self.source.vocabulary.no_finding,
            frame=first.frame_number,
            regions=tuple(regions),
            whole=False,
        )
