"""Key images: marked by K, on their own series alone, found again, in strip and menu."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ct_in_memory import make_series
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot
from small_study import write_study

from medreason_viewer.app import Workplace
from medreason_viewer.drawing.overlay import KeyMark
from medreason_viewer.ui.key_images.marked import KeyImages
from medreason_viewer.ui.key_images.menu import KeyImageMenu
from medreason_viewer.ui.key_images.tour import NO_IMAGE, NO_KEY_IMAGES, NO_SLAB
from medreason_viewer.ui.viewport.slice_scene import SceneSource
from medreason_viewer.volume.series import Series
from medreason_viewer.volume.slab import Slab

Opened = Callable[..., Workplace]
KEY = Qt.Key
MIP = Slab("max", 5.0)


def press(place: Workplace, qtbot: QtBot, key: Qt.Key, shift: bool = False) -> None:
    place.window.parts.view.setFocus()
    modifier = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
    qtbot.keyClick(place.window.parts.view, key, modifier)


def star_shown(place: Workplace) -> bool:
    items = SceneSource(place.session.active, place.window).scene((400.0, 400.0)).items
    return any(isinstance(item, KeyMark) for item in items)


def said(place: Workplace) -> list[str]:
    return [banner.text.text() for banner in place.window.banners.banners()]


def menu(place: Workplace) -> KeyImageMenu:
    found = place.window.findChild(KeyImageMenu)
    assert isinstance(found, KeyImageMenu)
    found.refresh()
    return found


def other_series(place: Workplace, qtbot: QtBot) -> Series:
    """Turn to the series that is not shown, and wait for it."""
    assert place.session.scan is not None
    other = next(series for series in place.session.scan.series if series is not place.session.series)
    place.session.select_series(other)
    qtbot.waitUntil(lambda: place.session.volume is not None and bool(place.session.volume.loaded.all()))
    return other


def test_k_marks_and_k_again_undoes(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    press(place, qtbot, KEY.Key_K)
    assert star_shown(place)
    place.session.scroll(1)
    assert not star_shown(place)
    place.session.scroll(-1)
    assert star_shown(place)
    press(place, qtbot, KEY.Key_K)
    assert not star_shown(place)


def test_the_star_stays_where_regions_are_hidden(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    press(place, qtbot, KEY.Key_K)
    press(place, qtbot, KEY.Key_I)
    assert not place.session.overlay_visible
    assert star_shown(place)


def test_a_mark_is_never_shown_on_another_series_or_plane_and_is_remembered(
    opened: Opened, qtbot: QtBot
) -> None:
    place = opened()
    first, index = place.session.series, place.session.slice_index
    place.session.go_to_slice(2)
    press(place, qtbot, KEY.Key_K)
    other_series(place, qtbot)
    place.session.go_to_slice(2)
    assert not star_shown(place)
    place.session.set_plane("coronal")
    place.session.go_to_slice(2)
    assert not star_shown(place)
    other_series(place, qtbot)
    assert place.session.series is first
    place.session.go_to_slice(2)
    assert star_shown(place)
    assert index != 2


def test_another_patient_opened_shows_none_and_the_first_again_shows_its_own(
    opened: Opened, qtbot: QtBot, small_study: Path, tmp_path: Path
) -> None:
    place = opened()
    place.session.go_to_slice(3)
    press(place, qtbot, KEY.Key_K)
    for path, expected in ((write_study(tmp_path, patient="ROE^RICHARD"), 0), (small_study, 1)):
        before = place.session.scan
        place.window.open_path(path)
        qtbot.waitUntil(lambda before=before: place.session.scan is not before)
        qtbot.waitUntil(lambda: place.session.volume is not None and bool(place.session.volume.loaded.all()))
        assert len(place.window.tour.all()) == expected
        place.session.go_to_slice(3)
        assert star_shown(place) == bool(expected)


def test_next_and_previous_go_round_through_series_and_planes(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    session = place.session
    first = session.series
    for index in (6, 1):
        session.go_to_slice(index)
        press(place, qtbot, KEY.Key_K)
    session.set_plane("coronal")
    session.go_to_slice(30)
    press(place, qtbot, KEY.Key_K)
    second = other_series(place, qtbot)
    session.go_to_slice(4)
    press(place, qtbot, KEY.Key_K)
    assert first is not None
    tour = [(first, "axial", 6), (first, "axial", 1), (first, "coronal", 30), (second, "axial", 4)]

    def is_at(stop: tuple[Series, str, int]) -> bool:
        return session.series is stop[0] and (session.plane_name, session.slice_index) == stop[1:]

    for stop in (*tour, tour[0]):
        press(place, qtbot, KEY.Key_N)
        qtbot.waitUntil(lambda stop=stop: is_at(stop) and star_shown(place))
    for stop in (tour[3], tour[2], tour[1]):
        press(place, qtbot, KEY.Key_N, shift=True)
        qtbot.waitUntil(lambda stop=stop: is_at(stop) and star_shown(place))


def test_next_starts_from_an_image_that_is_not_marked(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    for index in (6, 1):
        place.session.go_to_slice(index)
        press(place, qtbot, KEY.Key_K)
    place.session.go_to_slice(4)
    press(place, qtbot, KEY.Key_N)
    assert place.session.slice_index == 1  # axial images are read downwards
    place.session.go_to_slice(4)
    press(place, qtbot, KEY.Key_N, shift=True)
    assert place.session.slice_index == 6


def test_where_nothing_can_be_done_a_sentence_says_so(build: Opened, opened: Opened, qtbot: QtBot) -> None:
    place = build()
    press(place, qtbot, KEY.Key_K)
    press(place, qtbot, KEY.Key_N)
    assert {NO_IMAGE, NO_KEY_IMAGES} <= set(said(place))


def test_a_slab_is_no_key_image(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    session = place.session
    session.go_to_slice(6)
    press(place, qtbot, KEY.Key_K)
    session.slabs.choose(MIP)
    qtbot.waitUntil(lambda: session.slabs.image is not None)
    assert not star_shown(place), "the star would say that the slab was marked"
    assert not menu(place).actions()[0].isEnabled()
    press(place, qtbot, KEY.Key_K)
    assert NO_SLAB in said(place)
    assert [image.index for image in place.window.tour.all()] == [6]
    session.go_to_slice(2)
    press(place, qtbot, KEY.Key_N)
    assert session.slice_index == 6
    assert session.slabs.chosen is None, "the image that was marked is shown, not a slab about it"
    assert star_shown(place)


def test_the_strip_shows_a_tick_where_the_key_image_is(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    place.session.go_to_slice(6)
    press(place, qtbot, KEY.Key_K)
    place.session.go_to_slice(0)
    strip = place.window.parts.view._strip
    image = strip.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    rgb = lines[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)
    gold = (rgb[..., 0] > 220) & (rgb[..., 2] < 110)
    rows = np.nonzero(gold.any(axis=1))[0]
    each = image.height() / 8
    assert rows.size > 0
    assert each * 0.9 < rows.min() <= rows.max() < each * 2.1  # second of eight from the head


def test_the_menu_lists_key_images_and_jumps(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    assert [a.text() for a in menu(place).actions()][-1] == "No image is marked"
    place.session.go_to_slice(6)
    menu(place).actions()[0].trigger()  # mark this image
    assert star_shown(place)
    listed = menu(place).actions()
    assert listed[0].text().startswith("Remove the &mark\tK")
    assert listed[-1].text() == "Series 1 · Chest · image 2"
    assert listed[-1].isChecked()
    place.session.go_to_slice(0)
    entry = menu(place).actions()[-1]
    assert not entry.isChecked()
    entry.trigger()
    assert place.session.slice_index == 6


def test_the_menu_shows_a_description_literally(opened: Opened, qtbot: QtBot, tmp_path: Path) -> None:
    place = opened(write_study(tmp_path, description="A&B <b>x</b>"))
    press(place, qtbot, KEY.Key_K)
    assert "A&&B <b>x</b>" in menu(place).actions()[-1].text()


def test_series_that_share_an_identity_keep_their_marks_apart() -> None:
    one = make_series(uid="1.2.3")
    other = replace(one, frames=tuple(replace(f, sop_uid=f"9.{f.sop_uid}") for f in one.frames))
    marks = KeyImages()
    for plane in ("axial", "sagittal"):
        assert marks.toggle(one, plane, 4)
        assert marks.marked(one, plane, 4)
        assert not marks.marked(other, plane, 4)
        assert marks.indices(one, plane) == (4,)
        assert marks.indices(other, plane) == ()


@pytest.mark.parametrize("geometry", [True, False])
def test_a_mark_holds_for_one_slice_where_files_have_no_uid(geometry: bool) -> None:
    series = make_series(geometry=geometry)
    series = replace(series, frames=tuple(replace(frame, sop_uid="") for frame in series.frames))
    marks = KeyImages()
    marks.toggle(series, "axial", 2)
    assert [marks.marked(series, "axial", i) for i in range(6)] == [i == 2 for i in range(6)]
