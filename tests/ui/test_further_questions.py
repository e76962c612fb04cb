"""Further questions about an explained region: asked, stopped, refused, kept, in their place alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_client import MODEL, FakeClient
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from test_window import client_of, coloured_pixels
from verdict_disk import BOX, SETTINGS, Disk, desk, explain

from medreason_viewer.app import Workplace
from medreason_viewer.errors import RegionError
from medreason_viewer.reasoning.freeze import freeze_again
from medreason_viewer.reasoning.request import Failed, FollowUpAnswered, ModelState
from medreason_viewer.settings import Settings
from medreason_viewer.ui.explanation import asker
from medreason_viewer.ui.explanation.answer import Answer
from medreason_viewer.ui.explanation.further_panel import FurtherPanel

Opened = Callable[..., Workplace]
HOSTILE = "<img src=file:///etc/hostname> & <b>large</b>?\u202e"


def panel_of(place: Workplace) -> FurtherPanel:
    return place.window.parts.explain.page.further


def shown(place: Workplace) -> Answer:
    answer = place.session.answer
    assert answer is not None
    return answer


def type_question(place: Workplace, qtbot: QtBot, text: str) -> None:
    line = panel_of(place).line
    qtbot.waitUntil(lambda: line.isVisible() and line.isEnabled() and panel_of(place).ask_button.isVisible())
    line.setFocus()
    line.setText(text)
    qtbot.keyClick(line, Qt.Key.Key_Return)


def ask(place: Workplace, qtbot: QtBot, text: str) -> None:
    """Ask, and wait for the answer on the screen."""
    before = len(shown(place).further)
    type_question(place, qtbot, text)
    qtbot.waitUntil(lambda: len(shown(place).further) > before and not shown(place).running_ids)
    newest = shown(place).further[-1].id
    qtbot.waitUntil(
        lambda: newest in panel_of(place).cards and panel_of(place).cards[newest].heading.isVisible()
    )


def test_questions_are_asked_in_turn_and_answered_below(opened: Opened, qtbot: QtBot) -> None:
    place = opened(follow_ups=True)
    explain(place, qtbot)
    ask(place, qtbot, "How large is it?")
    panel = panel_of(place)
    assert QApplication.focusWidget() is panel.line
    assert panel.line.text() == ""
    ask(place, qtbot, HOSTILE)
    first, second = panel.cards.values()
    assert [first.answer.text(), second.answer.text()] == ["Answer 1", "Answer 2"]
    assert second.y() < first.y()
    assert second.question.text() == f"You asked: {HOSTILE[:-1]}"
    assert second.question.textFormat() == Qt.TextFormat.PlainText
    assert "research use only" in second.heading.text()
    assert [row.step.text for row in second.steps.rows] == ["It is of soft-tissue density."]
    assert second.steps.rows[0].number == 1
    (asked_first, asked_second) = client_of(place).asked
    request, explained = client_of(place).requests[0], shown(place).explanation
    assert explained is not None
    assert (asked_first.parent_id, asked_first.so_far) == (request.id, ())
    assert [each.question for each in asked_second.so_far] == ["How large is it?"]
    assert (asked_second.region, asked_second.raw_reply) == (explained.region, explained.raw_reply)
    assert np.array_equal(asked_second.request.hu, request.hu)
    assert [each.question for each in explained.follow_ups] == ["How large is it?", HOSTILE]


def test_what_was_asked_is_in_sight_in_a_low_window(opened: Opened, qtbot: QtBot) -> None:
    place = opened(follow_ups=True, settings=Settings(window_width=1024, window_height=620))
    explain(place, qtbot)
    for number in range(3):
        ask(place, qtbot, f"Question {number}, which is long enough for several lines of a narrow panel?")
        card = list(panel_of(place).cards.values())[-1]
        parts = (card.question, panel_of(place).line)
        qtbot.waitUntil(lambda parts=parts: not any(part.visibleRegion().isEmpty() for part in parts))


def test_tab_leads_down_through_line_and_answers(opened: Opened, qtbot: QtBot) -> None:
    place = opened(follow_ups=True)
    explain(place, qtbot)
    ask(place, qtbot, "First?")
    ask(place, qtbot, "Second?")
    panel = panel_of(place)
    older, newer = panel.cards.values()
    place.window.parts.explain.page.reasoning.card.raw_toggle.setFocus()
    seen = []
    for _ in range(4):
        focused = QApplication.focusWidget()
        assert focused is not None
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
        seen.append(QApplication.focusWidget())
        panel.line.setText("Third?")  # so that it can be asked
    assert seen == [panel.line, panel.ask_button, newer.steps.rows[0], older.steps.rows[0]]
    assert place.session.selected_step == 3  # the older one's: arriving chooses


def test_a_question_is_stopped_and_nothing_of_it_is_kept(opened: Opened, qtbot: QtBot) -> None:
    place = opened(follow_ups=True)
    explain(place, qtbot)
    client_of(place).released.clear()
    panel = panel_of(place)
    type_question(place, qtbot, "How large is it?")
    qtbot.waitUntil(lambda: len(panel.cards) == 1 and bool(next(iter(panel.cards.values())).steps.rows))
    (card,) = panel.cards.values()
    assert card.state.text() == "Answering …"
    assert not panel.ask_button.isVisible()
    qtbot.keyClicks(panel.line, "And then?")
    qtbot.keyClick(panel.line, Qt.Key.Key_Return)  # not while one is being answered
    assert panel.line.text() == "And then?"
    qtbot.mouseClick(panel.stop_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Stopped" in card.state.text())
    assert not card.steps.rows
    assert panel.ask_button.isVisible()
    client_of(place).released.set()
    qtbot.waitUntil(lambda: not client_of(place).busy)
    qtbot.wait(50)
    assert shown(place).explanation is not None
    assert shown(place).explanation.follow_ups == ()  # type: ignore[union-attr]
    assert not card.answer.isVisible()


def test_one_thing_is_asked_at_a_time(opened: Opened, qtbot: QtBot) -> None:
    place = opened(follow_ups=True)
    explain(place, qtbot)
    client_of(place).released.clear()
    type_question(place, qtbot, "How large is it?")
    qtbot.waitUntil(lambda: bool(shown(place).running_ids) and bool(shown(place).further[0].steps))
    about = shown(place).request.id
    place.session.go_to_slice(1)
    place.session.set_box(BOX)
    place.window.explain_box()
    qtbot.waitUntil(lambda: len(client_of(place).requests) == 2)
    known = next(answer for answer in place.session.answers if answer.request.id == about)
    qtbot.waitUntil(lambda: _of(place, about).further[0].status == "stopped")
    assert known.explanation is not None
    qtbot.waitUntil(lambda: place.session.answer is not None and len(shown(place).steps) == 3)
    place.session.go_to_slice(known.request.slice_index)
    type_question(place, qtbot, "And now?")
    second = client_of(place).requests[1].id
    qtbot.waitUntil(lambda: _of(place, second).status == "stopped")
    client_of(place).released.set()
    qtbot.waitUntil(lambda: _of(place, about).further[-1].status == "answered")


def _of(place: Workplace, request_id: str) -> Answer:
    return next(answer for answer in place.session.answers if answer.request.id == request_id)


def test_why_nothing_can_be_asked_stands_under_the_line(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    panel = panel_of(place)
    assert not panel.isVisible()
    explain(place, qtbot)
    qtbot.waitUntil(panel.why_not.isVisible)
    assert not panel.line.isEnabled()
    assert not panel.line.isVisible()  # a model that answers once leaves the room to its reasoning
    assert panel.why_not.text() == panel.line.accessibleDescription() == asker.ONE_QUESTION
    index = place.session.slice_index

    def says(words: str) -> bool:
        return words in panel.why_not.text()

    place.explainer.use(lambda on_event: FakeClient(on_event, follow_ups=True))
    place.session.explanation_changed.emit()
    qtbot.waitUntil(lambda: says(asker.NOT_READY))
    place.explainer.start()
    qtbot.waitUntil(panel.line.isEnabled)
    assert panel.line.isVisible()
    assert not panel.why_not.isVisible()
    place.session.go_to_slice(index + 1)
    qtbot.waitUntil(lambda: says(asker.NOT_HERE))
    place.session.go_to_slice(index)
    qtbot.waitUntil(panel.line.isEnabled)
    other = replace(MODEL, sha256="1" * 64)
    place.explainer.use(lambda on_event: FakeClient(on_event, model=other, follow_ups=True))
    place.explainer.start()
    qtbot.waitUntil(lambda: says("Scripted model explained this region"))
    place.explainer.use(None)
    place.session.explanation_changed.emit()
    qtbot.waitUntil(lambda: says(asker.NO_MODEL))
    place.session.step_series(1)
    qtbot.waitUntil(lambda: not panel.isVisible())


def test_a_step_of_a_further_answer_shows_its_region(opened: Opened, qtbot: QtBot) -> None:
    place = opened(follow_ups=True)
    explain(place, qtbot)
    ask(place, qtbot, "Where exactly?")
    before = coloured_pixels(place)
    (card,) = panel_of(place).cards.values()
    (row,) = card.steps.rows
    assert row.step.box_slice is not None
    qtbot.keyClick(row, Qt.Key.Key_Return)
    assert place.session.selected_step == 3
    assert shown(place).step(3) == row.step
    assert row.property("chosen")
    assert coloured_pixels(place) > before
    page = place.window.parts.explain.page
    qtbot.keyClick(page.reasoning.rows[0], Qt.Key.Key_Return)
    assert place.session.selected_step == 0
    assert not row.property("chosen")


@pytest.mark.parametrize("fault", ["unreadable", "dies"])
def test_what_goes_wrong_is_said_under_its_question(opened: Opened, qtbot: QtBot, fault: str) -> None:
    place = opened(follow_ups=True)
    explain(place, qtbot)
    client_of(place).fault = fault  # type: ignore[assignment]
    type_question(place, qtbot, "How large is it?")
    qtbot.waitUntil(lambda: bool(shown(place).further) and not shown(place).running_ids)
    qtbot.waitUntil(lambda: bool(panel_of(place).cards))
    (card,) = panel_of(place).cards.values()
    if fault == "unreadable":
        qtbot.waitUntil(card.raw.isVisible)
        assert card.raw.toPlainText() == "%%% gibberish"
        assert "could not be read" in card.notes.text()
    else:
        qtbot.waitUntil(lambda: "ended without an answer" in card.state.text())
        assert card.state.objectName() == "fault"
        assert "ended without an answer" in place.window.banners.banners()[0].text.text()
        assert shown(place).explanation.follow_ups == ()  # type: ignore[union-attr]
    client_of(place).fault = ""
    ask(place, qtbot, "Again?")
    assert shown(place).further[-1].status == "answered"


def test_what_comes_late_or_for_another_is_dropped(opened: Opened, qtbot: QtBot) -> None:
    place = opened(follow_ups=True)
    explain(place, qtbot)
    ask(place, qtbot, "How large is it?")
    before, parent = shown(place), shown(place).request.id
    for stray in (
        Failed(before.further[0].id, "late", parent),
        Failed("unknown", "of nobody", parent),
        Failed(before.further[0].id, "elsewhere", "unknown"),
        Failed(before.further[0].id, "without a parent"),
    ):
        place.session.apply(stray)
    assert shown(place) is before


def test_an_answer_to_another_question_is_dropped(opened: Opened, qtbot: QtBot) -> None:
    place = opened(follow_ups=True)
    explain(place, qtbot)
    ask(place, qtbot, "How large is it?")
    right = shown(place).further[0].answer
    assert right is not None
    client_of(place).released.clear()
    type_question(place, qtbot, "And its margin?")
    qtbot.waitUntil(lambda: bool(shown(place).running_ids) and bool(shown(place).further[1].steps))
    (running,) = shown(place).running_ids
    for wrong in (right, replace(right, request_id=running)):
        place.session.apply(FollowUpAnswered(running, shown(place).request.id, wrong))
        assert shown(place).further[1].status == "reasoning"
    client_of(place).released.set()
    qtbot.waitUntil(lambda: shown(place).further[1].status == "answered")


def test_your_read_first_folds_the_questions_too(opened: Opened, qtbot: QtBot) -> None:
    place = opened(follow_ups=True, settings=Settings(window_width=1280, window_height=800, read_first=True))
    explain(place, qtbot)
    qtbot.wait(50)
    panel = panel_of(place)
    assert not panel.isVisible()
    panel.asked.emit("How large is it?")
    assert client_of(place).asked == []
    own_read = place.window.parts.explain.page.reasoning.own_read
    qtbot.keyClicks(own_read.line, "granuloma")
    qtbot.keyClick(own_read.line, Qt.Key.Key_Return)
    qtbot.waitUntil(panel.isVisible)
    ask(place, qtbot, "How large is it?")


def test_questions_are_kept_and_go_on_when_the_study_is_opened_again(
    opened: Opened, disk: Disk, qtbot: QtBot
) -> None:
    first = opened(settings=SETTINGS, journal=disk.writer(), follow_ups=True)
    explain(first, qtbot)
    ask(first, qtbot, "How large is it?")
    qtbot.waitUntil(lambda: bool(disk.findings()[0].explanation.follow_ups))
    known = desk(first).book.get(shown(first).request.id)
    assert known is not None
    qtbot.waitUntil(lambda: desk(first).bar.saving.text() == "kept")
    kept_now = desk(first).book.get(shown(first).request.id)
    assert kept_now is not None
    assert kept_now.finding == disk.findings()[0]
    index, asked = first.session.slice_index, client_of(first).asked[0]
    first.close()

    again = opened(settings=SETTINGS, journal=disk.writer(), follow_ups=True)
    qtbot.waitUntil(lambda: bool(again.session.answers))
    again.session.go_to_slice(index)
    qtbot.waitUntil(lambda: len(panel_of(again).cards) == 1)
    (card,) = panel_of(again).cards.values()
    assert card.question.text() == "You asked: How large is it?"
    assert card.answer.text() == "Answer 1"
    ask(again, qtbot, "And its margin?")
    further = client_of(again).asked[0]
    assert further.request.id == asked.request.id
    assert further.request.key == asked.request.key
    assert np.array_equal(further.request.hu, asked.request.hu)
    assert np.array_equal(further.request.padding, asked.request.padding)
    assert (further.region, further.raw_reply) == (asked.region, asked.raw_reply)
    assert [each.question for each in further.so_far] == ["How large is it?"]
    qtbot.waitUntil(lambda: len(disk.findings()[0].explanation.follow_ups) == 2)


def test_other_pixels_are_not_asked_about(opened: Opened, qtbot: QtBot) -> None:
    place = opened(follow_ups=True)
    explain(place, qtbot)
    volume, request = place.session.volume, shown(place).request
    assert volume is not None
    with pytest.raises(RegionError, match="not the image that was explained"):
        freeze_again(volume, request.slice_index + 1, request)
    forgotten = replace(request, hu=np.full_like(request.hu, np.nan))
    assert np.array_equal(freeze_again(volume, request.slice_index, forgotten).hu, request.hu)


def test_questions_on_a_real_chest_come_back_on_their_image(
    opened: Opened, disk: Disk, qtbot: QtBot, real_ct: Path
) -> None:
    study = real_ct / "crlm-ct-1004"
    first = opened(study, settings=SETTINGS, journal=disk.writer(), follow_ups=True)
    middle = first.session.slice_index
    explain(first, qtbot)
    ask(first, qtbot, "How large is it?")
    qtbot.waitUntil(lambda: bool(disk.findings()[0].explanation.follow_ups))
    first.close()
    again = opened(study, settings=SETTINGS, journal=disk.writer(), follow_ups=True)
    qtbot.waitUntil(lambda: bool(again.session.answers))
    again.session.go_to_slice(middle)
    ask(again, qtbot, "And its margin?")
    assert client_of(again).asked[0].request.key == again.session.image_key()


def test_the_model_may_restart_meanwhile(opened: Opened, qtbot: QtBot) -> None:
    place = opened(follow_ups=True)
    explain(place, qtbot)
    client_of(place).on_event(ModelState("reloading", "The model's process ended. Reloading the model."))
    qtbot.waitUntil(lambda: place.session.model_state is not None)
    ask(place, qtbot, "How large is it?")
