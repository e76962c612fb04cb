"""What an archive found -> rows of a table; made off the GUI thread, for an archive may send long texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ...drawing.words import date, patient
from ...network.archive import SeriesFound, StudyFound
from ...volume.series import Identity
from ..plain import readable

_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Column:
    """Its heading, its width in device-independent pixels, and whether numbers stand in it."""

    title: str
    width: int
    numbers: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: what it is of, what its cells say, and by what they are sorted."""

    item: object
    texts: tuple[str, ...]
    keys: tuple[tuple[float, str], ...]


STUDIES: Final = (
    Column("Patient", 190),
    Column("Patient ID", 110),
    Column("Born", 84),
    Column("Date", 84),
    Column("Time", 56),
    Column("Modality", 74),
    Column("Description", 200),
    Column("Accession", 100),
    Column("Images", 72, numbers=True),
)
SERIES: Final = (
    Column("No.", 54, numbers=True),
    Column("Modality", 74),
    Column("Description", 320),
    Column("Body part", 120),
    Column("Images", 72, numbers=True),
)


def study_row(study: StudyFound) -> Row:
    """A study as a line; sorted by the time of day within a date."""
    when = f"{study.date}{study.time}"
    texts = (
        name_of(study),
        study.patient_id,
        date(study.birth_date),
        date(study.date),
        _clock(study.time),
        ", ".join(study.modalities),
        study.description,
        study.accession,
        _count(study.instances),
    )
    return _row(study, texts, {3: (0, when), 8: (_order(study.instances), "")})


def series_row(series: SeriesFound) -> Row:
    """A series as a line."""
    texts = (
        _count(series.number),
        series.modality,
        series.description,
        series.body_part,
        _count(series.instances),
    )
    return _row(series, texts, {0: (_order(series.number), ""), 4: (_order(series.instances), "")})


def name_of(study: StudyFound) -> str:
    """The patient's name as people write it, else the number."""
    return patient(Identity(patient_name=study.patient_name[:_LONGEST], patient_key=study.patient_id))


def plain(text: str) -> str:
    """One line of bounded length, without anything that Qt or a terminal might obey."""
    return " ".join(readable(text[:_LONGEST]).split())


def _row(item: object, texts: Sequence[str], keys: dict[int, tuple[float, str]]) -> Row:
    shown = tuple(map(plain, texts))
    return Row(item, shown, tuple(keys.get(at, (0, text.casefold())) for at, text in enumerate(shown)))


def _clock(time: str) -> str:
    return f"{time[:2]}:{time[2:4]}" if time[:4].isdigit() and len(time) >= 4 else time


def _count(number: int | None) -> str:
    return "" if number is None else str(number)


def _order(number: int | None) -> float:
    return -1.0 if number is None else float(number)
