"""What events have in common: whom they speak of, when they were made, and ids."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from ...volume.ct import ImageKey


def new_id() -> str:
    """An id for a finding, a mark or a send: unique everywhere, and it says nothing."""
    return uuid.uuid4().hex


def now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom and what an event speaks of: the columns by which it is found, and by which it is erased."""

    patient_key: str = ""
    study_uid: str = ""
    series_uid: str = ""
    pixels_sha256: str = ""
    finding_id: str = ""

    @classmethod
    def of(cls, key: ImageKey, finding_id: str = "") -> Subject:
        """The subject that an image's key names."""
        return cls(key.patient_key, key.study_uid, key.series_uid, key.pixels_sha256, finding_id)


class Event(Protocol):
    """What every event offers."""

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Every patient that the event speaks of; none for an event of the journal itself."""
        ...
