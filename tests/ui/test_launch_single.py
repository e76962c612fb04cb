"""One window per user: other starts hand over to it, whatever the one before left behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from pytestqt.qtbot import QtBot

from medreason_viewer import __main__ as start
from medreason_viewer.errors import LaunchRefused
from medreason_viewer.ui.launching import place as places
from medreason_viewer.ui.launching.place import MeetingPlace, place_in
from medreason_viewer.ui.launching.request import LARGEST, LaunchRequest
from medreason_viewer.ui.launching.single import Claim, Doorkeeper, claim_or_hand_over
from medreason_viewer.ui.launching.target import LaunchTarget

PATIENCE_MS = 30_000  # for a machine with other work
LINK = "medreason://open?study=1.2.3"

HOLD = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from medreason_viewer.ui.launching.place import place_in
from medreason_viewer.ui.launching.request import LaunchRequest
from medreason_viewer.ui.launching.single import Doorkeeper, claim_or_hand_over

app = QCoreApplication([])
claim = claim_or_hand_over(LaunchRequest(sys.argv[2]), place_in(Path(sys.argv[1])))
door = Doorkeeper(claim) if claim else None
print("first" if claim else "second", flush=True)
if claim:
    door.asked.connect(lambda request: print("asked", request.link, flush=True))
    app.exec()
"""


@pytest.fixture
def place() -> Iterator[MeetingPlace]:
    """A short path: that of a socket may have some 100 letters."""
    with tempfile.TemporaryDirectory(prefix="mr") as folder:
        yield place_in(Path(folder))


def begin(place: MeetingPlace, link: str = "") -> subprocess.Popen[str]:
    """Another start of the program, in a process of its own; its first line says whether it is the window."""
    command = [sys.executable, "-c", HOLD, str(place.lock.parent), link]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def door(place: MeetingPlace, qtbot: QtBot) -> Iterator[Doorkeeper]:
    claim = claim_or_hand_over(LaunchRequest(), place)
    assert isinstance(claim, Claim)
    keeper = Doorkeeper(claim)
    yield keeper
    keeper.close()


def call(place: MeetingPlace, line: bytes) -> bytes:
    """Say anything to the socket; what it answers."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(5)
        caller.connect(place.socket)
        caller.sendall(line)
        return caller.makefile("rb").readline()


def test_a_second_start_hands_over(door: Doorkeeper, place: MeetingPlace, qtbot: QtBot) -> None:
    asked: list[LaunchRequest] = []
    door.asked.connect(asked.append)
    with begin(place, LINK) as second:
        qtbot.waitUntil(lambda: second.poll() is not None, timeout=60_000)
        assert second.stdout is not None
        assert second.stdout.read() == "second\n"
    assert asked == [LaunchRequest(LINK)]


def test_only_the_user_can_reach_the_socket(door: Doorkeeper, place: MeetingPlace) -> None:
    if sys.platform == "win32":
        pytest.skip("pipes have access lists instead")
    found = Path(place.socket).stat()
    assert stat.S_ISSOCK(found.st_mode)
    assert stat.S_IMODE(found.st_mode) & 0o077 == 0
    assert found.st_uid == os.getuid()
    inet = psutil.Process().net_connections("inet")
    assert [one for one in inet if one.status == psutil.CONN_LISTEN] == [], "nothing of the network listens"


@pytest.mark.parametrize("line", [b"hello\n", b"{}\n", b'{"version": 1, "link": 4}\n', b"x" * (LARGEST + 10)])
def test_nonsense_is_answered_and_opens_nothing(
    door: Doorkeeper, place: MeetingPlace, qtbot: QtBot, line: bytes
) -> None:
    asked: list[LaunchRequest] = []
    door.asked.connect(asked.append)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(call, place, line)
        qtbot.waitUntil(answer.done, timeout=PATIENCE_MS)
    assert b"could not be understood" in answer.result()
    assert asked == []
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(call, place, LaunchRequest(LINK).to_line())
        qtbot.waitUntil(answer.done, timeout=PATIENCE_MS)
    assert (answer.result(), asked) == (b'{"ok": true}\n', [LaunchRequest(LINK)]), "it listens still"


def test_a_window_that_does_not_answer_is_said(door: Doorkeeper, place: MeetingPlace) -> None:
    """Nothing turns this window's event loop meanwhile: it hangs."""
    refusals: list[str] = []

    def second() -> None:
        try:
            claim_or_hand_over(LaunchRequest(LINK), place, answer_s=0.5)
        except LaunchRefused as refusal:
            refusals.append(str(refusal))

    thread = threading.Thread(target=second)
    thread.start()
    thread.join(10)
    assert "does not answer" in refusals[0]


def test_whoever_was_killed_is_followed(place: MeetingPlace) -> None:
    if sys.platform == "win32":
        pytest.skip("no SIGKILL")
    first = begin(place)
    assert first.stdout is not None
    assert first.stdout.readline() == "first\n"
    assert claim_or_hand_over(LaunchRequest(LINK), place) is None
    assert first.stdout.readline() == f"asked {LINK}\n"
    first.send_signal(signal.SIGKILL)
    first.wait()
    first.stdout.close()
    assert Path(place.socket).exists(), "it left its socket behind"
    claim = claim_or_hand_over(LaunchRequest(), place)
    assert claim is not None
    keeper = Doorkeeper(claim)
    assert keeper._server.isListening()
    keeper.close()


def test_of_many_starts_at_once_one_is_the_window(place: MeetingPlace) -> None:
    starts = [begin(place) for _ in range(4)]
    first_words = []
    for each in starts:
        assert each.stdout is not None
        first_words.append(each.stdout.readline().strip())
    for each in starts:
        each.kill()
        each.wait()
        assert each.stdout is not None
        each.stdout.close()
    assert sorted(first_words) == ["first", "second", "second", "second"]


def test_the_next_start_waits_for_a_window_that_is_closing(place: MeetingPlace) -> None:
    claim = claim_or_hand_over(LaunchRequest(), place)
    assert claim is not None
    threading.Timer(0.3, claim.release).start()
    began = time.monotonic()
    second = claim_or_hand_over(LaunchRequest(LINK), place)
    assert second is not None
    assert time.monotonic() - began > 0.2
    second.release()


def test_a_folder_that_others_may_enter_is_no_meeting_place(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("profiles have access lists instead")
    theirs = tmp_path / "open"
    theirs.mkdir(mode=0o777)
    theirs.chmod(0o777)
    assert places._is_private(theirs), "our own is closed to others"
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o700
    link = tmp_path / "link"
    link.symlink_to(theirs)
    assert not places._is_private(link)
    assert not places._is_private(Path("/usr/lib" if os.getuid() else "/dev/null"))
    assert place_in(theirs, ":0") != place_in(theirs, ":1")


@pytest.mark.parametrize(
    "arguments",
    [
        [LINK, "--model", "x"],
        [LINK, "--study", "1.2"],
        ["--study", "x"],
        ["--goto", "4"],
        ["--series", "../"],
    ],
)
def test_options_that_make_no_sense_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "_claim", lambda _request: pytest.fail("nothing is started"))
    assert start.main(arguments) == 1
    assert capsys.readouterr().err.startswith("medreason-viewer: ")


def test_options_and_path_become_a_target(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[LaunchRequest] = []

    def claim(request: LaunchRequest) -> tuple[None, bool]:
        asked.append(request)
        return None, True

    monkeypatch.setattr(start, "_claim", claim)
    monkeypatch.setenv("XDG_ACTIVATION_TOKEN", "token")
    monkeypatch.chdir(tmp_path)
    for arguments in ([], ["ct"], ["--study", "1.2", "--goto", "7", "ct"], ["--accession", "A1"], [LINK]):
        assert start.main(arguments) == 0
    assert [request.target for request in asked] == [
        None,
        LaunchTarget(path=tmp_path / "ct"),
        LaunchTarget(study="1.2", goto="7", path=tmp_path / "ct"),
        LaunchTarget(accession="A1"),
        None,
    ]
    assert asked[-1].link == LINK
    assert {request.token for request in asked} == {"token"}
