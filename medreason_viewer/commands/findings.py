"""Which finding a command means: a journal's id, or a file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from ..errors import JournalError, RecordUnreadable
from ..findings.finding import Finding
from ..findings.finding_record import read_finding
from ..findings.journal import Views, default_path
from ..reasoning.record import read_explanation


def load_finding(name: str, journal: Path | None = None) -> Finding:
    """The finding that a user names: an ``explanation.json`` (no verdict yet), else an id in the journal.

    Parameters
    ----------
    journal : Path, optional
        Default: this user's own.

    Raises
    ------
    RecordUnreadable
        If the file holds no explanation.
    JournalError
        If there is neither such a file nor such a finding.
    """
    path = Path(name)
    if path.is_file():
        return _from_file(path)
    journal = journal or default_path()
    if journal.exists():
        with Views.open_to_read(journal) as views:
            found = views.finding(name)
        if found is not None:
            return found
    raise JournalError(f"{name} is neither a file nor a finding in the journal.")


def _from_file(path: Path) -> Finding:
    """An explanation does not say when it was made: its file does."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RecordUnreadable(f"{path.name} is not the record of an explanation.") from error
    if isinstance(document, dict) and "explanation" in document:
        return read_finding(document)
    made = read_explanation(document)
    return Finding(made.request_id, made, datetime.fromtimestamp(path.stat().st_mtime, UTC))
