"""Worklist, retrieve, cancel, send and the receiver in the real window, against a real Orthanc."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from archive_desks import Desk, MakeDesk
from orthanc import Orthanc, free_port
from peers import run_tool, tool
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from small_study import write_study
from studies import assert_same, large_series

from medreason_viewer.network import open_archive
from medreason_viewer.servers import Receiver, Server
from medreason_viewer.ui.archive.send_dialog import SendDialog

WAIT_MS = 20_000
COUNT = 60
WAYS = ["get", "move", "web"]


@pytest.fixture(scope="module")
def receiver() -> Receiver:
    """Where a C-MOVE sends to; it also takes from SCANNER while it is switched on."""
    return Receiver(port=free_port(), ae_title="VIEWER", allowed=("SCANNER",))


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Orthanc]:
    """One Orthanc for the tests of this file, empty to begin with."""
    folder = tmp_path_factory.mktemp("archive") / "orthanc"
    with Orthanc(tool("Orthanc"), folder, receiver) as running:
        yield running


@pytest.fixture(scope="module")
def study(orthanc: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A study of two series that it holds."""
    files = sorted(write_study(tmp_path_factory.mktemp("held")).rglob("*.dcm"))
    orthanc.upload(files)
    return files


@pytest.fixture(scope="module")
def large(orthanc: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A series that takes a moment, which it holds."""
    files = large_series(tmp_path_factory.mktemp("large"), COUNT)
    orthanc.upload(files)
    return files


def server_of(orthanc: Orthanc, way: str) -> Server:
    return orthanc.web if way == "web" else replace(orthanc.dimse, retrieve_by=way)  # type: ignore[arg-type]


def found(desk: Desk, name: str, qtbot: QtBot) -> None:
    page = desk.desk.find
    desk.desk.show_find()
    page.form.period.setCurrentText("All dates")
    page.form.name.setText(name)
    qtbot.mouseClick(page.form.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.busy, timeout=WAIT_MS)


@pytest.mark.parametrize("way", WAYS)
def test_a_study_is_found_and_opened(
    way: str, make_desk: MakeDesk, orthanc: Orthanc, receiver: Receiver, study: list[Path], qtbot: QtBot
) -> None:
    desk = make_desk(server_of(orthanc, way), receiver=receiver)
    found(desk, "doe, j", qtbot)
    page = desk.desk.find
    assert desk.said() == "1 study"
    assert page.studies.rows.rows[0].texts[0] == "DOE, JANE"
    qtbot.waitUntil(lambda: len(page.series.rows.rows) == 2, timeout=WAIT_MS)
    qtbot.keyClick(page.studies, Qt.Key.Key_Return)
    session = desk.place.session
    qtbot.waitUntil(lambda: session.volume is not None and bool(session.volume.loaded.all()), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: desk.desk.retrieving.all[-1].state == "done", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: desk.desk.arrival.bar is None, timeout=WAIT_MS)
    assert session.scan is not None
    assert_same(study, [frame.path for series in session.scan.series for frame in series.frames])


def test_one_series_alone_is_opened(
    make_desk: MakeDesk, orthanc: Orthanc, study: list[Path], qtbot: QtBot
) -> None:
    desk = make_desk(orthanc.dimse)
    found(desk, "doe", qtbot)
    page = desk.desk.find
    qtbot.waitUntil(lambda: len(page.series.rows.rows) == 2, timeout=WAIT_MS)
    second = next(at for at, row in enumerate(page.series.rows.rows) if row.texts[2] == "Second")
    page.series.selectRow(second)
    assert page.open.text() == "&Open the series"
    qtbot.mouseClick(page.open, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: desk.place.session.series is not None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: desk.desk.arrival.bar is None, timeout=WAIT_MS)
    assert desk.place.session.scan is not None
    assert [len(series.frames) for series in desk.place.session.scan.series] == [5]


@pytest.mark.parametrize("way", ["get", "web"])
def test_a_retrieve_is_cancelled_within_a_second_and_resumed(
    way: str, make_desk: MakeDesk, orthanc: Orthanc, large: list[Path], qtbot: QtBot
) -> None:
    desk = make_desk(server_of(orthanc, way))
    found(desk, "", qtbot)
    page, retrieving = desk.desk.find, desk.desk.retrieving
    row = next(row for row in page.studies.rows.rows if row.texts[8] == str(COUNT))
    page.studies.selectRow(page.studies.rows.rows.index(row))
    qtbot.mouseClick(page.fetch, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: retrieving.all[-1].done > 3, timeout=WAIT_MS)
    thread = retrieving._thread
    orthanc.pause()  # it would stay connected, and say nothing for ever
    qtbot.mouseClick(page.retrievals.rows[1].buttons["cancel"], Qt.MouseButton.LeftButton)
    began = time.monotonic()
    assert retrieving.all[-1].state == "stopped"
    assert thread is not None
    thread.join(5)
    taken = time.monotonic() - began
    orthanc.go_on()
    assert taken < 1
    assert 3 < retrieving.all[-1].done < COUNT
    qtbot.mouseClick(page.retrievals.rows[1].buttons["retry"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: retrieving.all[-1].state == "done", timeout=WAIT_MS)
    assert retrieving.all[-1].folder is not None
    assert_same(large, sorted(retrieving.all[-1].folder.glob("*.dcm")))


@pytest.mark.parametrize("way", ["get", "web"])
def test_a_study_is_sent(
    way: str, make_desk: MakeDesk, orthanc: Orthanc, tmp_path: Path, qtbot: QtBot
) -> None:
    folder = write_study(tmp_path / "new", patient=f"SENT^{way.upper()}")
    before = len(orthanc.rest("/instances"))
    desk = make_desk(server_of(orthanc, way))
    desk.place.window.open_path(folder)
    qtbot.waitUntil(lambda: desk.place.session.series is not None)
    desk.desk.menu.send_study.trigger()
    qtbot.mouseClick(desk.place.window.findChild(SendDialog).send, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(desk.desk.sending.batches), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: desk.desk.sending.waiting == 0, timeout=WAIT_MS)
    assert len(orthanc.rest("/instances")) == before + 13
    found(desk, "sent", qtbot)
    assert any(row.texts[0] == f"SENT, {way.upper()}" for row in desk.desk.find.studies.rows.rows)


def test_a_wrong_title_and_a_server_that_is_away_say_what_to_do(
    make_desk: MakeDesk, orthanc: Orthanc, qtbot: QtBot
) -> None:
    desk = make_desk(replace(orthanc.dimse, called_ae="OTHER"))
    found(desk, "", qtbot)
    assert "refuses to talk" in desk.said()
    assert "AE titles" in desk.said()
    away = make_desk(Server("away", host="127.0.0.1", port=free_port()))
    found(away, "", qtbot)
    assert "cannot be reached" in away.said()
    assert "Check the network" in away.said()


class _NobodyKnown(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(401)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_tls_and_a_password_that_are_refused_say_what_to_do(
    make_desk: MakeDesk, orthanc: Orthanc, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(replace(orthanc.dimse, tls=True))  # it speaks no TLS
    found(desk, "", qtbot)
    assert "Check the certificates" in desk.said()
    monkeypatch.setattr(open_archive, "secret_of", lambda _server: "wrong")
    with ThreadingHTTPServer(("127.0.0.1", 0), _NobodyKnown) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/dicom-web"
        web = make_desk(Server("web", "dicomweb", url=url, login="basic", user="reader"))
        found(web, "", qtbot)
        server.shutdown()
        thread.join(5)
    assert "does not accept who we say we are" in web.said()
    assert "password or token again" in web.said()


def test_what_is_pushed_is_offered_and_never_opened_by_itself(
    make_desk: MakeDesk, orthanc: Orthanc, receiver: Receiver, study: list[Path], qtbot: QtBot
) -> None:
    desk = make_desk(replace(orthanc.dimse, retrieve_by="move"), receiver=replace(receiver, on=True))
    sign = desk.desk.receiver_sign
    qtbot.waitUntil(lambda: desk.desk.listening.state == "on", timeout=WAIT_MS)
    assert sign.isVisible()
    assert str(receiver.port) in sign.text()
    to = ("-aet", "SCANNER", "-aec", "VIEWER", receiver.host, str(receiver.port))
    assert run_tool("storescu", *to, *study).returncode == 0
    qtbot.waitUntil(lambda: desk.desk.offers.bar is not None, timeout=WAIT_MS)
    assert desk.place.session.scan is None
    bar = desk.desk.offers.bar
    assert bar is not None
    assert "SCANNER sent a study: DOE, JANE" in bar.text.text()
    assert "13 objects" in bar.text.text()
    found(desk, "doe", qtbot)  # C-MOVE borrows the receiver's port, and gives it back
    qtbot.mouseClick(desk.desk.find.fetch, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: desk.desk.retrieving.all[-1].over, timeout=WAIT_MS)
    assert desk.desk.retrieving.all[-1].state == "done"
    qtbot.mouseClick(bar.show_study, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: desk.place.session.series is not None)
    assert desk.desk.offers.bar is None
    qtbot.waitUntil(lambda: run_tool("echoscu", *to).returncode == 0, timeout=WAIT_MS)
    page = desk.desk.archives_page
    desk.desk.receiver_sign.click()
    qtbot.mouseClick(page.receiver.on, Qt.MouseButton.LeftButton, pos=page.receiver.on.rect().center() / 4)
    qtbot.waitUntil(lambda: desk.desk.listening.state == "off", timeout=WAIT_MS)
    assert not sign.isVisible()
    qtbot.waitUntil(lambda: run_tool("echoscu", *to).returncode != 0, timeout=WAIT_MS)
