"""Archives are added, changed, tested and removed in the window; secrets go to the keyring alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keyring
import pytest
from archive_desks import Desk, MakeDesk
from fake_archive import FakeArchive
from orthanc import free_port
from plain_keyring import PlainKeyring
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from medreason_viewer import app
from medreason_viewer import settings as settings_file
from medreason_viewer.errors import ServerUnreachable
from medreason_viewer.network.secret import secret_of
from medreason_viewer.servers import Receiver, Server
from medreason_viewer.ui.archive.archives_page import ArchivesPage

SECRET = "s3cr3t-t0ken"


@pytest.fixture(autouse=True)
def plain_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PLAIN_KEYRING", str(tmp_path / "keyring.json"))
    before = keyring.get_keyring()
    keyring.set_keyring(PlainKeyring())
    yield
    keyring.set_keyring(before)


def page_of(desk: Desk, qtbot: QtBot) -> ArchivesPage:
    desk.desk.menu.archives.trigger()
    page = desk.desk.archives_page
    qtbot.waitUntil(page.isVisible)
    return page


def choose(box: object, words: str, qtbot: QtBot) -> None:
    box.setCurrentText(words)  # type: ignore[attr-defined]
    box.activated.emit(box.currentIndex())  # type: ignore[attr-defined]


def test_a_web_archive_is_added_with_its_token_in_the_keyring(
    make_desk: MakeDesk, tmp_path: Path, qtbot: QtBot
) -> None:
    desk = make_desk()
    page = page_of(desk, qtbot)
    qtbot.mouseClick(page.add, Qt.MouseButton.LeftButton)
    form = page.form
    qtbot.keyClicks(form.name, "cloud")
    choose(form.kind, "DICOMweb", qtbot)
    assert not form.host.isVisible()
    qtbot.keyClicks(form.url, "https://pacs.example/dicom-web")
    choose(form.login, "Token", qtbot)
    assert not form.user.isVisible()
    qtbot.keyClicks(form.secret, SECRET)
    qtbot.mouseClick(page.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.said.text() == "Saved.")
    added = settings_file.load(desk.settings).server("cloud")
    assert added == Server("cloud", "dicomweb", url="https://pacs.example/dicom-web", login="bearer")
    assert secret_of(added) == SECRET
    assert SECRET not in desk.settings.read_text()
    assert form.secret.text() == ""
    assert [desk.desk.find.archives.itemText(at) for at in range(2)] == ["fake", "cloud"]
    qtbot.mouseClick(page.remove, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(settings_file.load(desk.settings).pacs) == 1)
    assert SECRET not in (tmp_path / "keyring.json").read_text()


def test_an_archive_is_changed_in_its_place_and_what_others_set_stays(
    make_desk: MakeDesk, archive: FakeArchive, qtbot: QtBot
) -> None:
    desk = make_desk(archive.server, Server("second", host="b"), receiver=Receiver(port=11113))
    page = page_of(desk, qtbot)
    elsewhere = settings_file.load(desk.settings)
    settings_file.save(replace(elsewhere, pacs=(*elsewhere.pacs, Server("third", host="c"))), desk.settings)
    page.form.name.setText("first")
    page.form.port.setValue(104)
    qtbot.mouseClick(page.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.said.text() == "Saved.")
    now = settings_file.load(desk.settings)
    assert [server.name for server in now.pacs] == ["first", "second", "third"]
    assert now.server("first") == replace(archive.server, name="first", port=104)
    assert now.receiver.port == 11113
    desk.place.window.closing.connect(lambda kept: app._keep(desk.settings, kept))
    desk.place.window.close()
    assert settings_file.load(desk.settings).pacs == now.pacs, "closing the window brought the old ones back"


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [("name", "", "name"), ("host", "a b", "host"), ("called", "far too long an AE title", "AE title")],
)
def test_what_can_be_no_archive_is_refused(
    field: str, text: str, said: str, make_desk: MakeDesk, qtbot: QtBot
) -> None:
    desk = make_desk()
    page, before = page_of(desk, qtbot), desk.settings.read_text()
    getattr(page.form, field).setText(text)
    qtbot.mouseClick(page.save, Qt.MouseButton.LeftButton)
    assert said in page.said.text()
    assert page.said.objectName() == "caution"
    assert desk.settings.read_text() == before


def test_an_archive_is_tested(make_desk: MakeDesk, archive: FakeArchive, qtbot: QtBot) -> None:
    desk = make_desk()
    page = page_of(desk, qtbot)
    qtbot.mouseClick(page.test, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.said.text() == "It answers.")
    archive.trouble["echo"] = ServerUnreachable("It is away.")
    qtbot.mouseClick(page.test, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.said.text().startswith("It is away. Check the network"))


def test_the_receiver_wants_to_know_who_may_send_and_says_when_its_port_is_taken(
    make_desk: MakeDesk, qtbot: QtBot
) -> None:
    desk = make_desk(receiver=Receiver(port=free_port()))
    page = page_of(desk, qtbot)
    assert desk.desk.listening.state == "off"
    assert not desk.desk.receiver_sign.isVisible()
    page.receiver.on.click()
    assert "AE titles that may send" in page.receiver.state.text()
    assert not page.receiver.on.isChecked()
    page.receiver.allowed.setText("SCANNER, OTHER")
    page.receiver.on.click()
    qtbot.waitUntil(lambda: desk.desk.listening.state == "on", timeout=10_000)
    kept = settings_file.load(desk.settings).receiver
    assert kept.on
    assert kept.allowed == ("SCANNER", "OTHER")
    assert kept.host == "127.0.0.1"
    assert desk.desk.receiver_sign.isVisible()
    other = make_desk(receiver=kept)
    qtbot.waitUntil(lambda: other.desk.listening.state == "failed", timeout=10_000)
    assert "cannot listen" in other.desk.listening.problem
    assert other.desk.receiver_sign.text() == "Receiver failed"
    page.receiver.on.click()
    qtbot.waitUntil(lambda: desk.desk.listening.state == "off", timeout=10_000)


def test_without_an_archive_the_worklist_says_what_to_do(
    make_desk: MakeDesk, archive: FakeArchive, qtbot: QtBot
) -> None:
    desk = make_desk()
    page = page_of(desk, qtbot)
    qtbot.mouseClick(page.remove, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not desk.desk.sources.servers)
    desk.desk.show_find()
    desk.desk.find.search()
    assert desk.said() == "No archive is set yet: add one under Archives."
    assert not archive.asked
