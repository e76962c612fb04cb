"""The main job in the real window: open, mark, explain, read, with a scripted model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_client import ANSWER, STEPS, FakeClient
from pydicom import dcmread
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot
from small_study import LESION, write_study

from medreason_viewer.app import Workplace
from medreason_viewer.reasoning.request import Step
from medreason_viewer.settings import Settings
from medreason_viewer.ui.explanation.answer import ExplainTarget
from medreason_viewer.ui.explanation.answer_card import UNREADABLE
from medreason_viewer.ui.keys.profile import Tool
from medreason_viewer.ui.plain import ElidedLabel, PlainLabel
from medreason_viewer.ui.series.delegate import THUMBNAIL
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.slab import Slab

Opened = Callable[..., Workplace]
BOX = SliceBox(*LESION)


def client_of(place: Workplace) -> FakeClient:
    client = place.explainer._client
    assert isinstance(client, FakeClient)
    return client


def drag_box(place: Workplace, qtbot: QtBot, box_slice: SliceBox = BOX) -> None:
    """Draw a box as a reader does."""
    view = place.window.parts.view
    place.session.set_tool(Tool.BOX)
    start, end = (_at(place, x, y) for x, y in ((box_slice.x0, box_slice.y0), (box_slice.x1, box_slice.y1)))
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(view, (start + end) / 2)
    qtbot.mouseMove(view, end)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=end)
    place.session.set_tool(Tool.WINDOW)


def explain(place: Workplace, qtbot: QtBot) -> None:
    """Ask for the box and wait for the answer."""
    place.session.set_box(BOX)
    with qtbot.waitSignal(place.session.explanation_changed):
        place.window.explain_box()
    qtbot.waitUntil(lambda: place.session.answer is not None and not place.session.answer.running)
    place.window.parts.explain.refresh()


def coloured_pixels(place: Workplace) -> int:
    """How many pixels of the image are not grey: regions, and the letters at its edges."""
    image = place.window.parts.view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    rgb = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)
    inner = rgb[8:-8, 8:-24]  # without the frame of the focus and the strip
    return int((inner.max(-1) - inner.min(-1) > 60).sum())


def coloured_without_regions(place: Workplace) -> int:
    """The same with regions hidden."""
    place.session.set_overlay_visible(False)
    count = coloured_pixels(place)
    place.session.set_overlay_visible(True)
    return count


def _at(place: Workplace, x: float, y: float) -> QPoint:
    at: QPointF = place.window.parts.view.placement().to_view_point((x, y))
    return at.toPoint()


def test_opening_lists_the_series_and_shows_the_largest(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    panel = place.window.parts.series
    texts = [panel.list.item(row).text() for row in range(panel.list.count())]
    assert texts == ["2020-01-31", "Chest", "Second"]
    assert panel.patient.text() == "DOE, JANE"
    assert place.session.series is not None
    assert len(place.session.series.frames) == 8
    qtbot.waitUntil(lambda: all(panel.list.item(row).data(THUMBNAIL) is not None for row in (1, 2)))
    qtbot.waitUntil(lambda: not place.window.parts.footer.bar.isVisible())


def test_a_box_is_drawn_and_explained(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    drag_box(place, qtbot)
    assert place.session.box_slice is not None
    assert place.session.box_slice.iou(BOX) > 0.8
    place.window.parts.view.setFocus()
    qtbot.keyClick(place.window.parts.view, Qt.Key.Key_E)
    page = place.window.parts.explain.page
    qtbot.waitUntil(lambda: page.reasoning.card.isVisible())
    assert [row.text.text() for row in page.reasoning.rows] == [step.text for step in STEPS]
    assert page.reasoning.card.answer.label.text() == ANSWER
    request = client_of(place).requests[0]
    assert request.box_slice == place.session.box_slice
    assert request.key == place.session.image_key()
    answer = place.session.answer
    assert answer is not None
    assert answer.zoom is not None
    shown = page.zoom.model_input.image
    assert shown is not None
    assert (shown.height(), shown.width()) == answer.zoom.model_input.shape[:2]
    assert shown.pixelColor(5, 5).red() == answer.zoom.model_input[5, 5, 0]


def test_steps_stand_beside_their_checks(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    explain(place, qtbot)
    first = place.window.parts.explain.page.reasoning.rows[0]
    words = [label.text() for label in first.findChildren(PlainLabel)]
    assert "Contradicts" in words
    assert "“left”: centre 61 mm right of the midline" in words
    assert "Contradicts" in first.accessibleName()


def test_choosing_a_step_shows_its_region(opened: Opened, qtbot: QtBot) -> None:
    own = SliceBox(36, 14, 50, 28)
    place = opened(steps=(Step("Here."), Step("And there.", own)))
    explain(place, qtbot)
    before = coloured_pixels(place)
    rows = place.window.parts.explain.page.reasoning.rows
    qtbot.mouseClick(rows[1], Qt.MouseButton.LeftButton)
    assert place.session.selected_step == 1
    assert rows[1].property("chosen") is True
    assert coloured_pixels(place) > before
    rows[0].setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(rows[0], Qt.Key.Key_Return)
    assert place.session.selected_step == 0


def test_the_overlay_leaves_with_its_slice_and_returns_with_it(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    explain(place, qtbot)
    asked = place.session.slice_index
    with_region = coloured_pixels(place)
    place.session.go_to_slice(asked + 1)
    away = coloured_pixels(place)
    assert away < with_region
    panel = place.window.parts.explain
    qtbot.waitUntil(panel.there_button.isVisible)
    assert panel.page.reasoning.card.isVisible()
    panel.there_button.click()
    assert place.session.slice_index == asked
    assert coloured_pixels(place) == with_region


def test_one_key_hides_regions_wherever_the_focus_is(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    explain(place, qtbot)
    with_region = coloured_pixels(place)
    parts = place.window.parts
    for widget in (parts.view, parts.series.list, parts.explain.page.reasoning.rows[0]):
        widget.setFocus()
        qtbot.keyClick(widget, Qt.Key.Key_I)
        assert not place.session.overlay_visible
        assert coloured_pixels(place) < with_region
        qtbot.keyClick(widget, Qt.Key.Key_I)
        assert place.session.overlay_visible


def test_stop_keeps_nothing_of_the_answer(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    client_of(place).released.clear()
    place.session.set_box(BOX)
    place.window.explain_box()
    panel = place.window.parts.explain
    qtbot.waitUntil(lambda: len(panel.page.reasoning.rows) == len(STEPS))
    assert panel.stop_button.isVisible()
    assert panel.elapsed.text().endswith(" s")
    panel.stop_button.click()
    qtbot.waitUntil(lambda: panel.state.text().startswith("Stopped"))
    assert not panel.page.reasoning.rows
    assert not panel.page.reasoning.card.isVisible()
    assert not panel.stop_button.isVisible()


def test_another_series_shows_nothing_of_the_answer_under_way(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    client_of(place).released.clear()
    place.session.set_box(BOX)
    place.window.explain_box()
    panel = place.window.parts.explain
    qtbot.waitUntil(lambda: len(panel.page.reasoning.rows) == len(STEPS))
    first = place.session.series
    place.session.step_series(1)
    assert place.session.series is not first
    assert panel.guide.isVisible()
    assert not panel.page.reasoning.rows
    assert panel.page.zoom.zoom.image is None
    qtbot.waitUntil(lambda: place.session.volume is not None and bool(place.session.volume.loaded.all()))
    assert coloured_pixels(place) == coloured_without_regions(place)
    client_of(place).released.set()
    qtbot.waitUntil(lambda: place.session.running_answer is None)
    qtbot.wait(60)
    assert panel.guide.isVisible()
    assert not panel.page.reasoning.rows
    assert coloured_pixels(place) == coloured_without_regions(place)
    place.session.step_series(-1)
    qtbot.waitUntil(lambda: panel.page.reasoning.card.isVisible())


def test_a_dead_worker_is_a_banner_and_the_next_request_works(opened: Opened, qtbot: QtBot) -> None:
    place = opened(fault="dies")
    place.session.set_box(BOX)
    place.window.explain_box()
    qtbot.waitUntil(lambda: any("without an answer" in b.text.text() for b in place.window.banners.banners()))
    client_of(place).fault = ""
    explain(place, qtbot)
    assert place.window.parts.explain.page.reasoning.card.answer.label.text() == ANSWER


def test_an_unreadable_reply_is_shown_as_it_is(opened: Opened, qtbot: QtBot) -> None:
    place = opened(fault="unreadable")
    explain(place, qtbot)
    card = place.window.parts.explain.page.reasoning.card
    assert card.answer.label.text() == UNREADABLE
    assert card.raw.isVisible()
    assert card.raw.toPlainText() == "%%% gibberish"


def test_your_read_first_keeps_the_answer_folded(opened: Opened, qtbot: QtBot) -> None:
    place = opened(settings=Settings(window_width=1280, window_height=800, read_first=True))
    explain(place, qtbot)
    reasoning = place.window.parts.explain.page.reasoning
    assert reasoning.own_read.isVisible()
    assert not reasoning.rows
    assert not reasoning.card.isVisible()
    qtbot.keyClicks(reasoning.own_read.line, "   ")
    assert not reasoning.own_read.commit_button.isEnabled()
    qtbot.keyClicks(reasoning.own_read.line, "granuloma")
    qtbot.keyClick(reasoning.own_read.line, Qt.Key.Key_Return)
    qtbot.waitUntil(reasoning.card.isVisible)
    assert not reasoning.own_read.isVisible()
    assert place.session.answer is not None
    assert place.session.answer.own_read == "granuloma"


def test_scope_flags_stand_before_the_answer(opened: Opened, qtbot: QtBot) -> None:
    place = opened(warnings=("This model has not seen heads.",))
    explain(place, qtbot)
    panel = place.window.parts.explain
    assert panel.flags.isVisible()
    assert "This model has not seen heads." in panel.flags.text()
    assert (
        panel.flags.mapTo(panel, QPoint(0, 0)).y() < panel.page.reasoning.card.mapTo(panel, QPoint(0, 0)).y()
    )


def test_the_menu_explains_a_point_or_the_box_around_it(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    menu = place.window.region_menu(40.0, 30.0)
    menu.actions()[0].trigger()
    qtbot.waitUntil(lambda: len(client_of(place).requests) == 1)
    assert client_of(place).requests[0].point_slice == (40.0, 30.0)
    qtbot.waitUntil(lambda: place.session.running_answer is None)
    place.session.set_box(BOX)
    place.window.region_menu(*BOX.centre).actions()[0].trigger()
    qtbot.waitUntil(lambda: len(client_of(place).requests) == 2)
    assert client_of(place).requests[1].box_slice == BOX


def test_the_menu_explains_single_images_as_acquired_only(opened: Opened) -> None:
    place = opened()
    session = place.session

    def enabled() -> bool:
        return place.window.region_menu(40.0, 30.0).actions()[0].isEnabled()

    assert enabled()
    session.slabs.choose(Slab("max", 5.0))
    assert not enabled()
    session.slabs.choose(None)
    session.set_plane("coronal")
    assert not enabled()


def test_without_a_model_the_viewer_is_a_viewer(opened: Opened, qtbot: QtBot) -> None:
    place = opened(model=False)
    place.session.set_box(BOX)
    place.window.explain_box()
    assert "no model" in place.window.banners.banners()[0].text.text()
    assert place.session.answer is None


def test_a_region_beside_the_slice_is_refused_in_words(opened: Opened) -> None:
    place = opened()
    place.explainer.explain(ExplainTarget(box_slice=SliceBox(0, 0, 65, 10)))
    assert "not wholly on it" in place.window.banners.banners()[0].text.text()


def test_what_a_model_says_after_it_was_replaced_is_dropped(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    old = client_of(place)
    old.released.clear()
    place.session.set_box(BOX)
    place.window.explain_box()
    qtbot.waitUntil(lambda: place.session.answer is not None and len(place.session.answer.steps) == 3)
    place.explainer.use(FakeClient)
    old.close()
    qtbot.wait(50)
    explain(place, qtbot)
    assert place.session.answer is not None
    assert place.session.answer.explanation is not None
    assert len(client_of(place).requests) == 1


@pytest.mark.parametrize(
    "answer", [ANSWER, "A long answer in a sentence of its own, which needs several lines. " * 3]
)
@pytest.mark.parametrize("size", [(1280, 800), (1600, 1000)])
def test_nothing_is_cut_off(opened: Opened, qtbot: QtBot, size: tuple[int, int], answer: str) -> None:
    place = opened(settings=Settings(window_width=size[0], window_height=size[1]), answer=answer)
    explain(place, qtbot)
    qtbot.wait(50)
    assert (place.window.width(), place.window.height()) == size
    for label in place.window.findChildren(PlainLabel):
        if label.isVisible() and not isinstance(label, ElidedLabel):
            needed = label.heightForWidth(label.width()) if label.wordWrap() else label.sizeHint().height()
            assert label.height() >= needed - 1, label.text()
            assert label.wordWrap() or label.width() >= label.sizeHint().width() - 1, label.text()


@pytest.mark.parametrize(
    ("missing", "why"),
    [(("PixelSpacing",), "size of a pixel"), (("PixelSpacing", "ImageOrientationPatient"), "no geometry")],
)
def test_why_there_are_no_millimetres_is_said_as_it_is(
    opened: Opened, qtbot: QtBot, tmp_path: Path, missing: tuple[str, ...], why: str
) -> None:
    for file in write_study(tmp_path).rglob("*.dcm"):
        image = dcmread(file)
        for name in missing:
            delattr(image, name)
        image.save_as(file)
    place = opened(tmp_path)
    place.session.set_box(BOX)
    explain(place, qtbot)
    panel = place.window.parts.explain
    said = " ".join(label.text() for label in panel.page.evidence.findChildren(PlainLabel))
    assert why in said
    assert "nothing is said in millimetres" in said
