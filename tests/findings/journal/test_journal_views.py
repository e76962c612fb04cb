"""What the entries add up to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from drawn_explanations import explanations
from explanations import explanation, follow_up_answer, judgement, key
from hypothesis import HealthCheck, given, settings
from kept_keys import MemoryKeys, opened

from medreason_viewer.errors import JournalError
from medreason_viewer.findings.finding import Finding
from medreason_viewer.findings.journal import (
    NO_UIDS,
    Explained,
    Exported,
    FollowedUp,
    Journal,
    Judged,
    KeyImageMarked,
    Measured,
    Quantity,
    ReadFirst,
    SendChanged,
    StudyOpened,
    Subject,
    Undone,
    Views,
    WindowArranged,
)
from medreason_viewer.findings.journal.chain import content_of, event_of
from medreason_viewer.findings.journal.views import ANY
from medreason_viewer.reasoning.request import Explanation
from medreason_viewer.volume.series import Identity

KEY = key()
ELSEWHERE = key("P2", series="1.9.2", sop="1.9.3", study="1.9.1")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with opened(tmp_path) as journal:
        yield journal


def _explained(journal: Journal, finding_id: str = "f1", **changes: object) -> Explained:
    event = Explained(explanation(**changes), finding_id=finding_id)
    journal.append(event)
    return event


def test_a_finding_is_what_was_explained_and_judged(journal: Journal) -> None:
    made = _explained(journal)
    assert journal.findings() == [Finding("f1", made.explanation, made.made_at)]
    first, second = judgement("rejected"), judgement("accepted")
    journal.append(Judged("f1", KEY, first))
    journal.append(Judged("f1", KEY, second))
    assert journal.finding("f1") == Finding("f1", made.explanation, made.made_at, second)
    journal.append(Undone("f1", KEY, "Dr. Ada Read"))
    assert journal.finding("f1") == Finding("f1", made.explanation, made.made_at, first)
    journal.append(Undone("f1", KEY, "Dr. Ada Read"))
    assert journal.finding("f1") == Finding("f1", made.explanation, made.made_at)
    assert [entry.kind for entry in journal.history("f1")] == [
        *("explained", "judged", "judged", "undone", "undone")
    ]


def test_further_questions_belong_to_their_finding(journal: Journal) -> None:
    made = _explained(journal)
    _explained(journal, "f2")
    first, second = follow_up_answer(), follow_up_answer(request_id="r3", question="How large?")
    journal.append(FollowedUp("f1", KEY, first))
    journal.append(Judged("f1", KEY, judgement()))
    journal.append(FollowedUp("f1", KEY, second))
    asked = replace(made.explanation, follow_ups=(first, second))
    assert journal.finding("f1") == Finding("f1", asked, made.made_at, judgement())
    assert [finding.explanation.follow_ups for finding in journal.findings(unfinished=True)] == [()]
    assert [entry.kind for entry in journal.history("f1")][1::2] == ["followed_up", "followed_up"]
    with pytest.raises(JournalError, match="no such finding"):
        journal.append(FollowedUp("f3", KEY, first))
    with pytest.raises(JournalError, match="another image"):
        journal.append(FollowedUp("f1", ELSEWHERE, first))
    journal.erase(Subject(finding_id="f1"), "Dr. Ada Read")
    assert journal.finding("f1") is None


def test_what_was_explained_before_further_questions_were_kept_is_read() -> None:
    made = Explained(explanation())
    content = json.loads(content_of(made))
    del content["explanation"]["follow_ups"]
    assert event_of("explained", json.dumps(content)) == made


def test_senseless_verdicts_are_refused_and_the_rest_of_the_batch_is_written(journal: Journal) -> None:
    with pytest.raises(JournalError, match="no such finding"):
        journal.append(Judged("f1", KEY, judgement()))
    made = Explained(explanation(), finding_id="f1")
    undone = Undone("f1", KEY, "Dr. Ada Read")
    kept, refused, judged = journal.append_all([made, undone, Judged("f1", KEY, judgement())])
    assert isinstance(refused, JournalError)
    assert "no verdict to undo" in str(refused)
    assert not isinstance(kept, Exception)
    assert not isinstance(judged, Exception)
    assert judged.number == kept.number + 1


def test_findings_are_found_by_what_they_are_about(journal: Journal) -> None:
    _explained(journal, "f1")
    _explained(journal, "f2", key=ELSEWHERE)
    moved = replace(KEY, frame_number=2)
    _explained(journal, "f3", key=moved)  # the same pixels under another frame

    def ids(of: Subject = ANY, **other: object) -> list[str]:
        return [finding.id for finding in journal.findings(of, **other)]  # type: ignore[arg-type]

    assert ids() == ["f1", "f2", "f3"]
    assert ids(Subject("P2")) == ["f2"]
    assert ids(Subject(study_uid=KEY.study_uid)) == ["f1", "f3"]
    assert ids(Subject(series_uid=ELSEWHERE.series_uid)) == ["f2"]
    assert ids(Subject("P1", series_uid=ELSEWHERE.series_uid)) == []
    assert ids(key=KEY) == ["f1"]
    assert ids(key=moved) == ["f3"]
    assert ids(key=replace(KEY, pixels_sha256="1" * 64)) == []


def test_unfinished_are_those_without_a_standing_verdict(journal: Journal) -> None:
    for name in ("f1", "f2", "f3"):
        _explained(journal, name)
    for name in ("f2", "f3"):
        journal.append(Judged(name, KEY, judgement()))
    journal.append(Undone("f3", KEY, "Dr. Ada Read"))
    journal.append(Exported(Subject.of(KEY, "f1"), ("pdf",), ("/a.pdf",)))
    assert [finding.id for finding in journal.findings(unfinished=True)] == ["f1", "f3"]


def test_marks_and_key_images_are_as_they_stand_last(journal: Journal) -> None:
    drawn = Measured("m1", KEY, 12, "distance", ((1.0, 2.0), (3.0, 4.5)), (Quantity("length", 3.2, "mm"),))
    for event in (drawn, replace(drawn, points_slice=((1.0, 2.0), (9.0, 9.0))), replace(drawn, mark_id="m2")):
        journal.append(event)
    journal.append(replace(drawn, mark_id="m2", removed=True))
    assert journal.measurements() == [replace(drawn, points_slice=((1.0, 2.0), (9.0, 9.0)))]
    assert journal.measurements(Subject("P2")) == []
    for index, marked in ((1, True), (2, True), (1, False)):
        journal.append(KeyImageMarked(KEY, index, marked))
    assert journal.key_images() == [KeyImageMarked(KEY, 2)]


def test_sends_are_as_they_stand_last(journal: Journal) -> None:
    queued = SendChanged("s1", Subject.of(KEY), "queued", "PACS", ("/a.dcm",))
    journal.append(queued)
    journal.append(replace(queued, send_id="s2"))
    journal.append(replace(queued, state="sent"))
    assert [(send.send_id, send.state) for send in journal.sends()] == [("s1", "sent"), ("s2", "queued")]
    assert [send.send_id for send in journal.sends(unfinished=True)] == ["s2"]


def test_recent_studies_are_listed_once_newest_first(journal: Journal) -> None:
    one = Identity("P1", "DOE^JOHN", study_uid="1.2", series_uid="1.2.1")
    for path, identity in (
        ("/a", one),
        ("/n1.nii", Identity()),
        ("/n2.nii", Identity()),
        ("/a2", replace(one, series_uid="1.2.2")),
    ):
        journal.append(StudyOpened(path, identity))
    assert [study.path for study in journal.recent_studies()] == ["/a2", "/n2.nii", "/n1.nii"]
    assert [study.path for study in journal.recent_studies(limit=1)] == ["/a2"]


def test_the_window_stands_as_it_was_left(journal: Journal) -> None:
    assert journal.window() is None
    for state in ("{}", '{"layout": "2x2"}'):
        journal.append(WindowArranged(state, (Subject("P1"), Subject("P2"))))
    journal.append(WindowArranged("{}", name="worklist"))
    assert journal.window() == WindowArranged('{"layout": "2x2"}', (Subject("P1"), Subject("P2")))


def test_each_study_stands_as_it_was_left(journal: Journal) -> None:
    for state, study in (("1", "1.2"), ("2", "/n.nii"), ("3", "1.2"), ("4", "1.3")):
        journal.append(WindowArranged(state, (Subject("P1", study),)))
    found = [journal.window(of=Subject("P1", study)) for study in ("1.2", "/n.nii", "1.3", "1.4")]
    assert [window and window.state for window in found] == ["3", "2", "4", None]


def test_a_read_of_ones_own_is_kept_before_its_finding_and_without_one(journal: Journal) -> None:
    first, last = (ReadFirst("f1", KEY, "Dr. Ada Read", text) for text in ("a scar", "a nodule"))
    alone = ReadFirst("f2", ELSEWHERE, "Dr. Ada Read", "nothing")
    for event in (first, last, alone):
        journal.append(event)
    _explained(journal)
    assert journal.own_reads() == {"f1": last, "f2": alone}
    assert journal.own_reads(Subject.of(KEY)) == {"f1": last}
    assert [finding.id for finding in journal.findings(unfinished=True)] == ["f1"]
    journal.append(Judged("f1", KEY, judgement()))
    assert journal.findings(unfinished=True) == []


def test_what_is_kept_of_images_without_uids_is_found_by_that(journal: Journal) -> None:
    nameless = replace(KEY, patient_key="", study_uid="", series_uid="", sop_uid="")
    _explained(journal, "f1")
    _explained(journal, "f2", key=nameless)
    journal.append(KeyImageMarked(KEY, 1))
    journal.append(KeyImageMarked(nameless, 2))
    journal.append(StudyOpened("/n.nii", Identity()))
    assert [finding.id for finding in journal.findings(NO_UIDS)] == ["f2"]
    assert journal.key_images(NO_UIDS) == [KeyImageMarked(nameless, 2)]
    assert journal.measurements(NO_UIDS) == []
    assert [entry.kind for entry in journal.entries(of=NO_UIDS)] == ["explained", "key_image"]


def test_it_is_read_without_a_key_while_it_is_written(journal: Journal) -> None:
    _explained(journal)
    with Views.open_to_read(journal.path) as views:
        assert views.finding("f1") == journal.finding("f1")


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(made=explanations)
def test_whatever_was_explained_comes_back_equal(journal: Journal, made: Explanation) -> None:
    event = Explained(made)
    journal.append(event)
    assert journal.finding(event.finding_id) == Finding(event.finding_id, made, event.made_at)
    assert event.finding_id in [finding.id for finding in journal.findings(key=made.key)]


def test_a_second_start_finds_all_of_it(tmp_path: Path) -> None:
    keys = MemoryKeys()
    with opened(tmp_path, keys) as journal:
        _explained(journal)
    with opened(tmp_path, keys) as journal:
        assert [entry.kind for entry in journal.entries()] == ["begun", "explained"]
