"""Two viewports in the real window: layout, the active one, shared pixels, scrolling together, dropping."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDropEvent
from pytestqt.qtbot import QtBot

from medreason_viewer.app import Workplace
from medreason_viewer.drawing.overlay import ReferenceLine
from medreason_viewer.ui.series.rows import mime_of
from medreason_viewer.ui.viewport.viewport import Viewport

Opened = Callable[..., Workplace]


def two(opened: Opened, qtbot: QtBot) -> tuple[Workplace, Viewport, Viewport]:
    """The small study in two viewports, both loaded; the left one is active."""
    place = opened()
    place.session.set_layout(2)
    left, right = place.session.viewports
    qtbot.waitUntil(lambda: whole(right))
    return place, left, right


def whole(viewport: Viewport) -> bool:
    return viewport.volume is not None and bool(viewport.volume.loaded.all())


def test_a_key_and_the_menu_change_the_layout(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    views, menu = place.window.parts.views, place.window.actions_of_view.layout_menu
    views.active.setFocus()
    qtbot.keyClick(views.active, Qt.Key.Key_L)
    assert [view.isVisible() for view in views._views] == [True, True]
    assert menu.choices[2].isChecked()
    menu.choices[1].trigger()
    assert [view.isVisible() for view in views._views] == [True, False]
    assert len(place.session.viewports) == 1


def test_the_second_viewport_gets_the_next_series(opened: Opened, qtbot: QtBot) -> None:
    place, left, right = two(opened, qtbot)
    assert [v.series for v in (left, right)] == place.session.shown_series
    place.session.set_layout(1)
    place.session.set_layout(2)
    assert right.series is place.session.shown_series[1]


def test_panels_follow_the_viewport_pressed_and_keys_go_there(opened: Opened, qtbot: QtBot) -> None:
    place, left, right = two(opened, qtbot)
    views, parts = place.window.parts.views.in_sight, place.window.parts
    qtbot.mouseClick(views[1], Qt.MouseButton.LeftButton, pos=QPoint(60, 60))
    assert place.session.active is right
    assert parts.view is views[1]
    assert parts.series.list.currentItem().text() == "Second"
    views[1].setFocus()
    before = left.slice_index, right.slice_index
    place.window.parts.views.linked.set_on(False)
    qtbot.keyClick(views[1], Qt.Key.Key_Down)
    assert (left.slice_index, right.slice_index) == (before[0], before[1] - 1)
    qtbot.keyClick(views[1], Qt.Key.Key_O)
    assert place.session.active is left
    assert views[0].hasFocus()


def test_each_has_its_own_plane_window_zoom_and_slab(opened: Opened, qtbot: QtBot) -> None:
    place, _, right = two(opened, qtbot)
    place.session.set_preset("lung")
    place.session.set_plane("coronal")
    place.session.slabs.next()
    assert (right.window_name, right.plane_name, right.slabs.chosen) == ("automatic", "axial", None)
    place.session.activate(right)
    assert (place.session.window_name, place.session.plane_name) == ("automatic", "axial")
    assert place.window.actions_of_view.planes["axial"].isChecked()
    assert place.window.actions_of_view.slab_menu.choices[None].isChecked()


def test_the_same_series_is_loaded_once_and_shared(
    opened: Opened, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, left, right = two(opened, qtbot)
    made: list[object] = []
    monkeypatch.setattr("medreason_viewer.ui.viewport.loading.Loader", lambda *given: made.append(given))
    assert left.series is not None
    right.select_series(left.series)
    qtbot.waitUntil(lambda: right.volume is not None)
    assert right.volume is left.volume
    assert made == []


def test_the_viewport_that_goes_frees_its_pixels(opened: Opened, qtbot: QtBot) -> None:
    place, _, right = two(opened, qtbot)
    assert right.volume is not None
    pixels = weakref.ref(right.volume)
    place.session.set_layout(1)

    def freed() -> bool:
        gc.collect()
        return pixels() is None

    qtbot.waitUntil(freed)
    assert (right.series, right.volume) == (None, None)


def test_they_scroll_together_by_millimetres(opened: Opened, qtbot: QtBot) -> None:
    place, left, right = two(opened, qtbot)  # 8 and 5 slices, each 2 mm from the next, from the same height
    for index in (1, 3, 4):
        place.session.go_to_slice(index)
        assert (left.slice_index, right.slice_index) == (index, index)
    place.window.parts.views.linked.toggle()
    place.session.go_to_slice(0)
    assert right.slice_index == 4


def test_the_other_viewport_shows_where_the_active_one_cuts_it(opened: Opened, qtbot: QtBot) -> None:
    place, _, right = two(opened, qtbot)
    right.set_plane("coronal")
    views = place.window.parts.views.in_sight

    def lines(number: int) -> list[ReferenceLine]:
        items = views[number].source.scene(views[number].viewport_size()).items
        return [item for item in items if isinstance(item, ReferenceLine)]

    place.session.go_to_slice(4)
    (line,) = lines(1)
    assert line.start_slice[1] == pytest.approx(line.end_slice[1])
    assert line.start_slice[1] == pytest.approx(0.5)  # the topmost of five: half a pixel from the upper edge
    assert lines(0) == []
    place.session.activate(right)
    assert (len(lines(0)), len(lines(1))) == (1, 0)


def test_a_series_is_dropped_into_the_viewport_under_the_pointer(opened: Opened, qtbot: QtBot) -> None:
    place, left, right = two(opened, qtbot)
    view, first = place.window.parts.views.in_sight[1], place.session.shown_series[0]
    mime = mime_of(first)
    copy, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    view.dropEvent(QDropEvent(QPointF(9, 9), copy, mime, button, Qt.KeyboardModifier.NoModifier))
    assert (left.series, right.series) == (first, first)
    assert place.session.active is right


def test_a_press_on_a_series_chooses_it_only_when_let_go(opened: Opened, qtbot: QtBot) -> None:
    place, left, _ = two(opened, qtbot)
    panel, (first, second) = place.window.parts.series, place.session.shown_series
    at = panel.list.visualItemRect(panel.list.item(2)).center()
    qtbot.mousePress(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert left.series is first
    qtbot.mouseRelease(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert left.series is second
