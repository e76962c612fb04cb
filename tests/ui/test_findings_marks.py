"""Measurements and key images are kept, and come back on their own image."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from verdict_disk import SETTINGS, Disk, press

from medreason_viewer.app import Workplace
from medreason_viewer.drawing.overlay import Angle, Distance
from medreason_viewer.findings.journal import KeyImageMarked, Measured, Views

Opened = Callable[..., Workplace]
LINE = Distance((10.0, 10.0), (20.0, 10.0))
LONGER = Distance((10.0, 10.0), (30.0, 10.0))
CORNER = Angle((10.0, 10.0), (20.0, 10.0), (20.0, 20.0))


def marks(disk: Disk) -> tuple[list[Measured], list[KeyImageMarked]]:
    with Views.open_to_read(disk.path) as views:
        return views.measurements(), views.key_images()


def test_measurements_come_back(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    session = place.session
    session.go_to_slice(5)
    session.set_measurements((LINE, CORNER))
    session.set_measurements((LONGER, CORNER))  # a line that was changed is the same line
    session.set_plane("coronal")
    session.go_to_slice(20)
    session.set_measurements((LINE,))
    session.go_to_slice(21)
    session.set_measurements((LINE,))
    session.set_measurements(())
    place.close()
    measured, _ = marks(disk)
    assert [(m.tool, m.quantities[0].value, m.quantities[0].unit) for m in measured[:2]] == [
        ("distance", 20.0, "mm"),
        ("angle", 90.0, "deg"),
    ]
    assert len(measured) == 3

    again = opened(settings=SETTINGS, journal=disk.writer()).session
    again.go_to_slice(5)
    qtbot.waitUntil(lambda: set(again.measurements) == {LONGER, CORNER})
    again.go_to_slice(4)
    assert again.measurements == ()
    again.set_plane("coronal")
    again.go_to_slice(20)
    qtbot.waitUntil(lambda: again.measurements == (LINE,))
    again.set_measurements(())
    qtbot.waitUntil(lambda: len(marks(disk)[0]) == 2)
    again.go_to_slice(21)
    assert again.measurements == ()


def test_key_images_come_back(opened: Opened, disk: Disk, qtbot: QtBot) -> None:
    place = opened(settings=SETTINGS, journal=disk.writer())
    session = place.session
    for index in (2, 6):
        session.go_to_slice(index)
        press(place, qtbot, Qt.Key.Key_K)
    session.go_to_slice(2)
    press(place, qtbot, Qt.Key.Key_K)
    session.set_plane("sagittal")
    session.go_to_slice(30)
    press(place, qtbot, Qt.Key.Key_K)
    place.close()
    assert len(marks(disk)[1]) == 2

    again = opened(settings=SETTINGS, journal=disk.writer()).session
    images, series = again.key_images, again.series
    assert series is not None
    qtbot.waitUntil(lambda: images.indices(series, "axial") == (6,))
    qtbot.waitUntil(lambda: images.indices(series, "sagittal") == (30,))
    again.step_series(1)
    qtbot.waitUntil(lambda: again.volume is not None and bool(again.volume.loaded.all()))
    assert again.series is not None
    assert images.indices(again.series, "axial") == ()
