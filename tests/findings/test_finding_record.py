"""A finding's record: read back equal, or refused with a sentence."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from drawn_explanations import findings, unhurried
from explanations import explanation, judgement
from hypothesis import given

from medreason_viewer.errors import RecordUnreadable
from medreason_viewer.findings.finding import Finding
from medreason_viewer.findings.finding_record import finding_json, read_finding


@unhurried
@given(findings)
def test_every_finding_is_read_back_equal(finding: Finding) -> None:
    assert read_finding(json.loads(json.dumps(finding_json(finding), allow_nan=False))) == finding


def _document(**changes: Any) -> dict[str, Any]:
    finding = Finding("f1", explanation(), datetime(2026, 3, 1, tzinfo=UTC), judgement())
    return {**finding_json(finding), **changes}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "not the record of a finding"),
        ({}, "not the record of a finding"),
        (_document(id=4), "id is not a text"),
        (_document(made_at="yesterday"), "made_at is not a time"),
        (_document(schema_version=9), "schema_version is not 1"),
        (_document(explanation={}), "not the record of an explanation"),
        (_document(judgement={"verdict": "accepted"}), "is missing"),
        (
            _document(judgement={**_document()["judgement"], "verdict": "maybe"}),
            "judgement.verdict is none of",
        ),
        (
            _document(judgement={**_document()["judgement"], "reader": " "}),
            "a verdict needs its reader's name",
        ),
    ],
)
def test_nonsense_is_refused(document: Any, said: str) -> None:
    with pytest.raises(RecordUnreadable) as caught:
        read_finding(document)
    assert said in str(caught.value)
