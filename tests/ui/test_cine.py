"""Cine, as a reader runs it: at its rate, one image per paint, until they do anything else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ct_in_memory import make_series
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from test_slice_view import open_series, wheel

from medreason_viewer.ui.session import Session
from medreason_viewer.ui.viewport.slice_view import SliceView

KEY = Qt.Key


@pytest.fixture
def view(qtbot: QtBot) -> SliceView:
    """A viewport on 9 slices whose cine runs."""
    shown = SliceView(Session().active)
    qtbot.addWidget(shown)
    shown.resize(400, 300)
    shown.show()
    open_series(shown, make_series((9, 40, 50), (3.0, 2.0, 0.8)), make_series((4, 20, 30), uid="9"))
    QTest.keyClick(shown, KEY.Key_C)
    assert shown.cine.running
    return shown


STOPS: dict[str, Callable[[SliceView], object]] = {
    "the same key": lambda view: QTest.keyClick(view, KEY.Key_C),
    "another key": lambda view: QTest.keyClick(view, KEY.Key_Down),
    "a key without use": lambda view: QTest.keyClick(view, KEY.Key_F7),
    "escape": lambda view: QTest.keyClick(view, KEY.Key_Escape),
    "a click": lambda view: QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 100)),
    "the wheel": lambda view: wheel(view, -120, QPoint(100, 100).toPointF()),
    "a jump": lambda view: view.session.go_to_slice(8 if view.session.slice_index != 8 else 0),
    "another series": lambda view: view.session.step_series(1),
    "another plane": lambda view: view.session.set_plane("coronal"),
    "nobody looking": lambda view: view.hide(),
}


@pytest.mark.parametrize("how", STOPS)
def test_anything_else_stops_it(view: SliceView, how: str) -> None:
    STOPS[how](view)
    assert not view.cine.running


def test_escape_stops_and_does_no_more(view: SliceView) -> None:
    view.session.set_preset("lung")
    QTest.keyClick(view, KEY.Key_Escape)
    assert view.session.window_name == "lung"
    QTest.keyClick(view, KEY.Key_Escape)
    assert view.session.window_name == "automatic"


def test_keys_change_the_rate_while_it_runs(view: SliceView) -> None:
    QTest.keyClick(view, KEY.Key_Period)
    assert (view.cine.rate_fps, view.cine.running) == (20, True)
    QTest.keyClick(view, KEY.Key_Comma)
    QTest.keyClick(view, KEY.Key_Comma)
    assert (view.cine.rate_fps, view.cine.running) == (12, True)
    view.cine.set_rate(1000)
    assert view.cine.rate_fps == 60
    view.cine.faster()
    assert view.cine.rate_fps == 60


def test_no_image_follows_before_the_last_is_painted(view: SliceView, qtbot: QtBot) -> None:
    view.cine.stop()
    view.setUpdatesEnabled(False)
    shown: list[int] = []
    view.session.slice_changed.connect(lambda: shown.append(view.session.slice_index))
    view.cine.set_rate(60)
    view.cine.toggle()
    qtbot.wait(200)
    assert len(shown) == 1  # the first was asked for, and never painted
    view.setUpdatesEnabled(True)
    qtbot.waitUntil(lambda: len(shown) > 2)


def test_it_loops_or_turns_round(view: SliceView) -> None:
    cine, session = view.cine, view.session
    cine.stop()
    session.go_to_reading_place(8)
    assert cine._after(1) == 0
    QTest.keyClick(view, KEY.Key_C, Qt.KeyboardModifier.ShiftModifier)
    assert cine.bounces
    session.go_to_reading_place(7)
    places = []
    for _ in range(18):
        places.append(cine._after(1))
        session.go_to_reading_place(places[-1])
    assert places == [8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 7]
    assert cine._after(3) == 4  # late: two images are dropped
