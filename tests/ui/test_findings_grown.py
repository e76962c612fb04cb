"""A study that grows while it is read keeps its findings, verdicts and marks, each on its own image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from verdict_disk import SETTINGS, Disk, desk, explain, kept, press

from medreason_viewer.app import Workplace
from medreason_viewer.drawing.overlay import Distance
from medreason_viewer.findings.journal import Views
from medreason_viewer.ui.viewport.grown import Grown
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.series import Scan

Opened = Callable[..., Workplace]
LINE, LONGER = Distance((10.0, 10.0), (20.0, 10.0)), Distance((10.0, 10.0), (30.0, 10.0))
FIRST = 3  # the first slice that is there at the beginning


def first_of(whole: Scan) -> Scan:
    """The first series alone, without its lower slices."""
    study = whole.studies[0]
    series = max(study.series, key=lambda each: len(each.frames))
    part = replace(series, frames=series.frames[FIRST:])
    return replace(whole, studies=(replace(study, series=(part,)),))


def loaded(place: Workplace, slices: int) -> Callable[[], bool]:
    def whole() -> bool:
        volume = place.session.volume
        return volume is not None and len(volume.loaded) == slices and bool(volume.loaded.all())

    return whole


def grow(place: Workplace, whole: Scan, qtbot: QtBot) -> None:
    before = place.session.scan
    assert before is not None
    place.session.grow_scan(whole, Grown(before, whole))
    qtbot.waitUntil(loaded(place, 8))


def test_findings_and_marks_stay_with_their_image(
    build: Opened, disk: Disk, qtbot: QtBot, small_study: Path
) -> None:
    place = build(settings=replace(SETTINGS, shared_login=True), journal=disk.writer())
    session, whole = place.session, scan(small_study)
    session.open_scan(first_of(whole))
    session.select_series(session.shown_series[0])
    qtbot.waitUntil(loaded(place, 8 - FIRST))
    session.go_to_slice(1)
    explain(place, qtbot)
    desk(place).reader._said("Jane Roe", lambda _name: None)
    press(place, qtbot, Qt.Key.Key_Y)
    kept(place, qtbot)
    session.set_measurements((LINE,))
    session.go_to_slice(3)
    explain(place, qtbot)
    kept(place, qtbot)
    session.go_to_slice(1)
    finding = disk.findings()[0]

    grow(place, whole, qtbot)
    assert session.slice_index == 1 + FIRST
    listed, bar = desk(place).list, desk(place).bar
    qtbot.waitUntil(lambda: listed.list.count() == 2)
    qtbot.waitUntil(bar.isVisible)  # with the pixels of its image
    assert bar.verdict.text() == "Accepted – Jane Roe"
    told = [banner.text.text() for banner in place.window.banners.banners()]
    assert not any("without a verdict" in text for text in told)
    assert len(desk(place).leaving.to_do) == 1
    session.go_to_slice(0)
    listed.show_finding(finding.id)
    assert session.slice_index == 1 + FIRST
    assert session.answer is not None
    assert session.answer.request.id == finding.id
    assert session.measurements == (LINE,)
    session.set_measurements((LONGER,))  # the same line, changed after the study has grown
    press(place, qtbot, Qt.Key.Key_U)  # nobody is asked again who reads
    qtbot.waitUntil(lambda: disk.findings()[0].judgement is None)
    place.close()
    with Views.open_to_read(disk.path) as views:
        (mark,) = views.measurements()
        assert mark.points_slice == ((10.0, 10.0), (30.0, 10.0))
        assert mark.key == finding.explanation.key


def test_a_correction_and_a_running_explanation_go_on(
    build: Opened, disk: Disk, qtbot: QtBot, small_study: Path
) -> None:
    place = build(settings=SETTINGS, journal=disk.writer(), pace_s=0.2)
    session, whole = place.session, scan(small_study)
    session.open_scan(first_of(whole))
    session.select_series(session.shown_series[0])
    qtbot.waitUntil(loaded(place, 8 - FIRST))
    session.go_to_slice(1)
    explain(place, qtbot)
    kept(place, qtbot)
    desk(place).verdicts.correct()
    box = session.box_slice
    session.go_to_slice(3)
    place.window.explain_box()
    session.set_box(box)
    place.window.explain_box()
    qtbot.waitUntil(lambda: session.running_answer is not None)
    running = session.running_answer
    assert running is not None
    grow(place, whole, qtbot)
    assert desk(place).verdicts.correcting
    qtbot.waitUntil(lambda: len(disk.findings()) == 2)
    session.go_to_slice(3 + FIRST)
    assert session.answer is not None
    assert session.answer.request.id == running.request.id
    assert session.answer.status == "answered"
