"""Sending from the real window: the queue, its sign in the footer, and what becomes of it after a restart."""

from __future__ import annotations

from pathlib import Path

from archive_desks import Desk, MakeDesk
from fake_archive import FakeArchive
from pydicom import dcmread
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from small_study import write_study

from medreason_viewer.errors import ServerUnreachable
from medreason_viewer.network.archive import Sent
from medreason_viewer.ui.archive.send_dialog import SendDialog


def opened(desk: Desk, study: Path, qtbot: QtBot) -> Desk:
    desk.place.window.open_path(study)
    qtbot.waitUntil(lambda: desk.place.session.series is not None)
    return desk


def dialog_of(desk: Desk) -> SendDialog:
    found = [each for each in desk.place.window.findChildren(SendDialog) if each.isVisible()]
    assert len(found) == 1
    return found[0]


def send(desk: Desk, qtbot: QtBot, *, again: bool = False) -> None:
    dialog = dialog_of(desk)
    dialog.again.setChecked(again)
    qtbot.mouseClick(dialog.send, Qt.MouseButton.LeftButton)


def sops(study: Path) -> set[str]:
    return {str(dcmread(file).SOPInstanceUID) for file in study.rglob("*.dcm")}


def test_a_series_and_a_study_are_sent(
    make_desk: MakeDesk,
    archive: FakeArchive,
    small_study: Path,
    qtbot: QtBot,
) -> None:
    desk = opened(make_desk(), small_study, qtbot)
    desk.desk.menu.send_series.trigger()
    dialog = dialog_of(desk)
    assert "DOE, JANE" in dialog.what.text()
    assert dialog.count.text() == "8 files"
    send(desk, qtbot)
    qtbot.waitUntil(lambda: len(archive.sent) == 8)
    desk.desk.menu.send_study.trigger()
    assert dialog_of(desk).count.text() == "13 files"
    send(desk, qtbot)
    qtbot.waitUntil(lambda: len(archive.sent) == 13)  # what was acknowledged is not sent twice
    assert set(archive.sent) == sops(small_study)
    qtbot.waitUntil(lambda: desk.desk.sending.waiting == 0)
    assert not desk.desk.send_sign.isVisible()
    desk.desk.menu.queue.trigger()
    rows = [row.texts for row in desk.desk.send_page.table.rows.rows]
    assert [row[5] for row in rows] == ["Sent", "Sent"]
    assert all("DOE, JANE" in row[0] for row in rows)
    desk.desk.menu.send_series.trigger()
    send(desk, qtbot, again=True)
    qtbot.waitUntil(lambda: len(archive.sent) == 21)


def test_what_waits_is_shown_tried_again_and_resumed_by_the_next_start(
    make_desk: MakeDesk,
    archive: FakeArchive,
    small_study: Path,
    qtbot: QtBot,
) -> None:
    archive.trouble["send"] = ServerUnreachable("The archive is away.")
    desk = opened(make_desk(), small_study, qtbot)
    desk.desk.menu.send_series.trigger()
    send(desk, qtbot)
    qtbot.waitUntil(lambda: desk.desk.send_sign.text() == "8 to send")
    assert desk.desk.send_sign.isVisible()
    qtbot.mouseClick(desk.desk.send_sign, Qt.MouseButton.LeftButton)
    page = desk.desk.send_page
    qtbot.waitUntil(lambda: "The archive is away." in page.reason.text())
    assert "Next try" in page.table.rows.rows[0].texts[5]
    desk.close()
    assert not archive.sent
    files = [path for path in (desk.settings.parent / "outbox").rglob("*") if path.is_file()]
    assert not [file for file in files if b"JANE" in file.read_bytes() and file.suffix == ".sqlite"]
    del archive.trouble["send"]
    again = make_desk()
    qtbot.waitUntil(lambda: again.desk.sending.waiting == 8)
    again.desk.show_find()
    again.desk.menu.queue.trigger()
    assert "Queued earlier" in again.desk.send_page.table.rows.rows[0].texts[0]
    qtbot.mouseClick(again.desk.send_page.retry, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(archive.sent) == 8)
    qtbot.waitUntil(lambda: not again.desk.send_sign.isVisible())


def test_what_is_refused_is_said_and_can_be_removed(
    make_desk: MakeDesk,
    archive: FakeArchive,
    small_study: Path,
    qtbot: QtBot,
) -> None:
    archive.judge = lambda outgoing: Sent(outgoing, "It does not take this kind of object.", permanent=True)
    desk = opened(make_desk(), small_study, qtbot)
    desk.desk.menu.send_series.trigger()
    send(desk, qtbot)
    qtbot.waitUntil(lambda: desk.desk.send_sign.text() == "8 refused")
    desk.desk.menu.queue.trigger()
    page = desk.desk.send_page
    assert "does not take" in page.reason.text()
    qtbot.mouseClick(page.drop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.table.rows.rows)
    assert not desk.desk.send_sign.isVisible()
    assert not list((desk.settings.parent / "outbox" / "files").iterdir())


def test_what_cannot_be_sent_is_said(
    make_desk: MakeDesk,
    archive: FakeArchive,
    small_study: Path,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    desk = make_desk()
    desk.desk.menu.send_series.trigger()
    assert "nothing here that can be sent" in desk.place.window.banners.banners()[0].text.text()
    note = tmp_path / "note.txt"
    note.write_text("no DICOM")
    told: list[str] = []
    desk.desk.sending.told.connect(told.append)
    desk.desk.sending.send(archive.server, [note], "Files of your choice")
    qtbot.waitUntil(lambda: bool(told))
    assert told == ["1 passed over: no DICOM."]


def test_the_question_is_closed_where_another_patient_is_shown(
    make_desk: MakeDesk,
    archive: FakeArchive,
    small_study: Path,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    other = write_study(tmp_path / "other", patient="ROE^RICHARD")
    study = archive.hold(other, patient_name="ROE^RICHARD")
    desk = opened(make_desk(), small_study, qtbot)
    desk.desk.menu.send_series.trigger()
    dialog_of(desk)
    desk.desk.find.open_asked.emit(archive.server, study, None)
    qtbot.waitUntil(lambda: desk.launching.bar is not None)
    assert not [each for each in desk.place.window.findChildren(SendDialog) if each.isVisible()]
    assert not archive.sent
