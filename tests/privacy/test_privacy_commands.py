"""Every command, errors among them, and the trainer: their logs name nobody, and nothing is left behind."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from disguises import Searcher
from planted import LESION, Planted
from traces import clean, servers
from whole_session import Home

from medreason_viewer.findings.finding import Judgement
from medreason_viewer.findings.journal import Explained, Journal, Judged
from medreason_viewer.findings.journal.keys import FilePlace
from medreason_viewer.reasoning.record import read_explanation

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the session is watched as Linux lets it be")

DONE, FAILED, USAGE = 0, 1, 2


@pytest.fixture
def user(home: Home, peer: int) -> Home:
    """Somebody with archives."""
    home.set_servers(*servers(peer))
    return home


def said_no_more_than_typed(user: Home, names: list[str]) -> None:
    """What goes to standard error names nobody but whom the command named."""
    searcher = Searcher(names)
    for name, text in user.printed.items():
        if name.endswith(" err"):
            typed = {each.identifier for each in searcher.in_text(name, name)}
            assert {each.identifier for each in searcher.in_bytes(text, name)} <= typed, text[-800:]
            assert b"Traceback" not in text, text[-800:]


def test_commands_leave_nothing_behind(user: Home, planted: Planted, study: Path) -> None:
    broken = study.parent / "broken.dcm"
    broken.write_bytes(b"no image of " + planted["PatientName"].encode())
    name = planted["PatientName"]
    for code, *words in (
        (DONE, "--verbose", "info", study, "--json"),
        (FAILED, "--verbose", "explain", broken, "--slice", "0", "--point", "1,1", "--out", "never"),
        (DONE, "--verbose", "find", "--patient", f"{name}*", "--server", "main"),
        (FAILED, "--verbose", "send", study, "--to", "rude"),
    ):
        assert user.run(*words) == code, user.printed
    out = [text for stream, text in user.printed.items() if stream.endswith(" out")]
    assert Searcher(planted.all).in_bytes(b"".join(out), "answers"), "what was asked for is answered"
    said_no_more_than_typed(user, planted.all)
    clean(user, planted)


@pytest.mark.slow
def test_every_command_and_the_trainer_leave_nothing_behind(
    user: Home,
    planted: Planted,
    study: Path,
) -> None:
    uid, out = planted["StudyInstanceUID"], user.root / "export"
    box = ",".join(map(str, LESION))
    explain = ("--verbose", "explain", study, "--slice", "4", "--box", box)
    assert user.run(*explain, "--out", out / "explained", "--question", planted["spoken"]) in (DONE, 3)
    keep(user, out / "explained" / "explanation.json", planted["PatientName"])
    finding = out / "explained" / "explanation.json"
    train, data = "trainer", user.root / "work" / "training"
    for code, *words in (
        (
            DONE,
            "export",
            finding,
            "--to",
            "sr,seg,gsps,sc,ko,pdf,png",
            "--images",
            study,
            "--out",
            out / "all",
        ),
        (FAILED, "info", f"/cases/{planted['spoken']}"),
        (FAILED, "--verbose", "find", "--patient", f"{planted['PatientName']}*", "--server", "away"),
        (FAILED, "export", f"{planted['spoken']}", "--to", "sr", "--out", out / "none"),
        (FAILED, *explain[:4], "99", *explain[5:], "--out", out / "none"),
        (DONE, "--verbose", "send", study, "--to", "main"),
        (FAILED, "--verbose", "send", study, "--to", "away"),
        (FAILED, "send", f"/cases/{planted['spoken']}", "--to", "main"),
        (DONE, "--verbose", "retrieve", uid, "--server", "main", "--out", out / "brought"),
        (FAILED, "retrieve", f"{uid}.1", "--server", "away"),
        (USAGE, "retrieve", planted["PatientID"], "--server", "main"),
        (DONE, "--verbose", "journal", "list", "--entries"),
        (DONE, "journal", "verify"),
        (FAILED, "journal", "erase", "--patient", planted["spoken"], "--yes"),
        (DONE, "--verbose", "demo", "--out", user.root / "work" / "demo", "--close"),
    ):
        assert user.run(*words) in (code, 3 if code == DONE else code), user.printed
    assert user.run("ingest", "journal", "--images", study, "--out", data, module=train) == DONE, user.printed
    nowhere = f"/cases/{planted['spoken']}"
    assert user.run("ingest", "journal", "--images", nowhere, "--out", data / "x", module=train) == FAILED
    assert len(list(data.rglob("*"))) > 2
    said_no_more_than_typed(user, planted.all)
    clean(user, planted)


def keep(user: Home, record: Path, name: str) -> None:
    """The explanation in the user's journal, accepted in words that name somebody."""
    made = read_explanation(json.loads(record.read_text("utf-8")))
    folder = user.root / "data" / "medreason-viewer"
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = folder / "journal.sqlite3"
    at = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    words = f"seen with {name}"
    box = made.region.box_slice if made.region else None
    judged = Judgement("corrected", "Ada Read", at, box_slice=box, answer="nodule", text=words)
    with Journal.open(path, FilePlace(path.with_name(path.name + ".key"))) as journal:
        journal.append(Explained(made, finding_id="f1"))
        journal.append(Judged("f1", made.key, judged))
