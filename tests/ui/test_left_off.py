"""A study comes back where it was left, unless somebody is elsewhere already; the last one is offered."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from small_study import write_study
from verdict_disk import SETTINGS, Disk, desk

from medreason_viewer.app import Workplace
from medreason_viewer.drawing.placement import View
from medreason_viewer.findings.journal import Views, WindowArranged
from medreason_viewer.ui.findings.left_off import left
from medreason_viewer.ui.findings.standing import Standing, standing_in
from medreason_viewer.ui.launching.launching import Launching
from medreason_viewer.ui.launching.recent import RecentStudies
from medreason_viewer.ui.launching.target import LaunchTarget
from medreason_viewer.volume.window import PRESETS

Opened = Callable[..., Workplace]


def settle(place: Workplace, qtbot: QtBot) -> None:
    """Until the journal has said where the study was left, and all is loaded."""
    asked: list[object] = []
    qtbot.wait(20)
    desk(place).link.ask(lambda journal: journal.window(), asked.append)
    qtbot.waitUntil(lambda: bool(asked))
    shown = place.session.viewports
    qtbot.waitUntil(lambda: all(each.volume is not None and each.volume.loaded.all() for each in shown))
    qtbot.wait(20)


def noted(disk: Disk) -> list[WindowArranged]:
    with Views.open_to_read(disk.path) as views:
        return [entry.event for entry in views.entries("window")]


def leave_somewhere(place: Workplace, qtbot: QtBot) -> Standing:
    """The second series in a window of its own, zoomed, and a reformat beside it."""
    session = place.session
    session.set_layout(2)
    settle(place, qtbot)
    left, right = session.viewports
    left.set_plane("coronal")
    left.go_to_slice(11)
    session.activate(right)
    right.go_to_slice(1)
    right.set_window(PRESETS["bone"], "bone")
    right.set_view(View(2.5, (0.25, 0.75)))
    standing = standing_in(session)
    assert standing is not None
    return standing


def test_both_viewports_come_back_as_they_were_left(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    first = opened(settings=SETTINGS, journal=disk.writer())
    was = leave_somewhere(first, qtbot)
    qtbot.wait(20)
    first.close()
    (kept,) = noted(disk)
    assert {subject.study_uid for subject in kept.about} == {
        series.identity.study_uid
        for series in first.session.scan.series  # type: ignore[union-attr]
    }

    again = opened(settings=SETTINGS, journal=disk.writer())
    qtbot.waitUntil(lambda: len(again.session.viewports) == 2)
    settle(again, qtbot)
    assert standing_in(again.session) == was
    left, right = again.session.viewports
    assert (left.plane_name, left.slice_index) == ("coronal", 11)
    assert (right.slice_index, right.window, right.view.zoom) == (1, PRESETS["bone"], 2.5)
    assert again.session.active is right
    again.close()
    assert noted(disk) == [kept]  # nobody moved: nothing new is noted


def test_another_study_is_another_place(
    opened: Opened, disk: Disk, qtbot: QtBot, tmp_path: Path, small_study: Path
) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    place.session.go_to_slice(1)
    qtbot.wait(20)
    other = write_study(tmp_path / "other", patient="ROE^RICHARD")
    place.window.open_path(other)
    qtbot.waitUntil(lambda: place.session.scan is not None and "RICHARD" in str(place.session.scan))
    settle(place, qtbot)
    assert place.session.slice_index != 1
    place.session.go_to_slice(3)
    qtbot.wait(20)
    place.window.open_path(small_study)
    qtbot.waitUntil(lambda: place.session.slice_index == 1)
    footer = place.window.parts.footer
    qtbot.waitUntil(lambda: "Shown as you left it" in footer.activity.text())


def test_a_reader_who_has_moved_stays(
    build: Opened,
    opened: Opened,
    disk: Disk,
    qtbot: QtBot,
    small_study: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = opened(settings=SETTINGS, journal=disk.writer())
    first.session.go_to_slice(1)
    qtbot.wait(20)
    first.close()
    place = build(settings=SETTINGS, journal=disk.writer())
    link, asked = desk(place).link, list[object]()
    ask = link.ask

    def moved_meanwhile(question: object, *then: object) -> None:
        ask(question, *then)  # type: ignore[arg-type]
        if getattr(question, "func", None) is left:
            asked.append(question)
            place.session.go_to_slice(0)

    monkeypatch.setattr(link, "ask", moved_meanwhile)
    place.window.open_path(small_study)
    qtbot.waitUntil(lambda: bool(asked))
    settle(place, qtbot)
    assert place.session.slice_index == 0


def test_who_is_brought_to_an_image_stays_there(
    build: Opened, opened: Opened, disk: Disk, qtbot: QtBot, small_study: Path
) -> None:
    first = opened(settings=SETTINGS, journal=disk.writer())
    first.session.go_to_slice(1)
    series = first.session.series
    assert series is not None
    qtbot.wait(20)
    first.close()
    place = build(settings=SETTINGS, journal=disk.writer())
    launching = Launching(place.window)
    launching.turned.connect(desk(place).left_off.stay)
    sop = series.frames[4].sop_uid
    launching.open(LaunchTarget(series=series.identity.series_uid, goto=sop, path=small_study))
    qtbot.waitUntil(lambda: place.session.volume is not None)
    settle(place, qtbot)
    assert place.session.slice_index == 4
    launching.close()


@pytest.mark.parametrize(
    "change",
    [
        {"slice_index": -1},
        {"slice_index": 10_000, "sop_uid": "", "plane_name": "coronal"},
        {"sop_uid": "1.2.3", "series_uid": "1.2"},
        {"window": {"centre_hu": 0.0, "width_hu": 0.0}},
    ],
)
def test_what_makes_no_sense_leaves_the_study_at_its_middle(
    opened: Opened, disk: Disk, qtbot: QtBot, change: dict[str, object]
) -> None:
    first = opened(settings=SETTINGS, journal=disk.writer())
    first.session.go_to_slice(1)
    qtbot.wait(20)
    first.close()
    (kept,) = noted(disk)
    document = json.loads(kept.state)
    document["stands"][0] |= change
    writer = disk.writer()
    writer.write(replace(kept, state=json.dumps(document))).result(5)
    place = opened(settings=SETTINGS, journal=writer)
    settle(place, qtbot)
    assert place.session.series is not None
    assert place.session.slice_index == len(place.session.series.frames) // 2


def test_the_last_study_is_offered_at_the_start_and_reopened(
    build: Opened, opened: Opened, disk: Disk, qtbot: QtBot, small_study: Path
) -> None:
    first = opened(settings=SETTINGS, journal=disk.writer())
    place = build(settings=SETTINGS, journal=disk.writer())
    desk(place).reopening.offer()
    qtbot.wait(50)
    assert desk(place).reopening.bar is None  # nothing was ever open
    first.close()
    writer = disk.writer()
    second = opened(settings=SETTINGS, journal=writer)
    RecentStudies(second.session, writer, second.window)
    second.session.step_series(1)
    second.close()
    for shared, named in ((False, True), (True, False)):
        again = build(settings=replace(SETTINGS, shared_login=shared), journal=disk.writer())
        offering = desk(again).reopening
        offering.offer()
        qtbot.waitUntil(lambda offering=offering: offering.bar is not None)  # type: ignore[misc]
        bar = offering.bar
        assert bar is not None
        assert ("DOE" in bar.text.text().upper()) is named
        if shared:
            qtbot.mouseClick(bar.dismiss, Qt.MouseButton.LeftButton)
            assert offering.bar is None
        else:
            qtbot.mouseClick(bar.reopen, Qt.MouseButton.LeftButton)
            qtbot.waitUntil(lambda again=again: again.session.volume is not None)  # type: ignore[misc]
            assert again.session.scan is not None
            assert again.session.scan.path == small_study
            assert offering.bar is None
        again.close()
