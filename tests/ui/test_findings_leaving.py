"""Findings without a verdict are listed before the reader leaves, and nobody is kept from leaving."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot
from small_study import write_study
from verdict_disk import SETTINGS, Disk, desk, explain, kept, press

from medreason_viewer.app import Workplace
from medreason_viewer.ui.findings.unfinished import UnfinishedDialog

Opened = Callable[..., Workplace]
LEFT = Qt.MouseButton.LeftButton


def asking(place: Workplace) -> UnfinishedDialog | None:
    shown = [one for one in place.window.findChildren(UnfinishedDialog) if one.isVisible()]
    return shown[0] if shown else None


def asked(place: Workplace) -> UnfinishedDialog:
    dialog = asking(place)
    assert dialog is not None
    return dialog


def buttons(dialog: UnfinishedDialog, text: str) -> list[QPushButton]:
    found = dialog.rows.findChildren(QPushButton)
    return [button for button in found if button.text() == text and button.isVisible()]


def test_closing_lists_what_has_no_verdict(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    for index in (2, 3):
        place.session.go_to_slice(index)
        explain(place, qtbot)
        kept(place, qtbot)
    place.window.close()
    assert place.window.isVisible()
    dialog = asked(place)
    assert dialog.heading.text() == "2 findings have no verdict"
    qtbot.waitUntil(lambda: len(buttons(dialog, "Accept")) == 2)
    qtbot.mouseClick(buttons(dialog, "Accept")[0], LEFT)
    qtbot.waitUntil(lambda: dialog.heading.text() == "1 finding has no verdict")
    qtbot.waitUntil(lambda: len(buttons(dialog, "Later")) == 1)
    assert place.window.isVisible()
    qtbot.mouseClick(buttons(dialog, "Later")[0], LEFT)
    assert not place.window.isVisible()
    place.close()
    verdicts = [finding.judgement and finding.judgement.verdict for finding in disk.findings()]
    assert verdicts == ["accepted", None]


def test_staying_stays(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    explain(place, qtbot)
    place.window.close()
    qtbot.mouseClick(asked(place).stay, LEFT)
    assert asking(place) is None
    press(place, qtbot, Qt.Key.Key_Y)
    kept(place, qtbot)
    assert place.window.isVisible()
    assert place.window.close()


def test_a_second_wish_to_close_is_heard(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    explain(place, qtbot)
    place.window.close()
    assert asking(place) is not None
    assert place.window.close()
    assert asking(place) is None


def test_changing_the_study_asks_first(opened: Opened, disk: Disk, qtbot: QtBot, tmp_path: Path) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    explain(place, qtbot)
    kept(place, qtbot)
    before = place.session.scan
    other = write_study(tmp_path / "other", patient="ROE^RICHARD")
    place.window.open_path(other)
    assert place.session.scan is before
    qtbot.mouseClick(asked(place).later, LEFT)
    qtbot.waitUntil(lambda: place.session.scan is not before and place.session.volume is not None)
    assert place.window.close()


def test_what_could_not_be_saved_is_told_before_closing(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    explain(place, qtbot)
    kept(place, qtbot)
    disk.refuse("The disk is full.")
    press(place, qtbot, Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: desk(place).bar.saving.text() == "NOT SAVED")
    place.window.close()
    dialog = asked(place)
    assert dialog.problem.text().startswith("The disk is full.")
    disk.refuse("")
    qtbot.mouseClick(dialog.again, LEFT)
    qtbot.waitUntil(lambda: not place.window.isVisible())
    judged = disk.findings()[0].judgement
    assert judged is not None


def test_closing_although_nothing_can_be_saved(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    disk.refuse("The disk is read-only.")
    place = opened(settings=SETTINGS, journal=disk.writer())
    explain(place, qtbot)
    qtbot.waitUntil(lambda: desk(place).bar.saving.text() == "NOT SAVED")
    place.window.close()
    dialog = asked(place)
    assert dialog.later.text() == "Close without saving"
    qtbot.mouseClick(dialog.later, LEFT)
    assert not place.window.isVisible()


def test_a_verdict_of_the_last_moment_is_kept(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    qtbot.waitUntil(lambda: disk.path.exists())
    disk.hold()
    explain(place, qtbot)
    press(place, qtbot, Qt.Key.Key_Y)
    assert place.window.close()
    threading.Timer(0.3, disk.release).start()
    place.close()
    judged = disk.findings()[0].judgement
    assert judged is not None
    assert judged.verdict == "accepted"
