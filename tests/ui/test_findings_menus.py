"""Recent studies and verdicts in the menus; the reader's name in the settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from small_study import write_study
from verdict_disk import SETTINGS, Disk, desk, explain, kept

from medreason_viewer.app import Workplace
from medreason_viewer.findings.journal import StudyOpened
from medreason_viewer.settings import Settings

Opened = Callable[..., Workplace]


def test_recent_studies_open_again(
    opened: Opened, disk: Disk, qtbot: QtBot, small_study: Path, tmp_path: Path
) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    evil = write_study(tmp_path / "evil", patient="<b>&A^B", description="Chest\tCtrl+Q")
    series = place.session.series
    assert series is not None
    link, menu = desk(place).link, desk(place).recent
    for path, name in ((small_study, "DOE^JANE"), (evil, "<b>&A^B\tC")):
        identity = replace(series.identity, patient_name=name, study_uid=name)
        link.write(StudyOpened(str(path), identity), lambda _receipt: None, lambda _text: None)
    menu.aboutToShow.emit()
    qtbot.waitUntil(lambda: len(menu.actions()) == 2)
    assert "\t" not in menu.actions()[0].text()
    assert "&&A" in menu.actions()[0].text()
    before = place.session.scan
    menu.actions()[1].trigger()
    qtbot.waitUntil(lambda: place.session.scan is not before)
    assert place.session.scan is not None
    assert place.session.scan.path == small_study


def test_verdicts_have_lines_with_their_keys(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    menu = desk(place).menu
    menu.aboutToShow.emit()
    assert not any(line.isEnabled() for line in menu.actions())
    explain(place, qtbot)
    menu.aboutToShow.emit()
    lines = {str(line.data()): line for line in menu.actions()}
    assert lines["accept"].text() == "Accept the answer\tY"
    assert not lines["undo_verdict"].isEnabled()
    lines["reject:nothing"].trigger()
    kept(place, qtbot)
    judged = disk.findings()[0].judgement
    assert judged is not None
    assert judged.reason == "not there"


def test_another_name_is_remembered(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    explain(place, qtbot)
    desk(place).verdicts.reader.ask().textValueSelected.emit("R. Koch")
    assert desk(place).bar.reader.text() == "as R. Koch"
    desk(place).verdicts.accept()
    kept(place, qtbot)
    saved: list[Settings] = []
    place.window.closing.connect(saved.append)
    assert place.window.close()
    assert saved[0].reader_name == "R. Koch"


def test_a_study_changed_by_another_program_tells_of_what_was_left(
    opened: Opened, disk: Disk, qtbot: QtBot
) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    explain(place, qtbot)
    kept(place, qtbot)
    scan = place.session.scan
    assert scan is not None
    place.session.open_scan(scan)
    said = [banner.text.text() for banner in place.window.banners.banners()]
    assert any("1 finding of the study before stayed without a verdict" in text for text in said)
    assert Qt.TextFormat.PlainText == place.window.banners.banners()[0].text.textFormat()
