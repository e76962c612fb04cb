"""What an IT engineer types wrongly, or too early: a sentence that says what to type instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from medreason_viewer import cli


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has set nothing yet."""
    for name in ("CONFIG", "CACHE", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "home" / name.lower()))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        ("find --archive main", 2, "usage: medreason find "),
        ("find --archive main", 2, "medreason find: error: unrecognized arguments: --archive main"),
        ("pacs add main host 104", 2, "medreason pacs: error: unrecognized arguments: host 104"),
        ("find --from yesterday", 2, "argument --from: not a date YYYY-MM-DD: 'yesterday'"),
        ("find --to 2024-13-01", 2, "argument --to: not a date YYYY-MM-DD"),
        ("find", 1, "No archive is set: add one with medreason pacs add."),
        ("send . --to main", 1, "There is no archive called main; set are: none."),
        ("pacs list", 0, "No archive is set: add one with medreason pacs add."),
        ("send --list", 0, "Nothing waits to be sent."),
        ("journal", 2, "the following arguments are required: ACTION"),
        ("journal list", 1, "There is no journal at"),
        ("export f1 --to sr --out o", 1, "f1 is neither a file nor a finding in the journal."),
        ("export f1 --to sr,doc --out o", 2, "not one of sr, seg, gsps, sc, ko, pdf, png: doc"),
        ("nonsense", 2, "invalid choice: 'nonsense'"),
        ("", 2, "the following arguments are required: COMMAND"),
    ],
)
def test_each_is_said(words: str, code: int, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        done = cli.main(words.split())
    except SystemExit as wrong:
        done = int(wrong.code or 0)
    told = capsys.readouterr()
    assert (done, told.out) == (code, "")
    assert why in told.err


def test_nothing_is_made_by_asking(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ("journal list", "journal verify", "journal erase --patient P1 --yes", "pacs list"):
        cli.main(words.split())
    capsys.readouterr()
    assert not [path for path in home.rglob("*") if path.is_file()]
