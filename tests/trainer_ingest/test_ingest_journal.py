"""The journal's interface: through a file of JSON lines, and through the viewer's own journal."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explanations import explanation, judgement, key
from ingest_data import VOCABULARY, Ingested, Study

from medreason_viewer.errors import DataSetError
from medreason_viewer.findings.journal import Explained, Judged, Undone
from medreason_viewer.findings.journal import Journal as Kept
from medreason_viewer.findings.journal.keys import FilePlace
from medreason_viewer.reasoning.bundles.bundle import template
from medreason_viewer.reasoning.request import Region
from medreason_viewer.volume.geometry import SliceBox
from trainer import cli
from trainer.data.case import Case
from trainer.data.dataset import read
from trainer.examples.items import make
from trainer.ingest.journal import JournalSource, JsonLines, ViewerJournal
from trainer.tuning.dense import refuse_unmarked


def _entry(study: Study, **other: Any) -> dict[str, Any]:
    entry = {
        "patient": "P1",
        "sop_uid": study.sop(study.index),
        "answer": "nodule",
        "verdict": "accepted",
        "box_slice": list(study.box.as_tuple()),
    }
    return {**entry, **other}


def _source(study: Study, path: Path, *entries: dict[str, Any] | str) -> JournalSource:
    lines = [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]
    path.write_text("\n".join(lines) + "\n")
    return JournalSource(study.folder, JsonLines(path), VOCABULARY, "test licence")


def test_accepted_and_corrected_regions_become_cases(
    study: Study, tmp_path: Path, ingested: Ingested
) -> None:
    corrected = _entry(
        study,
        sop_uid=study.sop(3),
        verdict="corrected",
        answer="no finding",
        box_slice=None,
        question="What is this?",
    )
    data = ingested(_source(study, tmp_path / "journal.jsonl", _entry(study), corrected))
    cases = {case.finding: case for case in data.cases}
    assert set(cases) == {"nodule", "no finding"}
    assert (cases["nodule"].box_slice, cases["nodule"].side) == (study.box, study.truth.side)
    assert "What is this?" in {turn.question for turn in cases["no finding"].turns}
    assert data.card["dropped"] == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdict": "maybe"}, "the verdict 'maybe' is not one of"),
        ({"verdikt": "accepted"}, "the key 'verdikt' is not known (is 'verdict' meant?)"),
        ({"box_slice": [1, 2, 1, 4]}, "empty or negative box"),
        ({"box_slice": [1, 2, 3]}, "missing 1 required"),
        ({"answer": 5}, "must be text"),
        ({"answer": "tumour"}, "'tumour' is not among the options"),
    ],
)
def test_a_bad_entry_is_named(
    study: Study, tmp_path: Path, ingested: Ingested, change: dict[str, Any], said: str
) -> None:
    source = _source(study, tmp_path / "journal.jsonl", _entry(study), {**_entry(study), **change})
    with pytest.raises(DataSetError) as caught:
        ingested(source)
    assert "journal.jsonl, row 2: " in str(caught.value)
    assert said in str(caught.value)


def test_a_broken_line_is_named(study: Study, tmp_path: Path, ingested: Ingested) -> None:
    with pytest.raises(DataSetError, match=r"journal.jsonl, row 1: "):
        ingested(_source(study, tmp_path / "journal.jsonl", '{"patient": "P1'))


def _region_turns(case: Case) -> list[tuple[str | None, str, SliceBox | None]]:
    return [(turn.question, turn.answer, turn.region_slice) for turn in case.turns if turn.region_slice]


def test_a_rejected_answer_is_wrong_in_its_region_and_nothing_else_is_said(
    study: Study, tmp_path: Path, ingested: Ingested
) -> None:
    elsewhere = SliceBox(10, 12, 30, 34)
    rejected = [
        _entry(study, sop_uid=study.sop(4), verdict="rejected", answer=answer, box_slice=list(box.as_tuple()))
        for answer, box in (("mass", elsewhere), ("nodule", elsewhere), ("no finding", elsewhere))
    ]
    data = ingested(_source(study, tmp_path / "journal.jsonl", _entry(study), *rejected))
    negative, positive = sorted(data.cases, key=lambda case: case.whole)
    assert _region_turns(negative) == [
        ("Does this region show mass?", "no", elsewhere),
        ("Does this region show nodule?", "no", elsewhere),
    ]
    assert len(negative.turns) == 2  # neither where a finding lies, nor what the slice shows
    assert (negative.whole, negative.exhaustive, negative.box_slice) == (False, False, None)
    assert _region_turns(positive) == [("Does this region show nodule?", "yes", study.box)]
    assert data.card["dropped"] == {"rejected answer that names no finding among the options": 1}


def test_examples_of_a_rejected_region_show_that_region_and_say_no(
    study: Study, tmp_path: Path, ingested: Ingested
) -> None:
    elsewhere = SliceBox(70, 50, 90, 74)
    corners = list(elsewhere.as_tuple())
    rejected = _entry(study, sop_uid=study.sop(4), verdict="rejected", box_slice=corners)
    data = ingested(_source(study, tmp_path / "journal.jsonl", _entry(study), rejected))
    (index,) = [index for index, case in enumerate(data.cases) if not case.whole]
    manifest = template("demo")
    for seed in range(30):
        item = make(data, index, "locate", manifest, np.random.default_rng(seed))
        assert item.turn == "reason"
        assert item.answer == "no"
        assert not item.shown
        assert item.region_slice == elsewhere


def test_what_is_known_of_regions_alone_is_learnt_from_and_not_measured_by(
    study: Study, tmp_path: Path, ingested: Ingested
) -> None:
    rejected = _entry(study, sop_uid=study.sop(4), verdict="rejected")
    data = ingested(_source(study, tmp_path / "journal.jsonl", _entry(study), rejected))
    assert len(data.to_learn()) == 2
    cases = tuple(dataclasses.replace(case, split="validation") for case in data.cases)
    assert len(dataclasses.replace(data, cases=cases).of_split("validation")) == 1
    with pytest.raises(DataSetError, match="fine-tune without a warm-up"):
        refuse_unmarked(data)


def test_a_question_that_is_always_answered_alike_is_not_learnt(
    study: Study, tmp_path: Path, ingested: Ingested
) -> None:
    rejected = _entry(study, sop_uid=study.sop(4), verdict="rejected")
    data = ingested(_source(study, tmp_path / "journal.jsonl", _entry(study), rejected))
    asked = {turn.question for turns in data.taught for turn in turns}
    assert "Does this region show nodule?" in asked  # yes and no
    assert "Does this slice show nodule?" not in asked  # yes alone


def test_a_corrected_answer_denies_the_models(study: Study, tmp_path: Path, ingested: Ingested) -> None:
    model = {"model_answer": "mass", "model_box_slice": [1, 1, 9, 9]}
    emptied = {"verdict": "corrected", "answer": "no finding", "box_slice": None}
    data = ingested(
        _source(
            study,
            tmp_path / "journal.jsonl",
            _entry(study, verdict="corrected", **model),
            _entry(study, sop_uid=study.sop(3), **emptied, **model),
        )
    )
    alone, moved = sorted(data.cases, key=lambda case: case.whole)
    assert _region_turns(moved) == [
        ("Does this region show nodule?", "yes", study.box),
        ("Does this region show mass?", "no", study.box),
    ]
    assert _region_turns(alone) == [("Does this region show mass?", "no", SliceBox(1, 1, 9, 9))]
    assert not alone.whole


def test_of_one_region_the_last_word_counts(study: Study, tmp_path: Path, ingested: Ingested) -> None:
    again, rejected = _entry(study, answer="mass"), _entry(study, verdict="rejected", answer="mass")
    data = ingested(_source(study, tmp_path / "journal.jsonl", _entry(study), again, rejected, again))
    (case,) = data.cases
    assert case.finding == "mass"
    assert ("Does this region show mass?", "yes", study.box) in _region_turns(case)
    assert data.card["dropped"] == {"region that was judged again later": 2}


def test_a_map_gives_free_answers_a_meaning(study: Study, tmp_path: Path, ingested: Ingested) -> None:
    free, out = _entry(study, answer="Granuloma"), _entry(study, sop_uid=study.sop(2), answer="artefact")
    source = _source(study, tmp_path / "journal.jsonl", free, out)
    meanings = {"Granuloma": "nodule", "artefact": ""}
    data = ingested(dataclasses.replace(source, meanings=meanings))
    assert [case.finding for case in data.cases] == ["nodule"]
    assert data.card["dropped"] == {"region whose answer was left out": 1}


def _explained(journal: Kept, study: Study, sop: str, **changes: Any) -> Explained:
    """A region of the phantom, explained; whoever the patient is must not get into the set."""
    image = dataclasses.replace(key("KANAREK-77"), sop_uid=sop)
    made = Explained(explanation(key=image, region=Region(study.box, "reader"), **changes))
    journal.append(made)
    return made


def _judged(journal: Kept, study: Study, made: Explained, verdict: str = "accepted", **changes: Any) -> None:
    said = {"box_slice": study.box, "reader": "KANAREK Reader", "text": "KANAREK words", **changes}
    journal.append(Judged(made.finding_id, made.explanation.key, judgement(verdict, **said)))


def test_the_viewers_journal_becomes_a_data_set_without_its_patients(
    study: Study, tmp_path: Path, ingested: Ingested
) -> None:
    path = tmp_path / "journal.sqlite3"
    with Kept.open(path, FilePlace(tmp_path / "keys")) as journal:
        _judged(journal, study, _explained(journal, study, study.sop(study.index)))
        rejected = _explained(journal, study, study.sop(4), answer="mass")
        _judged(journal, study, rejected, "rejected", answer="mass", reason="KANAREK says no")
        undone = _explained(journal, study, study.sop(5))
        _judged(journal, study, undone)
        journal.append(Undone(undone.finding_id, undone.explanation.key, "KANAREK Reader"))
        _explained(journal, study, study.sop(6))
        for sop in ("1.2.3.4", ""):
            _judged(journal, study, _explained(journal, study, sop))
    source = JournalSource(study.folder, ViewerJournal(path), VOCABULARY, "test licence", part=True)
    data = ingested(source)
    negative, positive = sorted(data.cases, key=lambda case: case.whole)
    assert (positive.finding, positive.box_slice, positive.side) == ("nodule", study.box, study.truth.side)
    assert _region_turns(negative) == [("Does this region show mass?", "no", study.box)]
    assert data.card["dropped"] == {
        "region without a verdict": 2,
        "region on an image that is not in the folder": 1,
        "region on a reformatted plane, or on a file that is not DICOM": 1,
    }
    held = b"".join(file.read_bytes() for file in (tmp_path / "set").rglob("*") if file.is_file())
    assert b"KANAREK" not in held
    assert study.sop(study.index).encode() not in held


def test_the_command_takes_the_journal_of_this_user(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    with Kept.open() as journal:
        _judged(journal, study, _explained(journal, study, study.sop(study.index)))
    out, salt = tmp_path / "set", tmp_path / "salt"
    arguments = ["--images", str(study.folder), "--out", str(out), "--salt", str(salt)]
    assert cli.main(["ingest", "journal", *arguments, "--options", "nodule,mass"]) == 0
    assert [case.finding for case in read(out).cases] == ["nodule"]
