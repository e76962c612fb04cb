"""Findings of all studies that want a verdict, and what can be done with one in the list of findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot
from shiboken6 import isValid
from small_study import write_study
from verdict_disk import SETTINGS, Disk, desk, explain, kept

from medreason_viewer.app import Workplace
from medreason_viewer.findings.journal import JournalWriter, Views
from medreason_viewer.outside import _open_study
from medreason_viewer.ui.findings.to_judge import ToJudge
from medreason_viewer.ui.findings.to_judge_dialog import ToJudgeDialog
from medreason_viewer.ui.launching.launching import Launching
from medreason_viewer.ui.launching.recent import RecentStudies

Opened = Callable[..., Workplace]


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return write_study(tmp_path / "other", patient="ROE^RICHARD")


@pytest.fixture
def noting(opened: Opened, build: Opened) -> Iterator[Callable[..., tuple[Workplace, Launching]]]:
    """Makes windows that note what is opened, and open what the list asks for."""
    made: list[Launching] = []

    def make(journal: JournalWriter, **settings: object) -> tuple[Workplace, Launching]:
        place = build(settings=replace(SETTINGS, **settings), journal=journal)  # type: ignore[arg-type]
        recent = RecentStudies(place.session, journal, place.window)
        made.append(Launching(place.window, places=recent.places))
        launching = made[-1]
        desk(place).everywhere.study_wanted.connect(lambda wanted: _open_study(place, launching, wanted))
        launching.turned.connect(desk(place).left_off.stay)
        return place, launching

    yield make
    for each in made:
        each.close()


def explain_one(place: Workplace, path: Path, index: int, qtbot: QtBot) -> None:
    place.window.may_leave = lambda *_args, **_more: True
    if place.session.scan is None or place.session.scan.path != path:
        place.window.open_path(path)
    qtbot.waitUntil(lambda: place.session.scan is not None and place.session.scan.path == path)
    qtbot.waitUntil(lambda: place.session.volume is not None and bool(place.session.volume.loaded.all()))
    qtbot.wait(50)
    place.session.go_to_slice(index)
    explain(place, qtbot)
    kept(place, qtbot)


def listed(place: Workplace, qtbot: QtBot) -> ToJudgeDialog:
    dialog = desk(place).everywhere.open()
    qtbot.waitUntil(lambda: dialog.said.text() != "Reading the journal …")
    return dialog


def test_the_list_opens_the_study_at_the_finding(
    noting: Callable[..., tuple[Workplace, Launching]],
    disk: Disk,
    qtbot: QtBot,
    small_study: Path,
    other: Path,
) -> None:
    first, _ = noting(disk.writer())
    explain_one(first, small_study, 2, qtbot)
    explain_one(first, small_study, 3, qtbot)
    explain_one(first, other, 4, qtbot)
    desk(first).verdicts.accept()
    kept(first, qtbot)
    first.close()

    place, launching = noting(disk.writer())
    dialog = listed(place, qtbot)
    rows = dialog.table.rows.rows
    assert [row.texts[4] for row in rows] == ["4", "3"]  # newest first; the third has a verdict
    assert all("DOE" in row.texts[0].upper() for row in rows)
    assert rows[0].texts[5] == "Nodule or mass"
    dialog.table.chosen.emit(rows[1].item)
    qtbot.waitUntil(lambda: place.session.answer is not None)
    assert place.session.slice_index == 2
    assert place.session.answer is not None
    assert place.session.answer.request.id == rows[1].item.finding.id  # type: ignore[attr-defined]
    dialog = listed(place, qtbot)
    dialog.table.chosen.emit(dialog.table.rows.rows[0].item)
    assert place.session.slice_index == 3  # it is open already
    assert launching.bar is None


def test_a_folded_answer_is_not_told_by_the_list(
    noting: Callable[..., tuple[Workplace, Launching]], disk: Disk, qtbot: QtBot, small_study: Path
) -> None:
    first, _ = noting(disk.writer())
    explain_one(first, small_study, 2, qtbot)
    first.close()
    place, _ = noting(disk.writer(), read_first=True)
    (row,) = listed(place, qtbot).table.rows.rows
    assert row.texts[5] == "your read first"
    assert "Nodule" not in " ".join(row.texts)


def test_without_any_it_says_so(
    noting: Callable[..., tuple[Workplace, Launching]], disk: Disk, qtbot: QtBot
) -> None:
    place, _ = noting(disk.writer())
    dialog = listed(place, qtbot)
    assert dialog.said.text() == "Every finding has a verdict."
    assert not dialog.show_it.isEnabled()


def test_a_list_closed_before_the_journal_answers_is_gone(
    noting: Callable[..., tuple[Workplace, Launching]], disk: Disk, qtbot: QtBot
) -> None:
    place, _ = noting(disk.writer())
    answered: list[object] = []
    dialog = desk(place).everywhere.open()
    desk(place).link.ask(lambda journal: journal.findings(), answered.append)
    dialog.close()
    QApplication.sendPostedEvents(dialog, QEvent.Type.DeferredDelete)
    qtbot.waitUntil(lambda: bool(answered))
    assert not isValid(dialog)


def lines(menu: QMenu) -> dict[str, QAction]:
    return {line.text().replace("&", ""): line for line in menu.actions() if line.text()}


def test_a_finding_s_own_menu(
    opened: Opened, disk: Disk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    popped: list[QMenu] = []
    monkeypatch.setattr(QMenu, "popup", lambda menu, _at: popped.append(menu))
    place = opened(settings=SETTINGS, journal=disk.writer())
    for index in (2, 5):
        place.session.go_to_slice(index)
        explain(place, qtbot)
        kept(place, qtbot)
    of_list = desk(place).list
    first = disk.findings()[0].id
    seen: list[str] = []
    of_list.menu_requested.connect(lambda finding_id, _at: seen.append(finding_id))
    of_list._want_menu(of_list.list.visualItemRect(of_list.list.item(1)).center())
    assert len(popped) == 1
    assert seen == [first]
    menu = desk(place).actions.menu(first)
    offered = lines(menu)
    assert list(offered) == [
        *("Go to its image", "Accept", "Correct …", "Reject", "Undo the verdict"),
        *("Export the finding …", "Erase from the journal …"),
    ]
    assert not offered["Undo the verdict"].isEnabled()
    offered["Go to its image"].trigger()
    assert place.session.slice_index == 2
    place.session.go_to_slice(4)
    offered["Accept"].trigger()
    qtbot.waitUntil(lambda: disk.findings()[0].judgement is not None)
    assert place.session.slice_index == 4  # a verdict from the list leaves the reader where they are
    lines(desk(place).actions.menu(first))["Correct …"].trigger()
    assert place.session.slice_index == 2
    assert desk(place).verdicts.correcting == first


def test_a_finding_is_erased_once_that_is_confirmed(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    explain(place, qtbot)
    kept(place, qtbot)
    (finding,) = disk.findings()
    box = desk(place).erasing.ask(finding.id, place.window)
    assert box is not None
    keep = next(button for button in box.buttons() if button.text() == "Keep it")
    qtbot.mouseClick(keep, Qt.MouseButton.LeftButton)
    qtbot.wait(30)
    assert disk.findings() == [finding]
    box = desk(place).erasing.ask(finding.id, place.window)
    assert box is not None
    erase = next(button for button in box.buttons() if button.text() == "Erase it")
    qtbot.mouseClick(erase, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: disk.findings() == [])
    qtbot.waitUntil(lambda: place.session.answers == ())
    assert desk(place).book.get(finding.id) is None
    with Views.open_to_read(disk.path) as views:
        assert [entry.event.reader for entry in views.entries("erased")] == ["Jane Roe"]


def test_where_nobody_knows_the_place_that_is_said(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    explain(place, qtbot)
    kept(place, qtbot)
    (finding,) = disk.findings()
    made = finding.explanation
    nameless = replace(made, key=replace(made.key, series_uid="", study_uid="", sop_uid=""))
    elsewhere = ToJudge(replace(finding, id="gone", explanation=nameless), None, read=False)
    desk(place).everywhere.go_to(elsewhere)
    told = [banner.text.text() for banner in place.window.banners.banners()]
    assert any("It is not known where the images of this finding lie" in text for text in told)
    assert desk(place).list.list.itemAt(QPoint(1, 1)) is not None
