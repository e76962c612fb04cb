"""``medreason find``, ``retrieve``, ``send`` and ``pacs`` as their user runs them, with a real Orthanc."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from medreason import Done, assert_refused, document
from orthanc import Orthanc
from pydicom import dcmread
from studies import assert_same, large_series, study_files

from medreason_viewer import cli

SEND = [sys.executable, "-m", "medreason_viewer.cli", "send"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user of its own."""
    for name in ("CONFIG", "CACHE", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "home" / name.lower()))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "plain_keyring.PlainKeyring")
    monkeypatch.setenv("PLAIN_KEYRING", str(tmp_path / "keyring.json"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    return tmp_path / "home"


def medreason(*arguments: str | Path) -> Done:
    """Run a command in this process: a new one takes a second to start."""
    words = list(map(str, arguments))
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        try:
            code = cli.main(words)
        except SystemExit as wrong:
            code = int(wrong.code or 0)
    return Done(words, code, out.getvalue(), err.getvalue())


def add_dimse(orthanc: Orthanc) -> None:
    """Set the Orthanc as an archive."""
    port = str(orthanc.dicom_port)
    arguments = ("--host", "127.0.0.1", "--port", port, "--called", "ORTHANC", "--calling", "VIEWER")
    assert medreason("pacs", "add", "main", *arguments).returncode == 0


def test_send_find_retrieve(orthanc: Orthanc, tmp_path: Path, home: Path) -> None:
    add_dimse(orthanc)
    web = f"http://127.0.0.1:{orthanc.http_port}/dicom-web"
    assert medreason("pacs", "add", "web", "--url", web).returncode == 0
    assert medreason("pacs", "echo", "--server", "main").stdout.strip() == "main answers."
    assert medreason("pacs", "echo", "--server", "web").stdout.strip() == "web answers."
    assert_refused(medreason("find"))  # two archives, and none was named

    files = study_files(tmp_path / "study", slices=4)
    (tmp_path / "study" / "letter.txt").write_text("no DICOM")
    sent = document(medreason("send", tmp_path / "study", "--to", "main", "--json"))
    assert [(each["sent"], each["waiting"], each["refused"]) for each in sent["batches"]] == [(4, 0, 0)]
    assert [Path(each["path"]).name for each in sent["unreadable"]] == ["letter.txt", "truth.json"]
    again = document(medreason("send", tmp_path / "study", "--to", "main", "--json"))
    assert (again["batches"], again["known"]) == ([], 4)

    head = dcmread(files[0])
    found = document(medreason("find", "--server", "web", "--study", head.StudyInstanceUID, "--json"))
    (study,) = found["studies"]
    assert study["patient_id"] == head.PatientID
    assert [series["instances"] for series in study["series_found"]] == [4]
    table = medreason("find", "--server", "main", "--modality", "CT").stdout
    assert head.StudyInstanceUID in table

    out = tmp_path / "out"
    done = medreason("retrieve", study["study_uid"], "--server", "main", "--out", out, "--json")
    brought = document(done)
    assert brought["fresh"] == 4
    assert "4 of 4" in done.stderr
    assert_same(files, [Path(file) for file in brought["files"]])
    once_more = document(medreason("retrieve", study["study_uid"], "--server", "main", "--json"))
    assert once_more["fresh"] == 0
    inside = [path for path in home.rglob("*") if path.is_file()]
    assert all(path.stat().st_mode & 0o077 == 0 for path in inside if path.suffix in (".dcm", ".sqlite"))
    assert Path(once_more["folder"]).stat().st_mode & 0o777 == 0o700


def test_refusals_are_sentences(orthanc: Orthanc, tmp_path: Path) -> None:
    assert_refused(medreason("find"))  # no archive is set
    add_dimse(orthanc)
    assert_refused(medreason("find", "--server", "other"))
    assert_refused(medreason("retrieve", "1.2.3"))
    assert_refused(medreason("send", tmp_path / "nowhere"))
    assert medreason("retrieve", "../../etc").returncode == 2
    assert medreason("send").returncode == 2
    assert_refused(medreason("pacs", "add", "bad", "--host", "a b"))
    orthanc.kill()
    assert_refused(medreason("find"))


def test_what_waits_is_sent_later(orthanc: Orthanc, tmp_path: Path) -> None:
    add_dimse(orthanc)
    files = study_files(tmp_path / "study", slices=3)
    orthanc.kill()
    done = medreason("send", tmp_path / "study")
    assert done.returncode == 1
    assert done.stdout.strip() == "0 sent, 3 waiting, 0 refused."
    assert "cannot be reached" in done.stderr
    for file in files:
        file.unlink()  # it goes out as it was
    orthanc.start()
    assert "3 waiting" in medreason("send", "--list").stdout
    assert medreason("send", "--resume").stdout.strip() == "3 sent, 0 waiting, 0 refused."
    assert len(orthanc.download()) == 3


def test_send_killed_and_resumed(orthanc: Orthanc, tmp_path: Path, home: Path) -> None:
    add_dimse(orthanc)
    files = large_series(tmp_path / "series", 30, matrix=256)
    with subprocess.Popen([*SEND, str(tmp_path / "series")], stdout=subprocess.DEVNULL) as sending:
        _until(lambda: len(orthanc.rest("/instances")) >= 5)
        sending.kill()
    before = len(orthanc.rest("/instances"))
    assert 5 <= before < 31
    (rest,) = document(medreason("send", "--resume", "--json"))["batches"]
    assert (rest["sent"], rest["waiting"], rest["refused"]) == (31, 0, 0)
    held = orthanc.download()
    assert_same([*files, *(tmp_path / "series" / "template").rglob("*.dcm")], held.values())
    assert not list((home / "data").rglob("outbox/files/*"))


def test_a_secret_goes_to_the_keyring_alone(tmp_path: Path, home: Path) -> None:
    url = ("--url", "https://pacs.example/dicom-web", "--login", "bearer")
    command = [sys.executable, "-m", "medreason_viewer.cli", "pacs", "add", "cloud", *url]
    done = subprocess.run(command, input="s3cr3t-t0ken\n", text=True, capture_output=True, check=True)
    assert "s3cr3t" not in done.stdout + done.stderr
    assert "s3cr3t-t0ken" in (tmp_path / "keyring.json").read_text()
    assert not [path for path in home.rglob("*") if path.is_file() and b"s3cr3t" in path.read_bytes()]
    assert_refused(medreason("pacs", "add", "plain", "--url", "http://pacs.example/x", "--login", "bearer"))
    removed = subprocess.run([*command[:4], "remove", "cloud"], check=True, capture_output=True)
    assert not removed.stdout
    assert "s3cr3t" not in (tmp_path / "keyring.json").read_text()


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
