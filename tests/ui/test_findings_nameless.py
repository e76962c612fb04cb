"""What is kept of files without UIDs comes back with their pixels; and what a reader read first."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QInputDialog
from pytestqt.qtbot import QtBot
from verdict_disk import BOX, SETTINGS, Disk, desk, explain, kept, press

from medreason_viewer.app import Workplace
from medreason_viewer.drawing.overlay import Distance
from medreason_viewer.findings.journal import ReadFirst, Views

Opened = Callable[..., Workplace]
LINE, OTHER = Distance((10.0, 10.0), (20.0, 10.0)), Distance((5.0, 5.0), (6.0, 9.0))


@pytest.fixture
def nameless(tmp_path: Path) -> Path:
    """A small NIfTI, every slice of which is unlike the others."""
    hu = np.random.default_rng(1).integers(-1000, 300, (6, 40, 40)).astype(np.int16)
    image = sitk.GetImageFromArray(hu)
    image.SetSpacing((1.0, 1.0, 2.0))  # type: ignore[no-untyped-call]
    path = tmp_path / "one.nii.gz"
    sitk.WriteImage(image, str(path))
    return path


def own_reads(disk: Disk) -> dict[str, ReadFirst]:
    with Views.open_to_read(disk.path) as views:
        return views.own_reads()


def until_journal_is_there(place: Workplace, qtbot: QtBot) -> None:
    asked: list[object] = []
    desk(place).link.ask(lambda journal: journal.patients(), asked.append)
    qtbot.waitUntil(lambda: bool(asked))


def rows(place: Workplace) -> int:
    return desk(place).list.list.count()


def test_findings_and_marks_come_back_wherever_the_file_lies(
    opened: Opened, disk: Disk, qtbot: QtBot, nameless: Path, tmp_path: Path
) -> None:
    first = opened(nameless, settings=SETTINGS, journal=disk.writer())
    session = first.session
    session.go_to_slice(2)
    explain(first, qtbot)
    press(first, qtbot, Qt.Key.Key_Y)
    kept(first, qtbot)
    session.set_measurements((LINE,))
    first.window.tour.toggle()
    session.set_plane("coronal")
    session.go_to_slice(7)
    session.set_measurements((OTHER,))
    first.close()

    moved = tmp_path / "elsewhere" / "renamed.nii.gz"
    moved.parent.mkdir()
    shutil.copy(nameless, moved)
    again = opened(moved, settings=SETTINGS, journal=disk.writer())
    again.session.go_to_slice(0)
    qtbot.waitUntil(lambda: rows(again) == 1)  # although its image is not looked at
    desk(again).list.show_finding(disk.findings()[0].id)
    assert again.session.slice_index == 2
    assert again.session.answer is not None
    assert again.session.answer.judgement is not None
    qtbot.waitUntil(lambda: again.session.measurements == (LINE,))
    assert again.session.series is not None
    assert again.session.key_images.marked(again.session.series, "axial", 2)
    again.session.set_plane("coronal")
    again.session.go_to_slice(7)
    assert again.session.measurements == (OTHER,)
    again.session.go_to_slice(8)
    assert not again.session.measurements


def test_other_pixels_show_none(
    opened: Opened, disk: Disk, qtbot: QtBot, nameless: Path, tmp_path: Path
) -> None:
    first = opened(nameless, settings=SETTINGS, journal=disk.writer())
    first.session.go_to_slice(2)
    explain(first, qtbot)
    kept(first, qtbot)
    first.session.set_measurements((LINE,))
    first.close()
    image = sitk.ReadImage(str(nameless))
    changed = tmp_path / "changed.nii.gz"
    image[3, 3, 2] = 77
    sitk.WriteImage(image, str(changed))
    again = opened(changed, settings=SETTINGS, journal=disk.writer())
    asked: list[object] = []
    desk(again).link.ask(lambda journal: journal.findings(), asked.append)
    qtbot.waitUntil(lambda: bool(asked))
    qtbot.wait(100)
    again.session.go_to_slice(2)
    assert rows(again) == 0
    assert not again.session.measurements


def test_a_read_committed_first_is_kept_and_comes_back(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    settings = replace(SETTINGS, read_first=True)
    place = opened(settings=settings, journal=disk.writer(), pace_s=5.0)
    session = place.session
    until_journal_is_there(place, qtbot)
    session.set_box(BOX)
    place.window.explain_box()
    qtbot.waitUntil(lambda: session.answer is not None)
    answer = session.answer
    assert answer is not None
    session.commit_own_read(answer.request.id, "A granuloma")
    qtbot.waitUntil(lambda: answer.request.id in own_reads(disk))  # before there is any answer
    assert disk.findings() == []
    read = own_reads(disk)[answer.request.id]
    assert (read.text, read.reader, read.key) == ("A granuloma", "Jane Roe", answer.request.key)


def test_a_finding_comes_back_with_the_read_before_it(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    settings = replace(SETTINGS, read_first=True)
    first = opened(settings=settings, journal=disk.writer())
    explain(first, qtbot)
    assert first.session.answer is not None
    first.session.commit_own_read(first.session.answer.request.id, "A granuloma")
    index = first.session.slice_index
    kept(first, qtbot)
    first.close()
    again = opened(settings=settings, journal=disk.writer())
    qtbot.waitUntil(lambda: rows(again) == 1)
    again.session.go_to_slice(index)
    answer = again.session.answer
    assert answer is not None
    assert answer.own_read == "A granuloma"
    assert not again.session.folds(answer)


def test_what_could_not_be_written_is_tried_again_in_order(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    sign = desk(place).sign
    disk.refuse("The disk is full.")
    place.session.set_measurements((LINE,))
    qtbot.waitUntil(lambda: sign.text.text() == "1 NOT SAVED")
    place.session.set_measurements(())
    qtbot.waitUntil(lambda: sign.text.text() == "2 NOT SAVED")
    place.window.close()
    asking = desk(place)._asking
    assert asking is not None
    assert "The disk is full. What is not saved is lost" in asking.problem.text()
    disk.refuse("")
    asking.again.click()
    qtbot.waitUntil(lambda: not sign.isVisible())
    with Views.open_to_read(disk.path) as views:
        assert [entry.event.removed for entry in views.entries("measured")] == [False, True]


def test_where_nobody_says_who_reads_the_read_is_kept_all_the_same(
    opened: Opened, disk: Disk, qtbot: QtBot
) -> None:
    settings = replace(SETTINGS, read_first=True, shared_login=True)
    place = opened(settings=settings, journal=disk.writer())
    until_journal_is_there(place, qtbot)
    explain(place, qtbot)
    assert place.session.answer is not None
    place.session.commit_own_read(place.session.answer.request.id, "A granuloma")
    (asking,) = [each for each in QApplication.topLevelWidgets() if isinstance(each, QInputDialog)]
    asking.reject()
    qtbot.waitUntil(lambda: [read.reader for read in own_reads(disk).values()] == ["not said"])
