"""``medreason journal``, and findings by name, under a home of their own."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from explanations import explanation, judgement, key
from medreason import assert_refused, document, medreason

from medreason_viewer import cli
from medreason_viewer.commands.findings import load_finding
from medreason_viewer.errors import JournalError, RecordUnreadable
from medreason_viewer.findings.finding_record import finding_json
from medreason_viewer.findings.journal import Explained, Journal, Judged, default_path
from medreason_viewer.reasoning.record import explanation_json


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two findings of P1, one with a verdict, and one of P2, in the journal of a user without a keyring."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    with Journal.open() as journal:
        for finding_id, patient in (("f1", "P1"), ("f2", "P1"), ("f3", "P2")):
            journal.append(Explained(explanation(key=key(patient)), finding_id=finding_id))
        journal.append(Judged("f2", key("P1"), judgement("rejected")))
    return tmp_path


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs ``medreason journal ... --json`` in this process, which is quicker; returns its document."""

    def run(*arguments: str) -> Any:
        capsys.readouterr()
        assert cli.main(["journal", *arguments, "--json"]) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return run


def _ids(listed: Any) -> list[str]:
    return [finding["id"] for finding in listed["findings"]]


def test_list_shows_findings_and_their_verdicts() -> None:
    listed = document(medreason("journal", "list", "--json"))
    assert listed["journal"] == str(default_path())
    first, second, third = listed["findings"]
    assert [first["id"], first["verdict"], first["answer"]] == ["f1", None, "nodule"]
    assert [second["verdict"], second["reader"]] == ["rejected", "Dr. Ada Read"]
    assert second["reason"] == "It is a vessel."
    assert third["key"]["patient_key"] == "P2"
    text = medreason("journal", "list").stdout.splitlines()
    assert len(text) == 4
    assert "unfinished" in text[1]


def test_list_is_narrowed(told: Callable[..., Any]) -> None:
    assert _ids(told("list", "--unfinished")) == ["f1", "f3"]
    assert _ids(told("list", "--patient", "P2")) == ["f3"]
    assert _ids(told("list", "--finding", "f2")) == ["f2"]
    assert _ids(told("list", "--study", "1.9")) == []


def test_list_shows_every_entry(told: Callable[..., Any]) -> None:
    entries = told("list", "--entries")["entries"]
    assert [entry["kind"] for entry in entries] == ["begun", *["explained"] * 3, "judged"]
    assert entries[4]["content"]["judgement"]["verdict"] == "rejected"


def test_verify_says_what_it_can_tell_and_finds_tampering(told: Callable[..., Any]) -> None:
    report = told("verify")
    assert report["sound"]
    assert report["entries"] == 5
    assert any("Whoever can change the journal can read that file too" in note for note in report["notes"])
    with sqlite3.connect(default_path()) as connection:
        connection.execute("DROP TRIGGER entries_stay")
        connection.execute("DELETE FROM entries WHERE number = 5")
    connection.close()
    found = medreason("journal", "verify")
    assert found.returncode == 1
    assert "PROBLEM: Its last entry is not the one that its head names" in found.stdout


def test_erase_asks_first_and_then_forgets(told: Callable[..., Any]) -> None:
    asked = medreason("journal", "erase", "--patient", "P1")
    assert_refused(asked)
    assert "This would erase 3 entries for good (2 explained, 1 judged)" in asked.stderr
    assert told("erase", "--patient", "P1", "--yes")["erased"] == 3
    assert _ids(told("list")) == ["f3"]
    assert told("verify")["erased"] == 3
    with pytest.raises(SystemExit) as wrong:
        cli.main(["journal", "erase", "--yes"])
    assert wrong.value.code == 2


def test_what_is_not_there_is_not_erased_and_makes_no_journal(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    none = home / "none" / "journal.sqlite3"
    for words, why in (
        (["--patient", "P9"], "Nothing is kept of that."),
        (["--patient", "P1", "--journal", str(none)], "There is no journal at"),
        (["--patient", "P1", "--journal", str(home)], "that is a folder; name the journal's file"),
    ):
        assert cli.main(["journal", "erase", "--yes", *words]) == 1
        assert why in capsys.readouterr().err
    assert not none.parent.exists()


def test_a_patient_is_named_without_the_issuer_where_that_is_clear(
    told: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with Journal.open() as journal:
        for finding_id, patient in (("f4", "P3\\North"), ("f5", "P3\\South"), ("f6", "Mül\\n\\North")):
            journal.append(Explained(explanation(key=key(patient)), finding_id=finding_id))
    assert _ids(told("list", "--patient", "Mül")) == ["f6"]
    assert _ids(told("list", "--patient", "P3\\South")) == ["f5"]
    assert cli.main(["journal", "erase", "--patient", "P3", "--yes"]) == 1
    assert "name the patient by one of P3\\North, P3\\South." in capsys.readouterr().err
    entries = told("list", "--entries", "--patient", "P3\\South")["entries"]
    assert [(entry["patient"], entry["finding"]) for entry in entries] == [("P3\\South", "f5")]


def test_backup_is_a_journal_of_its_own(home: Path, told: Callable[..., Any]) -> None:
    target = str(home / "backup.sqlite3")
    assert told("backup", target)["backup"] == target
    assert stat.S_IMODE(Path(target).stat().st_mode) == 0o600
    assert _ids(told("list", "--journal", target)) == ["f1", "f2", "f3"]
    assert told("verify", "--journal", target)["sound"]
    assert told("erase", "--journal", target, "--patient", "P1", "--yes")["erased"] == 3
    assert told("verify", "--journal", target)["sound"]
    assert told("verify")["entries"] == 5
    assert cli.main(["journal", "backup", target]) == 1


@pytest.mark.parametrize("action", [["list"], ["verify"], ["backup", "copy"]])
def test_without_a_journal_there_is_a_sentence(
    tmp_path: Path, action: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["journal", *action, "--journal", str(tmp_path / "none")]) == 1
    assert "There is no journal at" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_finding_is_named_by_its_id_or_its_file(tmp_path: Path) -> None:
    kept = load_finding("f2")
    assert kept.judgement == judgement("rejected")
    for name, content in (
        ("explanation.json", explanation_json(kept.explanation)),
        ("f.json", finding_json(kept)),
    ):
        (tmp_path / name).write_text(json.dumps(content))
    read = load_finding(str(tmp_path / "explanation.json"))
    assert (read.id, read.explanation, read.judgement) == ("r1", kept.explanation, None)
    assert load_finding(str(tmp_path / "f.json")) == kept


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"explanation": 1}', "\0"])
def test_what_is_no_finding_is_refused(tmp_path: Path, content: Any) -> None:
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(RecordUnreadable, match="not the record"):
        load_finding(str(tmp_path / "bad.json"))
    with pytest.raises(JournalError, match="neither a file nor a finding"):
        load_finding("f9")
