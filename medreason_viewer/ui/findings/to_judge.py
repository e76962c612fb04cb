"""Findings of all studies that still want a verdict, and where each lies."""

from __future__ import annotations

from dataclasses import dataclass

from ...findings.finding import Finding
from ...findings.journal import StudyOpened, Views
from ...volume.series import Identity


@dataclass(frozen=True, slots=True)
class ToJudge:
    """One finding without a verdict.

    Attributes
    ----------
    opened : StudyOpened or None
        Where its study was opened last. A file without UIDs says not whose it is: it is the one that was
        opened last before the finding was made.
    read : bool
        Whether the reader has committed a read of their own.
    """

    finding: Finding
    opened: StudyOpened | None
    read: bool

    @property
    def identity(self) -> Identity:
        """Whose it is, as far as it is known."""
        key = self.finding.explanation.key
        if self.opened is not None:
            return self.opened.identity
        return Identity(key.patient_key, study_uid=key.study_uid, series_uid=key.series_uid)


def to_judge(journal: Views) -> list[ToJudge]:
    """Those without a verdict, newest first."""
    places, nameless, before = {}, None, {}
    for entry in journal.entries("opened", "explained"):
        if isinstance(entry.event, StudyOpened):
            identity = entry.event.identity
            if identity.study_uid:
                places[identity.patient_key, identity.study_uid] = entry.event
            else:
                nameless = entry.event
        elif not entry.event.explanation.key.study_uid:
            before[entry.event.finding_id] = nameless
    reads = journal.own_reads()
    found = []
    for finding in journal.findings(unfinished=True):
        key = finding.explanation.key
        opened = places.get((key.patient_key, key.study_uid)) or before.get(finding.id)
        found.append(ToJudge(finding, opened, finding.id in reads))
    return found[::-1]
