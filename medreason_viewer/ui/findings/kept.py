"""One finding as the window knows it: what the journal has of it, and what is on its way there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ...findings.finding import Finding
from ...findings.journal import Explained, FollowedUp, Judged, Undone

Saving = Literal["kept", "pending", "failed"]
FindingEvent = Explained | FollowedUp | Judged | Undone


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
        """As it is once all is on the disk (without a verdict after an undo, until that is known)."""
        finding = self.kept
        for event in self.waiting:
            finding = _after(finding, event)
        return replace(finding, judgement=None) if self._undone else finding

    @property
    def _undone(self) -> bool:
        verdicts = [event for event in self.waiting if isinstance(event, Judged | Undone)]
        return bool(verdicts) and isinstance(verdicts[-1], Undone)

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
        return KeptFinding(_after(self.kept, first), tuple(others))


def _after(finding: Finding, event: FindingEvent) -> Finding:
    """The finding once an event is kept; what counts after an undo, the journal alone knows."""
    match event:
        case Judged():
            return replace(finding, judgement=event.judgement)
        case FollowedUp():
            return finding.with_follow_up(event.answer)
        case _:
            return finding
