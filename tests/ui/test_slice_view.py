"""The viewport driven as a reader drives it: mouse, wheel and keys, on the real widget."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ct_in_memory import make_series, make_volume
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from medreason_viewer.drawing.overlay import Angle, Distance
from medreason_viewer.reasoning.freeze import freeze_request
from medreason_viewer.reasoning.request import Evidence, Located, Region
from medreason_viewer.ui.keys.profile import PROFILES, Tool
from medreason_viewer.ui.session import ExplainTarget, Session
from medreason_viewer.ui.viewport.slice_view import SliceView
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.measure import box_statistics
from medreason_viewer.volume.series import Scan, Series, Study
from medreason_viewer.volume.window import PRESETS, Window, to_grey

LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
KEY = Qt.Key


def open_series(view: SliceView, *series: Series) -> Session:
    session = view.session
    session.open_scan(Scan(Path(), (Study("1.2", series),)))
    session.select_series(series[0])
    session.set_volume(make_volume(series[0]))
    return session


@pytest.fixture
def view(qtbot: QtBot) -> SliceView:
    """A viewport of 600 x 500 pixels on 9 slices of 100 x 120 pixels, 2 x 0.8 mm each."""
    shown = SliceView(Session().active)
    qtbot.addWidget(shown)
    shown.resize(612, 500)
    shown.show()
    open_series(shown, make_series((9, 100, 120), (3.0, 2.0, 0.8)), make_series((4, 20, 30), uid="9"))
    return shown


def at(view: SliceView, x: float, y: float) -> QPoint:
    """The widget's pixel nearest to a point on the slice."""
    return view.placement().to_view_point((x, y)).toPoint()


def drag(view: SliceView, button: Qt.MouseButton, start: QPoint, *path: QPoint) -> None:
    QTest.mousePress(view, button, pos=start)
    for point in path:
        QTest.mouseMove(view, point)
    QTest.mouseRelease(view, button, pos=path[-1])


def wheel(view: SliceView, delta: int, point: QPointF, *, ctrl: bool = False) -> None:
    modifier = Qt.KeyboardModifier.ControlModifier if ctrl else Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(
        view,
        QWheelEvent(
            point, view.mapToGlobal(point), QPoint(), QPoint(0, delta), Qt.MouseButton.NoButton, modifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        ),
    )  # fmt: skip


def press(
    view: SliceView, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    QTest.keyClick(view, key, modifier)


# Window and level


def test_a_drag_to_the_right_widens_and_up_lowers_the_level(view: SliceView) -> None:
    view.session.set_window(Window(40, 300))
    drag(view, LEFT, QPoint(200, 200), QPoint(230, 200), QPoint(260, 180))
    assert view.session.window == Window(
        40 - 20, 300 + 60
    )  # a step is a 300th of the width, at least 0.25 HU
    drag(view, LEFT, QPoint(200, 200), QPoint(100, 220))
    assert view.session.window == Window(20 + 20 * 1.2, 360 - 100 * 1.2)


def test_a_window_never_gets_narrower_than_one_unit(view: SliceView) -> None:
    drag(view, LEFT, QPoint(500, 200), QPoint(10, 200), QPoint(5, 200))
    assert view.session.window.width_hu == 1


def test_escape_in_the_middle_of_a_drag_undoes_it(view: SliceView) -> None:
    before = view.session.window
    QTest.mousePress(view, LEFT, pos=QPoint(200, 200))
    QTest.mouseMove(view, QPoint(300, 300))
    assert view.session.window != before
    press(view, KEY.Key_Escape)
    assert view.session.window == before
    QTest.mouseMove(view, QPoint(350, 350))
    QTest.mouseRelease(view, LEFT, pos=QPoint(350, 350))
    assert view.session.window == before


# Scrolling


def test_the_wheel_scrolls_towards_the_feet_and_back(view: SliceView) -> None:
    session, here = view.session, QPointF(300, 250)
    wheel(view, -120, here)
    assert session.slice_index == 3
    wheel(view, 240, here)
    assert session.slice_index == 5
    for _ in range(4):
        wheel(view, -30, here)  # a touchpad's quarter notches
    assert session.slice_index == 4


@pytest.mark.parametrize(
    ("key", "modifier", "index"),
    [
        (KEY.Key_Down, Qt.KeyboardModifier.NoModifier, 3),
        (KEY.Key_Up, Qt.KeyboardModifier.NoModifier, 5),
        (KEY.Key_Down, Qt.KeyboardModifier.ShiftModifier, 0),
        (KEY.Key_Up, Qt.KeyboardModifier.ShiftModifier, 8),
        (KEY.Key_Home, Qt.KeyboardModifier.NoModifier, 8),
        (KEY.Key_End, Qt.KeyboardModifier.NoModifier, 0),
        (KEY.Key_Up, Qt.KeyboardModifier.KeypadModifier, 5),
    ],
)
def test_keys_scroll(view: SliceView, key: Qt.Key, modifier: Qt.KeyboardModifier, index: int) -> None:
    press(view, key, modifier)
    assert view.session.slice_index == index


def test_left_and_right_change_the_series(view: SliceView) -> None:
    press(view, KEY.Key_Right)
    assert view.session.series is not None
    assert view.session.series.identity.series_uid == "9"
    press(view, KEY.Key_Left)
    assert view.session.series.identity.series_uid == "1.2.3"


# Keys


@pytest.mark.parametrize(("number", "name"), list(enumerate(PRESETS, start=1)))
def test_digits_are_presets(view: SliceView, number: int, name: str) -> None:
    view.session.go_to_slice(1)
    press(view, KEY(KEY.Key_0.value + number))
    assert (view.session.window, view.session.window_name) == (PRESETS[name], name)
    press(view, KEY.Key_0)
    assert (view.session.window, view.session.window_name) == (Window(40, 400), "automatic")


@pytest.mark.parametrize(
    ("key", "tool"),
    [
        (KEY.Key_B, Tool.BOX),
        (KEY.Key_D, Tool.DISTANCE),
        (KEY.Key_A, Tool.ANGLE),
        (KEY.Key_T, Tool.PAN),
        (KEY.Key_Z, Tool.ZOOM),
        (KEY.Key_S, Tool.SCROLL),
        (KEY.Key_W, Tool.WINDOW),
    ],
)
def test_letters_choose_tools(view: SliceView, key: Qt.Key, tool: Tool) -> None:
    view.session.set_tool(Tool.ZOOM if tool is not Tool.ZOOM else Tool.PAN)
    press(view, key)
    assert view.session.tool is tool


def test_overlay_and_crosshair_toggle(view: SliceView) -> None:
    press(view, KEY.Key_I)
    press(view, KEY.Key_H)
    assert (view.session.overlay_visible, view.session.crosshair_visible) == (False, True)
    press(view, KEY.Key_I)
    press(view, KEY.Key_H)
    assert (view.session.overlay_visible, view.session.crosshair_visible) == (True, False)


def test_keys_of_the_window_are_passed_on_and_unknown_ones_left(view: SliceView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.action_requested) as asked:
        press(view, KEY.Key_K)
    assert asked.args == ["key_image"]
    with qtbot.assertNotEmitted(view.action_requested):
        press(view, KEY.Key_Q)


def test_cine_runs_through_the_images_and_stops(view: SliceView, qtbot: QtBot) -> None:
    press(view, KEY.Key_C)
    with qtbot.waitSignals([view.session.slice_changed] * 2, timeout=2000):
        pass
    press(view, KEY.Key_C)
    with qtbot.assertNotEmitted(view.session.slice_changed, wait=150):
        pass


def test_another_profile_binds_other_keys(view: SliceView) -> None:
    view.bindings.use(PROFILES["OHIF"])
    press(view, KEY.Key_2)
    assert view.session.window == PRESETS["lung"]
    view.bindings.use(view.profile.with_key("Ctrl+L", "preset:bone"))
    press(view, KEY.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert view.session.window == PRESETS["bone"]
    assert "Ctrl+L" in view.profile.keys_for("preset:bone")


# Zoom, pan and coordinates


def test_ctrl_wheel_zooms_about_the_pointer(view: SliceView) -> None:
    point = QPointF(411, 123)
    before = view.to_slice(point)
    wheel(view, 360, point, ctrl=True)
    assert view.session.view.zoom > 1.3
    assert view.to_slice(point) == pytest.approx(before)
    assert view.session.slice_index == 4


def test_a_right_drag_up_enlarges_about_where_it_began(view: SliceView) -> None:
    start = QPoint(150, 350)
    before = view.to_slice(QPointF(start))
    drag(view, RIGHT, start, QPoint(150, 320), QPoint(150, 250))
    assert view.session.view.zoom == pytest.approx(np.exp(100 * 0.006))
    assert view.to_slice(QPointF(start)) == pytest.approx(before)


def test_a_middle_drag_moves_the_slice_with_the_pointer(view: SliceView) -> None:
    held = view.to_slice(QPointF(300, 250))
    drag(view, MIDDLE, QPoint(300, 250), QPoint(310, 260), QPoint(335, 231))
    assert view.to_slice(QPointF(335, 231)) == pytest.approx(held)


def test_keys_zoom_and_pan(view: SliceView) -> None:
    press(view, KEY.Key_Plus, Qt.KeyboardModifier.ShiftModifier)
    assert view.session.view.zoom == pytest.approx(1.25)
    press(view, KEY.Key_Minus)
    assert view.session.view.zoom == pytest.approx(1)
    held = view.to_slice(QPointF(300, 250))
    press(view, KEY.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert view.to_slice(QPointF(260, 250)) == pytest.approx(held)


@pytest.mark.parametrize("point", [(0.0, 0.0), (119.9, 99.9), (33.3, 71.2)])
def test_pixels_go_to_the_slice_and_back_under_zoom_and_pan(
    view: SliceView, point: tuple[float, float]
) -> None:
    wheel(view, 240, QPointF(100, 400), ctrl=True)
    drag(view, MIDDLE, QPoint(300, 250), QPoint(280, 222))
    assert view.to_slice(view.placement().to_view_point(point)) == pytest.approx(point)


# The pixels themselves


def test_the_widget_paints_the_grey_values(view: SliceView) -> None:
    """At one image pixel per screen pixel, in the middle where no words are, each is the table's value."""
    session = open_series(view, make_series((3, 500, 600), uid="7"))
    session.set_window(Window(500, 3000))
    image = session.image()
    assert image is not None
    grabbed = view.grab().toImage()
    ratio = grabbed.devicePixelRatio()
    assert view.placement().scale == pytest.approx((1, 1))
    grey = to_grey(image.hu(), session.window)
    for x, y in ((150, 140), (299, 251), (420, 333)):
        assert grabbed.pixelColor(round(x * ratio), round(y * ratio)).red() == grey[y, x]


def test_the_value_under_the_pointer_is_told_with_its_place(view: SliceView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.probed) as told:
        QTest.mouseMove(view, at(view, 30.5, 40.5))
    # slice 4, row 40, column 30; x = 30 * 0.8 mm, y = 40 * 2 mm, z = 4 * 3 mm
    assert told.args == [f"{400 + 120 + 30 - 100} HU   x 30  y 40   L 24.0  P 80.0  H 12.0 mm"]
    with qtbot.waitSignal(view.probed) as told:
        QTest.mouseMove(view, QPoint(2, 250))  # beside the slice
    assert told.args == [""]


def test_padding_is_no_measurement(view: SliceView, qtbot: QtBot) -> None:
    open_series(view, make_series((3, 100, 120), padding=(100, 2000), uid="8"))
    with qtbot.waitSignal(view.probed) as told:
        QTest.mouseMove(view, at(view, 110.5, 90.5))
    assert told.args[0].startswith("no data here")


# Drawing


def test_a_drag_with_the_box_tool_gives_that_box(view: SliceView, qtbot: QtBot) -> None:
    press(view, KEY.Key_B)
    with qtbot.waitSignal(view.box_drawn) as drawn:
        drag(view, LEFT, at(view, 70, 80), at(view, 50, 60), at(view, 31, 42))
    assert drawn.args == [SliceBox(31, 42, 70, 80)]
    assert view.session.box_slice == SliceBox(31, 42, 70, 80)


def test_a_box_stays_on_the_slice(view: SliceView) -> None:
    press(view, KEY.Key_B)
    drag(view, LEFT, at(view, 100, 90), QPoint(590, 499))
    assert view.session.box_slice == SliceBox(100, 90, 120, 100)


def test_a_click_with_the_box_tool_removes_the_box(view: SliceView, qtbot: QtBot) -> None:
    view.session.set_box(SliceBox(31, 42, 70, 80))
    press(view, KEY.Key_B)
    with qtbot.assertNotEmitted(view.box_drawn):
        drag(view, LEFT, at(view, 10, 10), at(view, 10, 10))
    assert view.session.box_slice is None


@pytest.mark.parametrize(
    ("grab", "box"),
    [
        ((30, 40), (36, 45, 70, 80)),  # the top left corner
        ((50, 40), (30, 45, 70, 80)),  # the middle of the upper edge
        ((70, 80), (30, 40, 76, 85)),  # the bottom right corner
        ((30, 60), (36, 40, 70, 80)),  # the middle of the left edge
        ((40, 40), (36, 45, 76, 85)),  # the border between handles moves the box
    ],
)
def test_handles_resize_and_the_border_moves(
    view: SliceView, qtbot: QtBot, grab: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    view.session.set_box(SliceBox(30, 40, 70, 80))
    window = view.session.window
    start = at(view, *grab)
    with qtbot.waitSignal(view.box_drawn):
        drag(view, LEFT, start, at(view, grab[0] + 3, grab[1] + 3), at(view, grab[0] + 6, grab[1] + 5))
    assert view.session.box_slice == SliceBox(*box)
    assert view.session.window == window


def test_a_box_can_be_drawn_by_keys_alone(view: SliceView, qtbot: QtBot) -> None:
    press(view, KEY.Key_B, Qt.KeyboardModifier.ControlModifier)
    first = view.session.box_slice
    assert first is not None
    assert first.contains(60, 50)
    alt = Qt.KeyboardModifier.AltModifier
    press(view, KEY.Key_Right, alt)
    press(view, KEY.Key_Down, alt)
    with qtbot.waitSignal(view.box_drawn) as drawn:
        press(view, KEY.Key_Right, alt | Qt.KeyboardModifier.ShiftModifier)
    expected = SliceBox(first.x0 + 1, first.y0 + 1, first.x1 + 2, first.y1 + 1)
    assert drawn.args == [expected]
    press(view, KEY.Key_Delete)
    assert view.session.box_slice is None


def test_distance_and_angle_are_kept(view: SliceView) -> None:
    press(view, KEY.Key_D)
    drag(view, LEFT, at(view, 20, 20), at(view, 30, 30), at(view, 60, 50))
    (line,) = view.session.measurements
    assert isinstance(line, Distance)
    assert line.end_slice == pytest.approx((60, 50), abs=0.2)
    press(view, KEY.Key_A)
    drag(view, LEFT, at(view, 20, 20), at(view, 40, 40))
    QTest.mouseMove(view, at(view, 70, 40))
    drag(view, LEFT, at(view, 80, 40), at(view, 80, 40))
    angle = view.session.measurements[-1]
    assert isinstance(angle, Angle)
    assert angle.vertex_slice == pytest.approx((40, 40), abs=0.2)
    assert angle.end_slice == pytest.approx((80, 40), abs=0.2)


def test_a_mark_begun_on_one_slice_never_lands_on_another(view: SliceView) -> None:
    press(view, KEY.Key_B)
    QTest.mousePress(view, LEFT, pos=at(view, 20, 20))
    QTest.mouseMove(view, at(view, 60, 60))
    wheel(view, -120, QPointF(300, 250))
    QTest.mouseRelease(view, LEFT, pos=at(view, 60, 60))
    assert view.session.box_slice is None
    view.session.scroll(-1)
    assert view.session.box_slice is None


# Asking


def test_a_right_click_asks_for_the_menu_where_it_was(view: SliceView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.menu_requested) as asked:
        drag(view, RIGHT, at(view, 33, 44), at(view, 33, 44) + QPoint(1, 1))
    assert asked.args[:2] == pytest.approx([33, 44], abs=0.7)
    assert asked.args[2] == view.mapToGlobal(at(view, 33, 44) + QPoint(1, 1))
    assert view.session.view.zoom == 1
    with qtbot.assertNotEmitted(view.menu_requested):
        drag(view, RIGHT, QPoint(100, 100), QPoint(100, 160))


def test_the_menu_key_asks_at_the_box(view: SliceView, qtbot: QtBot) -> None:
    view.session.set_box(SliceBox(10, 20, 30, 60))
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(), QPoint())
    with qtbot.waitSignal(view.menu_requested) as asked:
        QApplication.sendEvent(view, event)
    assert asked.args[:2] == [20, 40]


def test_e_explains_the_box_or_else_the_point(view: SliceView, qtbot: QtBot) -> None:
    QTest.mouseMove(view, at(view, 33, 44))
    with qtbot.waitSignal(view.explain_requested) as asked:
        press(view, KEY.Key_E)
    target = asked.args[0]
    assert target.box_slice is None
    assert target.point_slice == pytest.approx((33, 44), abs=0.5)
    view.session.set_box(SliceBox(10, 20, 30, 60))
    with qtbot.waitSignal(view.explain_requested) as asked:
        press(view, KEY.Key_E)
    assert asked.args == [ExplainTarget(SliceBox(10, 20, 30, 60))]


def test_nothing_is_drawn_under_another_key(view: SliceView) -> None:
    """The answer's box changes the pixels of its own slice, and of no other slice or series."""
    session = view.session
    before = {}
    for index in (3, 4):
        session.go_to_slice(index)
        before[index] = view.grab().toImage()
    assert session.volume is not None
    box = SliceBox(20, 30, 60, 70)
    request = freeze_request(session.volume, 4, box=box, display_window=session.window)
    statistics = box_statistics(request.hu, request.padding, box, request.plane)
    session.begin_explanation(request)
    session.apply(Located(request.id, Region(box, "reader"), Evidence(statistics, None, None)))
    assert view.grab().toImage() != before[4]
    session.go_to_slice(3)
    assert view.grab().toImage() == before[3]
    session.go_to_slice(4)
    session.set_overlay_visible(False)
    assert view.grab().toImage() == before[4]
    session.set_overlay_visible(True)
    assert view.grab().toImage() != before[4]


def test_a_slice_that_is_not_there_says_why_and_is_never_black(view: SliceView) -> None:
    series = replace(make_series((3, 100, 120), uid="5"))
    volume = make_volume(series, loaded=False)
    session = view.session
    session.select_series(series)
    loading = view.grab().toImage()
    session.set_volume(volume)
    waiting = view.grab().toImage()
    volume.failed[1] = "IM000002 could not be read: the file ends before its pixels do."
    session.slices_arrived(volume, [1])
    failed = view.grab().toImage()
    assert len({bytes(image.constBits()) for image in (loading, waiting, failed)}) == 3
    middle = failed.copy(100, 180, 400, 140)
    assert max(middle.pixelColor(x, y).red() for x in range(400) for y in range(140)) > 100


def test_words_for_a_screen_reader(view: SliceView) -> None:
    view.session.scroll(1)
    assert view.accessibleName() == "CT slice"
    assert view.accessibleDescription() == "Slice 4 of 9"
    assert view.focusPolicy() == Qt.FocusPolicy.StrongFocus


def test_the_strip_goes_where_the_reader_points(view: SliceView) -> None:
    strip = view.childAt(QPoint(view.width() - 3, 250))
    assert strip is not None
    QTest.mouseClick(strip, LEFT, pos=QPoint(5, 4))
    assert view.session.slice_index == 8  # the head is at the top
    QTest.mouseClick(strip, LEFT, pos=QPoint(5, strip.height() - 4))
    assert view.session.slice_index == 0


def test_the_strip_tells_loaded_and_failed_slices_apart(view: SliceView) -> None:
    series = make_series((3, 100, 120), uid="5")
    volume = make_volume(series, loaded=False)
    volume.loaded[2] = True
    volume.failed[0] = "It could not be read."
    session = view.session
    session.select_series(series)
    session.set_volume(volume)
    drawn = view.grab().toImage()
    x = view.width() - 5
    colours = [drawn.pixelColor(x, y).name() for y in (60, 290, 440)]  # head, middle (beside the mark), feet
    assert len(set(colours)) == 3
