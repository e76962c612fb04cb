"""A finding as a JSON document, and back: the explanation's record with its verdict."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from ..errors import RecordUnreadable
from ..reasoning.plain_values import NotPlain, from_plain, to_plain
from ..reasoning.record import explanation_json, read_explanation
from .finding import Finding, Judgement

SCHEMA_VERSION: Final = 1
_FIELDS: Final = {"schema_version", "id", "made_at", "explanation", "judgement"}


def finding_json(finding: Finding) -> dict[str, Any]:
    """Plain values only, nothing left out; ``explanation`` as in :func:`..reasoning.record.explanation_json`.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    judgement = finding.judgement
    return {
        "schema_version": SCHEMA_VERSION,
        "id": finding.id,
        "made_at": finding.made_at.isoformat(),
        "explanation": explanation_json(finding.explanation),
        "judgement": None if judgement is None else to_plain(judgement),
    }


def read_finding(document: Any) -> Finding:
    """The finding in a document of :func:`finding_json`, equal to the one it was made from.

    Raises
    ------
    RecordUnreadable
        If the document is not one.
    """
    if not isinstance(document, dict) or document.keys() != _FIELDS:
        raise RecordUnreadable("This is not the record of a finding.")
    explanation, judged = read_explanation(document["explanation"]), document["judgement"]
    try:
        if document["schema_version"] != SCHEMA_VERSION:
            raise NotPlain("schema_version", f"is not {SCHEMA_VERSION}")
        return Finding(
            from_plain(str, document["id"], "id"),
            explanation,
            from_plain(datetime, document["made_at"], "made_at"),
            None if judged is None else from_plain(Judgement, judged, "judgement"),
        )
    except ValueError as error:
        raise RecordUnreadable(f"This is not the record of a finding: {error}.") from error
