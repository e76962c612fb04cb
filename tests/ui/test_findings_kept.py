"""A study that is opened again shows what is kept of it, each finding on its own image."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ct_in_memory import make_series, make_volume
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from small_study import write_study
from test_window import coloured_pixels, coloured_without_regions
from verdict_disk import ALT, SETTINGS, Disk, desk, explain, kept, press

from medreason_viewer.app import Workplace
from medreason_viewer.findings.finding import Finding
from medreason_viewer.findings.journal import Asked
from medreason_viewer.ui.findings.restoring import Record, kept_findings, recognised

Opened = Callable[..., Workplace]


def rows(place: Workplace) -> list[str]:
    list_of = desk(place).list.list
    return [list_of.item(row).text() for row in range(list_of.count())]


def test_what_is_kept_comes_back_with_its_study(
    opened: Opened, disk: Disk, qtbot: QtBot, small_study: Path
) -> None:
    first = opened(settings=SETTINGS, journal=disk.writer())
    index = first.session.slice_index
    explain(first, qtbot)
    press(first, qtbot, Qt.Key.Key_Y)
    kept(first, qtbot)
    first.session.go_to_slice(1)
    explain(first, qtbot)
    press(first, qtbot, Qt.Key.Key_1, ALT)
    kept(first, qtbot)
    first.close()

    again = opened(settings=SETTINGS, journal=disk.writer())
    qtbot.waitUntil(lambda: len(rows(again)) == 2)
    assert "Nodule or mass\nAccepted – Jane Roe" in rows(again)[0]
    assert "Rejected: wrong place – Jane Roe" in rows(again)[1]
    listed = desk(again).list
    again.session.go_to_slice(3)
    assert again.session.answer is None
    bare = coloured_without_regions(again)
    listed.list.itemClicked.emit(listed.list.item(0))
    assert again.session.slice_index == index
    answer = again.session.answer
    assert answer is not None
    assert answer.explanation == disk.findings()[0].explanation
    assert coloured_pixels(again) > bare + 20
    page = again.window.parts.explain.page
    qtbot.waitUntil(lambda: [row.step.text for row in page.reasoning.rows] == [s.text for s in answer.steps])
    assert desk(again).bar.verdict.text() == "Accepted – Jane Roe"
    press(again, qtbot, Qt.Key.Key_U)
    qtbot.waitUntil(lambda: disk.findings()[0].judgement is None)
    again.session.step_series(1)
    qtbot.waitUntil(lambda: again.session.volume is not None)
    assert rows(again) == []
    assert not listed.isVisible()


def test_another_patient_shows_none(opened: Opened, disk: Disk, qtbot: QtBot, tmp_path: Path) -> None:
    first = opened(settings=SETTINGS, journal=disk.writer())
    explain(first, qtbot)
    press(first, qtbot, Qt.Key.Key_Y)
    kept(first, qtbot)
    other = write_study(tmp_path / "other", patient="ROE^RICHARD")
    first.window.open_path(other)
    qtbot.waitUntil(lambda: first.session.scan is not None and "RICHARD" in str(first.session.scan))
    qtbot.waitUntil(lambda: first.session.volume is not None and bool(first.session.volume.loaded.all()))
    asked: list[object] = []
    desk(first).link.ask(lambda journal: journal.findings(), asked.append)
    qtbot.waitUntil(lambda: bool(asked))
    qtbot.wait(50)
    assert rows(first) == []
    assert first.session.answers == ()


def test_only_the_whole_key_is_recognised(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    explain(place, qtbot)
    kept(place, qtbot)
    (finding,) = disk.findings()
    volume, explained = place.session.volume, finding.explanation
    assert volume is not None
    (match,) = recognised(volume, (Record(finding, Asked()),))
    assert match.answer.request.slice_index == explained.slice_index
    for change in (
        {"pixels_sha256": "0" * 64},
        {"patient_key": "P2"},
        {"study_uid": "1.2"},
        {"origin_mm": (0.0, 0.0, 0.0)},
        {"frame_number": 2},
    ):
        foreign: Finding = replace(
            finding, explanation=replace(explained, key=replace(explained.key, **change))
        )
        assert recognised(volume, (Record(foreign, Asked()),)) == []
    other = make_volume(make_series((4, 64, 64)))
    assert recognised(other, (Record(finding, Asked()),)) == []


def test_a_real_chest_shows_its_findings_again(
    opened: Opened, disk: Disk, qtbot: QtBot, real_ct: Path
) -> None:
    first = opened(real_ct / "crlm-ct-1004", settings=SETTINGS, journal=disk.writer())
    middle = first.session.slice_index
    explain(first, qtbot)
    press(first, qtbot, Qt.Key.Key_Y)
    kept(first, qtbot)
    first.close()
    again = opened(real_ct / "crlm-ct-1004", settings=SETTINGS, journal=disk.writer())
    qtbot.waitUntil(lambda: len(rows(again)) == 1)
    again.session.go_to_slice(middle + 1)
    assert again.session.answer is None
    desk(again).list.show_finding(disk.findings()[0].id)
    assert again.session.slice_index == middle
    answer = again.session.answer
    assert answer is not None
    assert answer.explanation == disk.findings()[0].explanation
    assert answer.explanation.key == again.session.image_key()


def test_many_findings_do_not_stall_the_window(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    explain(place, qtbot)
    press(place, qtbot, Qt.Key.Key_Y)
    kept(place, qtbot)
    (finding,) = disk.findings()
    volume, shown = place.session.volume, kept_findings(place.session, desk(place).book)
    assert volume is not None
    many = tuple(Record(replace(finding, id=f"many{number}"), Asked()) for number in range(200))
    found = recognised(volume, many)
    start = time.thread_time()
    shown.show(volume, found)
    taken_ms = 1000 * (time.thread_time() - start)
    assert len(rows(place)) == 201
    scroll = []
    for by in (1, -1, 1, -1, 1):
        start = time.thread_time()
        place.session.scroll(by)
        scroll.append(1000 * (time.thread_time() - start))
    assert taken_ms < 100
    assert sorted(scroll)[2] < 16
