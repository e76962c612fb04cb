"""The readers' verdicts as training data, through a small interface that any journal can offer.

A journal yields :class:`KeptRegion` objects. :class:`JsonLines` is one: a file with one JSON object a line,
its keys the names of the fields, ``box_slice`` four numbers or null. Accepted and corrected regions become
cases, with the answer that the reader left standing; rejected ones say only what the slice does not show,
and are left out. The images stay where they are: a region names them by SOP instance and frame.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from medreason_viewer.errors import DataSetError
from medreason_viewer.volume.geometry import SliceBox

from . import labelled
from .build import Origin, Vocabulary
from .draft import Draft
from .images import Library
from .intake import Intake, suggestion
from .labelled import Label

Verdict = Literal["accepted", "corrected", "rejected"]
VERDICTS: Final = ("accepted", "corrected", "rejected")


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
        As the reader left it; of a rejected region it is not used.
    question : str or None
        The reader's own; None for the bundle's.
    """

    where: str
    patient: str
    sop_uid: str
    answer: str
    verdict: Verdict
    box_slice: SliceBox | None = None
    frame_number: int = 1
    question: str | None = None

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
    missing = [key for key in ("patient", "sop_uid", "answer", "verdict") if key not in entry]
    if missing:
        raise ValueError(f"there is no {missing[0]!r}")
    if not all(isinstance(entry[key], str) for key in ("patient", "sop_uid", "answer", "verdict")):
        raise TypeError("patient, sop_uid, answer and verdict must be text")
    corners = entry.get("box_slice")
    return KeptRegion(where, **{**entry, "box_slice": None if corners is None else SliceBox(*corners)})


@dataclass(frozen=True, slots=True)
class JournalSource:
    """A journal, and the folder of DICOM that it speaks of."""

    images: Path
    journal: Journal
    vocabulary: Vocabulary
    licence: str
    name: str = "readers' verdicts"

    def drafts(self, intake: Intake) -> Iterator[Draft]:
        """See :class:`~.gather.Source`."""
        labels = []
        for region in self.journal.kept(intake):
            if region.verdict == "rejected":
                intake.drop("region rejected by the reader")
            else:
                labels.append(_label(region))
        origin = Origin(self.name, self.licence)
        yield from labelled.drafts(labels, Library(self.images), self.vocabulary, origin, intake)


def _label(region: KeptRegion) -> Label:
    return Label(
        region.where,
        region.patient,
        region.sop_uid,
        region.answer,
        region.box_slice,
        region.frame_number,
        region.question,
    )
