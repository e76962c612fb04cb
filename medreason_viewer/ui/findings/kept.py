"""One finding as the window knows it: what the journal has of it, and what is on its way there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ...findings.finding import Finding, Judgement
from ...findings.journal import Explained, Judged, Undone

Saving = Literal["kept", "pending", "failed"]
FindingEvent = Explained | Judged | Undone


@dataclass(frozen=True, slots=True)
class KeptFinding:
    """A finding and its events that are not on the disk yet, in the order in which they are to get there.

    Attributes
    ----------
    kept : Finding
        As the journal has it, or will once the answer itself is written.
    waiting : tuple of events
        Empty once all is on the disk.
    problem : str
        Why the first of them could not be written; empty while it is being tried.
    """

    kept: Finding
    waiting: tuple[FindingEvent, ...] = ()
    problem: str = ""

    @property
    def saving(self) -> Saving:
        """Whether all of it is on the disk."""
        if not self.waiting:
            return "kept"
        return "failed" if self.problem else "pending"

    @property
    def finding(self) -> Finding:
        """With the verdict that counts once all is on the disk (none after an undo, until that is known)."""
        judgement: Judgement | None = self.kept.judgement
        for event in self.waiting:
            if isinstance(event, Judged):
                judgement = event.judgement
            elif isinstance(event, Undone):
                judgement = None
        return replace(self.kept, judgement=judgement)

    @property
    def undoable(self) -> bool:
        """Whether there is a verdict to take back."""
        return self.finding.judgement is not None

    def with_event(self, event: FindingEvent) -> KeptFinding:
        """One more event is on its way."""
        return replace(self, waiting=(*self.waiting, event))

    def with_first_written(self) -> KeptFinding:
        """The first of the events is on the disk."""
        first, *others = self.waiting
        kept = replace(self.kept, judgement=first.judgement) if isinstance(first, Judged) else self.kept
        return KeptFinding(kept, tuple(others))
