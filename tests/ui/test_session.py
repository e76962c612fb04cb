"""The session: what belongs to which pixels, and what a switch forgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ct_in_memory import make_series, make_volume
from pytestqt.qtbot import QtBot

from medreason_viewer.drawing.overlay import Distance
from medreason_viewer.drawing.placement import View
from medreason_viewer.reasoning.freeze import freeze_request
from medreason_viewer.reasoning.request import (
    Evidence,
    ExplainRequest,
    Failed,
    Located,
    ModelState,
    Region,
    Step,
    StepArrived,
    Stopped,
    TextArrived,
)
from medreason_viewer.ui.keys.profile import Tool
from medreason_viewer.ui.session import Session
from medreason_viewer.ui.viewport.first_window import automatic_window
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.measure import box_statistics
from medreason_viewer.volume.series import Scan, Series, Study
from medreason_viewer.volume.window import PRESETS, Window

pytestmark = pytest.mark.usefixtures("qapp")
BOX = SliceBox(4, 5, 20, 21)


def opened(*series: Series) -> Session:
    session = Session()
    session.open_scan(Scan(Path(), (Study("1.2", series),)))
    session.select_series(series[0])
    session.set_volume(make_volume(series[0]))
    return session


def asked(session: Session, box: SliceBox = BOX) -> ExplainRequest:
    assert session.volume is not None
    request = freeze_request(session.volume, session.slice_index, box=box, display_window=session.window)
    session.begin_explanation(request)
    return request


def test_a_series_opens_in_the_middle_with_its_own_window() -> None:
    session = opened(make_series((7, 40, 48)))
    assert (session.slice_index, session.slice_count, session.plane_name) == (3, 7, "axial")
    assert (session.window, session.window_name) == (Window(40, 400), "automatic")


def test_reading_goes_from_head_to_feet_and_stops_at_the_ends() -> None:
    session = opened(make_series((7, 40, 48)))
    session.scroll(1)
    assert session.slice_index == 2
    session.scroll(100)
    assert (session.slice_index, session.reading_place) == (0, 6)
    session.go_to_reading_place(0)
    assert session.slice_index == 6
    session.set_plane("coronal")
    assert (session.slice_count, session.slice_index) == (40, 20)
    session.scroll(3)
    assert session.slice_index == 23


def test_what_is_drawn_belongs_to_its_slice_and_plane() -> None:
    session = opened(make_series())
    line = Distance((1, 1), (5, 5))
    session.set_box(BOX)
    session.set_measurements((line,))
    session.scroll(1)
    assert (session.box_slice, session.measurements) == (None, ())
    session.scroll(-1)
    assert (session.box_slice, session.measurements) == (BOX, (line,))
    index = session.slice_index
    session.set_plane("coronal")
    session.go_to_slice(index)
    assert (session.box_slice, session.measurements) == (None, ())


def test_an_answer_is_shown_on_its_own_pixels_alone() -> None:
    first = make_series(uid="1.2.3")
    second = make_series(uid="1.2.9")
    session = opened(first, second)
    index = session.slice_index
    request = asked(session)
    assert session.answer is not None
    session.scroll(1)
    assert session.answer is None
    session.scroll(-1)
    assert session.answer is not None

    session.select_series(second)
    assert session.answer is None  # nothing is loaded yet
    session.set_volume(make_volume(second))
    session.go_to_slice(index)
    assert session.answer is None  # the same pixels in another series are not the same image
    session.apply(StepArrived(request.id, 0, Step("late")))
    assert session.answer is None

    session.select_series(first)
    session.set_volume(make_volume(first))
    session.go_to_slice(index)
    assert session.answer is not None
    assert [step.text for step in session.answer.steps] == ["late"]


def test_other_pixels_under_the_same_uids_are_another_image() -> None:
    series = make_series()
    session = opened(series)
    asked(session)
    changed = make_volume(series)
    changed.stored[session.slice_index, 3, 3] += 1
    session.select_series(series)
    session.set_volume(changed)
    assert session.answer is None


def test_events_of_unknown_requests_are_dropped(qtbot: QtBot) -> None:
    session = opened(make_series())
    request = asked(session)
    with qtbot.assertNotEmitted(session.explanation_changed):
        session.apply(TextArrived("someone else's", "hello"))
    session.apply(TextArrived(request.id, "hello"))
    assert session.answer is not None
    assert session.answer.text == "hello"


def test_nothing_of_a_stopped_answer_is_kept_and_nothing_comes_late() -> None:
    session = opened(make_series())
    request = asked(session)
    region = Region(BOX, "model")
    statistics = box_statistics(request.hu, request.padding, BOX, request.plane)
    evidence = Evidence(statistics, None, None)
    session.apply(Located(request.id, region, evidence))
    session.apply(StepArrived(request.id, 0, Step("It is")))
    session.apply(Stopped(request.id))
    session.apply(StepArrived(request.id, 1, Step("too late")))
    answer = session.answer
    assert answer is not None
    assert (answer.status, answer.steps, answer.text, answer.explanation) == ("stopped", (), "", None)
    assert answer.region == region


def test_the_newest_of_two_answers_is_shown_and_failures_say_why() -> None:
    session = opened(make_series())
    asked(session)
    second = asked(session, SliceBox(1, 1, 9, 9))
    session.apply(Failed(second.id, "Out of memory: close other programs."))
    assert session.answer is not None
    assert session.answer.request is second
    assert session.answer.problem == "Out of memory: close other programs."
    session.drop_answer(second.id)
    assert session.answer.running


def test_another_study_forgets_every_mark_and_answer() -> None:
    session = opened(make_series())
    asked(session)
    session.set_box(BOX)
    session.open_scan(Scan(Path()))
    assert (session.series, session.volume, session.answers, session.answer) == (None, None, (), None)
    assert session.box_slice is None


def test_only_the_volume_of_the_series_shown_is_taken(qtbot: QtBot) -> None:
    first, second = make_series(uid="1"), make_series(uid="2")
    session = opened(first, second)
    late = make_volume(first)
    session.select_series(second)
    with qtbot.assertNotEmitted(session.volume_changed), qtbot.assertNotEmitted(session.volume_progress):
        session.set_volume(late)
        session.slices_arrived(late, [0, 1])
        session.fail_series(first, "late")
    assert session.volume is None
    assert session.problem == ""


def test_slices_arrive_one_by_one(qtbot: QtBot) -> None:
    series = make_series((5, 40, 48))
    session = opened(series)
    volume = make_volume(series, loaded=False)
    session.select_series(series)
    session.set_volume(volume)
    assert (session.image(), session.image_key(), session.slice_loaded) == (None, None, False)
    volume.loaded[0] = True
    with qtbot.assertNotEmitted(session.slice_changed):
        session.slices_arrived(volume, [0])
    volume.loaded[2] = True
    with qtbot.waitSignal(session.volume_progress) as told, qtbot.waitSignal(session.slice_changed):
        session.slices_arrived(volume, [2])
    assert told.args == [2, 5]
    image = session.image()
    assert image is not None
    assert (image.hu() == volume.hu(2)).all()


def test_a_window_the_reader_chose_stays_while_slices_arrive() -> None:
    series = make_series()
    session = opened(series)
    volume = make_volume(series)
    session.select_series(series)
    session.set_volume(make_volume(series, loaded=False))
    session.set_preset("lung")
    session.select_series(series)
    session.set_preset("bone")
    session.set_volume(volume)
    assert session.window == PRESETS["bone"]


def test_automatic_window_without_one_in_the_file_spans_the_tissue() -> None:
    hu = np.full((50, 50), -1000.0)
    hu[10:40, 10:40] = np.linspace(-50, 150, 900).reshape(30, 30)
    window = automatic_window(hu, None)
    assert window.centre_hu == pytest.approx(50, abs=10)
    assert window.width_hu == pytest.approx(200, rel=0.1)
    assert automatic_window(hu, (30.0, 0.0)) == window
    assert automatic_window(hu, (30.0, 80.0)) == Window(30, 80)
    assert automatic_window(hu, (9000.0, 80.0)) == window  # all black would show nothing
    assert automatic_window(hu, (-9000.0, 80.0)) == window
    assert automatic_window(np.full((5, 5), 7.0), None).width_hu >= 1


def test_reset_brings_back_the_first_look() -> None:
    session = opened(make_series())
    session.set_view(View(4, (0.1, 0.2)))
    session.set_preset("lung")
    session.set_tool(Tool.BOX)
    session.reset()
    assert (session.view, session.window, session.tool) == (View(), Window(40, 400), Tool.WINDOW)


def test_series_are_stepped_through_but_not_past_the_ends_or_into_those_that_cannot_be_shown() -> None:
    first, broken, last = (
        make_series(uid="1"),
        replace(make_series(uid="2"), loadable=False),
        make_series(uid="3"),
    )
    session = opened(first, broken, last)
    session.step_series(1)
    assert session.series is last
    session.step_series(1)
    assert session.series is last
    session.step_series(-1)
    assert session.series is first


@pytest.mark.parametrize(
    ("change", "signal"),
    [
        (lambda s: s.set_view(View(2)), "view_changed"),
        (lambda s: s.set_preset("lung"), "window_changed"),
        (lambda s: s.set_tool(Tool.PAN), "tool_changed"),
        (lambda s: s.set_overlay_visible(False), "overlay_changed"),
        (lambda s: s.set_crosshair_visible(True), "overlay_changed"),
        (lambda s: s.set_box(BOX), "overlay_changed"),
        (lambda s: s.go_to_slice(0), "slice_changed"),
        (lambda s: s.select_step(0), "step_selected"),
        (lambda s: s.apply(ModelState("ready", "Ready.")), "model_state_changed"),
    ],
)
def test_every_change_is_told(qtbot: QtBot, change: Callable[[Session], None], signal: str) -> None:
    session = opened(make_series())
    with qtbot.waitSignal(getattr(session, signal)):
        change(session)


def test_a_series_is_found_again_as_it_was_left() -> None:
    first, second = make_series(uid="1"), make_series(uid="2")
    session = opened(first, second)
    session.go_to_slice(1)
    session.set_preset("lung")
    session.set_view(View(3, (0.2, 0.3)))
    session.select_series(second)
    session.set_volume(make_volume(second))
    assert (session.slice_index, session.window, session.view) == (3, Window(40, 400), View())
    session.select_series(first)
    assert (session.slice_index, session.window_name, session.view) == (1, "lung", View(3, (0.2, 0.3)))
    session.set_volume(make_volume(first))
    assert session.window == PRESETS["lung"]


def test_another_plane_goes_through_what_the_reader_looks_at() -> None:
    session = opened(make_series((6, 40, 48), (2.0, 1.0, 1.0)))
    session.set_view(View(4, (10.5 / 48, 30.5 / 40)))
    session.set_plane("coronal")
    assert session.slice_index == 30  # rows run from front to back
    session.set_plane("axial")
    session.go_to_slice(5)
    session.set_box(SliceBox(8, 10, 13, 15))
    session.set_plane("sagittal")
    assert session.slice_index == 10  # columns run from right to left


def test_scrolling_lets_go_of_the_step(qtbot: QtBot) -> None:
    session = opened(make_series())
    session.select_step(2)
    with qtbot.waitSignal(session.step_selected) as told:
        session.scroll(1)
    assert told.args == [-1]
    assert session.selected_step is None
