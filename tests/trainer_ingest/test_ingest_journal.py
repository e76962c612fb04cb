"""The journal's interface, through a file of JSON lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ingest_data import VOCABULARY, Ingested, Study

from medreason_viewer.errors import DataSetError
from trainer.ingest.journal import JournalSource, JsonLines


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
    rejected = _entry(study, sop_uid=study.sop(4), verdict="rejected")
    data = ingested(_source(study, tmp_path / "journal.jsonl", _entry(study), corrected, rejected))
    cases = {case.finding: case for case in data.cases}
    assert set(cases) == {"nodule", "no finding"}
    assert (cases["nodule"].box_slice, cases["nodule"].side) == (study.box, study.truth.side)
    assert "What is this?" in {turn.question for turn in cases["no finding"].turns}
    assert data.card["dropped"] == {"region rejected by the reader": 1}


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
