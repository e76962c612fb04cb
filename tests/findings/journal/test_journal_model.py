"""Two programs on one journal, doing anything in any order, against a plain list of what should be there."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from explanations import explanation, judgement, key
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from kept_keys import MemoryKeys

from medreason_viewer.errors import JournalError
from medreason_viewer.findings.finding import VERDICTS, Judgement
from medreason_viewer.findings.journal import Explained, Journal, Judged, Subject, Undone
from medreason_viewer.findings.journal.verify import verify

PATIENTS = ("P1", "P2", "P3")


@dataclass
class Known:
    """What should be kept of one finding."""

    event: Explained
    judgements: list[Judgement] = field(default_factory=list)


class TwoPrograms(RuleBasedStateMachine):
    """Each rule is done by either of two journals that are open at once."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._path, self._keys = Path(self._folder.name) / "journal.sqlite3", MemoryKeys()
        self._open = [Journal.open(self._path, self._keys) for _ in range(2)]
        self._known: dict[str, Known] = {}
        self._erased = 0

    @rule(which=st.integers(0, 1), patient=st.sampled_from(PATIENTS), number=st.integers(0, 5))
    def explain(self, which: int, patient: str, number: int) -> None:
        event = Explained(explanation(key=key(patient)), finding_id=f"{patient}.{number}")
        if event.finding_id in self._known:
            self._refused(which, event)
        else:
            self._open[which].append(event)
            self._known[event.finding_id] = Known(event)

    @rule(
        which=st.integers(0, 1),
        patient=st.sampled_from(PATIENTS),
        number=st.integers(0, 5),
        verdict=st.sampled_from(VERDICTS),
    )
    def judge(self, which: int, patient: str, number: int, verdict: str) -> None:
        finding_id, said = f"{patient}.{number}", judgement(verdict)
        event = Judged(finding_id, key(patient), said)
        if finding_id in self._known:
            self._open[which].append(event)
            self._known[finding_id].judgements.append(said)
            self._refused(which, Judged(finding_id, key("P4"), said))
        else:
            self._refused(which, event)

    @rule(which=st.integers(0, 1), patient=st.sampled_from(PATIENTS), number=st.integers(0, 5))
    def undo(self, which: int, patient: str, number: int) -> None:
        event = Undone(f"{patient}.{number}", key(patient), "Dr. Ada Read")
        known = self._known.get(event.finding_id)
        if known is not None and known.judgements:
            self._open[which].append(event)
            known.judgements.pop()
        else:
            self._refused(which, event)

    @precondition(lambda self: self._known)
    @rule(which=st.integers(0, 1), patient=st.sampled_from(PATIENTS))
    def erase(self, which: int, patient: str) -> None:
        erased = self._open[which].erase(Subject(patient), "Dr. Ada Read")
        gone = [name for name in self._known if name.startswith(patient)]
        assert bool(erased) == bool(gone)
        self._erased += erased
        for name in gone:
            del self._known[name]

    @rule(which=st.integers(0, 1))
    def start_again(self, which: int) -> None:
        self._open[which].close()
        self._open[which] = Journal.open(self._path, self._keys)

    @invariant()
    def both_show_what_is_known(self) -> None:
        expected = {
            name: (known.judgements[-1] if known.judgements else None) for name, known in self._known.items()
        }
        for journal in self._open:
            assert {one.id: one.judgement for one in journal.findings()} == expected
            unfinished = {name for name, standing in expected.items() if standing is None}
            assert {one.id for one in journal.findings(unfinished=True)} == unfinished

    def _refused(self, which: int, event: Explained | Judged | Undone) -> None:
        try:
            self._open[which].append(event)
        except JournalError:
            return
        raise AssertionError(f"{event} makes no sense, and was kept")

    def teardown(self) -> None:
        report = verify(self._path, self._keys)
        assert report.problems == ()
        assert report.erased == self._erased
        for journal in self._open:
            journal.close()
        self._folder.cleanup()


TwoPrograms.TestCase.settings = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
test_two_programs_on_one_journal = TwoPrograms.TestCase
