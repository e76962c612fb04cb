"""Every answered explanation becomes a finding, and every verdict on it an entry of the journal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from PySide6.QtCore import QObject, Signal

from ...findings.finding import Finding, Judgement, Verdict
from ...findings.journal import Asked, Explained, FollowedUp, Judged, Subject, Undone
from ...reasoning.request import FollowUpAnswer
from ...volume.geometry import SliceBox
from ..explanation.answer import Answer
from ..session import Session
from .kept import FindingEvent, KeptFinding
from .link import JournalLink


class FindingBook(QObject):
    """The findings of the study that is open, by the id of their request.

    Events of one finding go to the disk one after the other: a verdict is never there before its answer.
    What cannot be written stays here, and is tried again when the reader says so.

    Signals
    -------
    changed : str
        Something about the finding of this id has changed; empty for several.
    message : str
        Why something could not be saved.
    """

    changed = Signal(str)
    message = Signal(str)

    def __init__(self, session: Session, link: JournalLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._link = session, link
        self._findings: dict[str, KeptFinding] = {}
        self._at_work: set[str] = set()
        session.answered.connect(self._note)
        session.followed_up.connect(self._note_further)
        session.study_opened.connect(self._forget_kept)

    def get(self, finding_id: str) -> KeptFinding | None:
        """A finding of the study that is open, None where there is none of that id."""
        return self._findings.get(finding_id)

    @property
    def unfinished(self) -> tuple[KeptFinding, ...]:
        """Those without a verdict, in the order in which they were made."""
        open_now = {answer.request.id for answer in self._session.answers}
        found = self._findings.values()
        return tuple(one for one in found if one.kept.id in open_now and one.finding.judgement is None)

    @property
    def unsaved(self) -> tuple[KeptFinding, ...]:
        """Those of which something is not on the disk."""
        return tuple(one for one in self._findings.values() if one.waiting)

    def take(self, findings: Iterable[Finding]) -> None:
        """Findings that the journal has; one that has something on its way there stays as it is."""
        for finding in findings:
            known = self._findings.get(finding.id)
            if known is not None and known.waiting:
                self._session.set_judgement(finding.id, known.finding.judgement)
            else:
                self._findings[finding.id] = KeptFinding(finding)
        self.changed.emit("")

    def judge(
        self,
        finding_id: str,
        verdict: Verdict,
        reader: str,
        *,
        box_slice: SliceBox | None,
        answer: str,
        text: str = "",
        reason: str = "",
    ) -> None:
        """A reader gives a verdict, as in :class:`Judgement`; a finding that is not open is passed over."""
        known = self._findings.get(finding_id)
        if known is not None:
            judgement = Judgement(verdict, reader, datetime.now(UTC), box_slice, answer, text, reason)
            self._add(known, Judged(finding_id, known.kept.explanation.key, judgement))

    def accept(self, finding_id: str, reader: str) -> None:
        """The model's region and answer are right; one that could not be read cannot be accepted."""
        known = self._findings.get(finding_id)
        if known is not None and known.kept.explanation.answer is not None:
            explained = known.kept.explanation
            box, answer = explained.region.box_slice, explained.answer or ""
            self.judge(finding_id, "accepted", reader, box_slice=box, answer=answer)

    def reject(self, finding_id: str, reader: str, reason: str) -> None:
        """The answer is not right, for a reason."""
        known = self._findings.get(finding_id)
        if known is not None:
            explained = known.kept.explanation
            box, answer = explained.region.box_slice, explained.answer or ""
            self.judge(finding_id, "rejected", reader, box_slice=box, answer=answer, reason=reason)

    def undo(self, finding_id: str, reader: str) -> None:
        """Take the last verdict back; the one before it counts again, or none."""
        known = self._findings.get(finding_id)
        if known is not None and known.undoable:
            self._add(known, Undone(finding_id, known.kept.explanation.key, reader))

    def forget(self, finding_id: str) -> None:
        """The journal has it no more."""
        known = self._findings.get(finding_id)
        if known is not None and not known.waiting:
            del self._findings[finding_id]
            self._session.drop_answer(finding_id)
            self.changed.emit(finding_id)

    def retry(self) -> None:
        """Try again to write what could not be written."""
        for finding_id, known in list(self._findings.items()):
            if known.problem:
                self._put(replace(known, problem=""))
                self._go_on(finding_id)

    def hand_over(self) -> None:
        """Give the journal all that is left, at the end: nobody waits any more for how it goes."""
        for finding_id, known in self._findings.items():
            for event in known.waiting[1:] if finding_id in self._at_work else known.waiting:
                self._link.write(event, _unheard, _unheard)
        self._findings.clear()

    def _note(self, answer: Answer) -> None:
        """An answer is complete."""
        if answer.explanation is None:
            return
        made = Explained(answer.explanation, Asked.of(answer.request), answer.request.id)
        finding = Finding(made.finding_id, made.explanation, made.made_at)
        self._add(KeptFinding(finding), made)

    def _note_further(self, answer: Answer, further: FollowUpAnswer) -> None:
        """A further question about a finding is answered."""
        known = self._findings.get(answer.request.id)
        if known is not None:
            self._add(known, FollowedUp(known.kept.id, known.kept.explanation.key, further))

    def _add(self, known: KeptFinding, event: FindingEvent) -> None:
        self._put(known.with_event(event))
        self._go_on(known.kept.id)

    def _go_on(self, finding_id: str) -> None:
        """Hand over the first event that is waiting, unless one is on its way or could not be written."""
        known = self._findings.get(finding_id)
        if known is not None and known.waiting and not known.problem and finding_id not in self._at_work:
            self._at_work.add(finding_id)
            done, failed = partial(self._written, finding_id), partial(self._failed, finding_id)
            self._link.write(known.waiting[0], done, failed)

    def _written(self, finding_id: str, _receipt: object) -> None:
        known = self._findings[finding_id]
        if isinstance(known.waiting[0], Undone):  # which verdict counts now, the journal knows
            subject = Subject(finding_id=finding_id)
            done, failed = partial(self._undone, finding_id), partial(self._unknown, finding_id)
            self._link.ask(lambda journal: journal.findings(subject), done, failed)
            return
        self._settled(known.with_first_written())

    def _undone(self, finding_id: str, found: list[Finding]) -> None:
        known = self._findings[finding_id]
        standing = found[0].judgement if found else None
        kept = replace(known.kept, judgement=standing)
        self._settled(replace(known.with_first_written(), kept=kept))

    def _unknown(self, finding_id: str, text: str) -> None:
        """The undo is on the disk, but what counts now could not be read."""
        self._undone(finding_id, [])
        self.message.emit(text)

    def _settled(self, known: KeptFinding) -> None:
        self._at_work.discard(known.kept.id)
        self._put(known)
        self._go_on(known.kept.id)

    def _failed(self, finding_id: str, text: str) -> None:
        self._at_work.discard(finding_id)
        self._put(replace(self._findings[finding_id], problem=text))
        self.message.emit(text)

    def _put(self, known: KeptFinding) -> None:
        finding = known.finding
        self._findings[finding.id] = known
        self._session.set_judgement(finding.id, finding.judgement)
        self.changed.emit(finding.id)

    def _forget_kept(self) -> None:
        """Another study is open: what is not on the disk yet stays until it is."""
        self._findings = {name: known for name, known in self._findings.items() if known.waiting}


def _unheard(_outcome: object) -> None:
    """The window is closed."""
