"""What an archive can do, whatever it speaks, and what goes in and out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Protocol

from ..cancel import Cancel
from ..servers import Server
from .inbox import StudyFolder
from .part10 import is_uid

MOST_STUDIES: Final = 500
_LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class Query:
    """What a study must match; what is empty does not matter.

    Attributes
    ----------
    patient_name, patient_id, accession, study_uid : str
        ``*`` and ``?`` stand for any letters and any letter, but not in a UID.
    modality : str
        Such as ``CT``: a study in which it occurs.
    first_date, last_date : date or None
        Of the study, both inclusive.
    limit : int
        How many studies to take at most.
    description : str
        Of the study; not every archive searches by it.

    Raises
    ------
    ValueError
        If a text is too long or holds a backslash or a control character, or the dates are
        in the wrong order.
    """

    patient_name: str = ""
    patient_id: str = ""
    accession: str = ""
    study_uid: str = ""
    modality: str = ""
    first_date: date | None = None
    last_date: date | None = None
    limit: int = MOST_STUDIES
    description: str = ""

    def __post_init__(self) -> None:
        for name in ("patient_name", "patient_id", "accession", "study_uid", "modality", "description"):
            text = getattr(self, name)
            if len(text) > _LONGEST or "\\" in text or not text.isprintable():
                raise ValueError(f"{name.replace('_', ' ')}: at most {_LONGEST} letters, no backslash")
        if self.study_uid and not is_uid(self.study_uid):
            raise ValueError("study UID: digits and dots alone")
        if self.first_date and self.last_date and self.first_date > self.last_date:
            raise ValueError("the first date comes after the last one")
        if self.limit < 1:
            raise ValueError("the limit must be at least 1")

    @property
    def dates(self) -> str:
        """The dates as a DICOM range, such as ``20260101-``; empty if there are none."""
        first, last = (f"{day:%Y%m%d}" if day else "" for day in (self.first_date, self.last_date))
        if not first and not last:
            return ""
        return first if first == last else f"{first}-{last}"


@dataclass(frozen=True, slots=True)
class StudyFound:
    """A study as an archive describes it; texts are the archive's, and may be anything."""

    study_uid: str
    patient_name: str = ""
    patient_id: str = ""
    birth_date: str = ""
    accession: str = ""
    date: str = ""
    time: str = ""
    description: str = ""
    modalities: tuple[str, ...] = ()
    series: int | None = None
    instances: int | None = None


@dataclass(frozen=True, slots=True)
class SeriesFound:
    """A series as an archive describes it."""

    study_uid: str
    series_uid: str
    modality: str = ""
    number: int | None = None
    description: str = ""
    body_part: str = ""
    instances: int | None = None


@dataclass(frozen=True, slots=True)
class InstanceFound:
    """One object that an archive holds."""

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a fetch is to bring: of one study, or one series of it.

    Attributes
    ----------
    instances : tuple of InstanceFound
        Those that are not here yet.
    whole : bool
        Whether these are all that the study or series has, so that one request brings them.
    """

    study_uid: str
    series_uid: str | None
    instances: tuple[InstanceFound, ...]
    whole: bool

    @property
    def sop_uids(self) -> frozenset[str]:
        """The SOP instance UIDs that may arrive."""
        return frozenset(instance.sop_uid for instance in self.instances)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A file to be sent, and what it says it is: a DICOM file with its meta information."""

    path: Path
    sop_uid: str
    sop_class: str
    transfer_syntax: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one file.

    Attributes
    ----------
    reason : str
        Why it was not stored, as a sentence; empty if it was.
    permanent : bool
        Whether trying again is of no use.
    """

    outgoing: Outgoing
    reason: str = ""
    permanent: bool = False

    @property
    def stored(self) -> bool:
        """Whether the archive has acknowledged it."""
        return not self.reason


class Archive(Protocol):
    """A PACS behind DIMSE or DICOMweb; each call is a conversation of its own.

    Every method raises :class:`~medreason_viewer.errors.ServerUnreachable` where there is no answer in time
    or the connection breaks, :class:`~medreason_viewer.errors.ServerRefused` where the answer is no, and
    :class:`~medreason_viewer.errors.Cancelled` soon after the token asks.
    """

    @property
    def server(self) -> Server:
        """Which one it is."""

    def echo(self, cancel: Cancel) -> None:
        """Ask whether it is there and would talk to us."""

    def find_studies(self, query: Query, cancel: Cancel) -> Iterator[StudyFound]:
        """Studies that match, as they come, at most ``query.limit``."""

    def find_series(self, study_uid: str, cancel: Cancel) -> Iterator[SeriesFound]:
        """The series of a study."""

    def find_instances(
        self, study_uid: str, series_uid: str | None, cancel: Cancel
    ) -> Iterator[InstanceFound]:
        """Every object of a study, or of one series of it."""

    def fetch(self, wanted: Wanted, into: StudyFolder, cancel: Cancel) -> Iterator[Path]:
        """Bring what is wanted; yields each file once it is whole and on disk. May end with some missing."""

    def send(self, files: Sequence[Outgoing], cancel: Cancel) -> Iterator[Sent]:
        """Send files as they are, in their own transfer syntax; yields what became of each, in any order."""
