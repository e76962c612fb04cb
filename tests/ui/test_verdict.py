"""The reader's verdict in the real window, and the journal's record of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from verdict_disk import BOX, SETTINGS, Disk, desk, explain, kept, press

from medreason_viewer.app import Workplace
from medreason_viewer.errors import JournalError
from medreason_viewer.findings.finding import Finding
from medreason_viewer.findings.journal import Journal, JournalWriter, Subject, Views
from medreason_viewer.reasoning.bundles.bundle import DEMO_BUNDLE, read_manifest
from medreason_viewer.settings import Settings
from medreason_viewer.volume.geometry import SliceBox


@pytest.fixture
def answered(opened: Callable[..., Workplace], disk: Disk, qtbot: QtBot) -> Callable[..., Workplace]:
    """A window in which the lesion of the small study has been explained."""

    def make(**arguments: Any) -> Workplace:
        place = opened(settings=SETTINGS, journal=disk.writer(), **arguments)
        explain(place, qtbot)
        return place

    return make


def test_an_answer_is_pending_until_it_is_on_the_disk(
    answered: Callable[..., Workplace], disk: Disk, qtbot: QtBot
) -> None:
    disk.hold()
    place = answered()
    bar, sign = desk(place).bar, desk(place).sign
    assert bar.isVisible()
    assert bar.verdict.text() == "No verdict yet"
    assert bar.saving.text() == "being saved …"
    assert sign.isVisible()
    assert disk.findings() == []
    disk.release()
    kept(place, qtbot)
    (finding,) = disk.findings()
    assert place.session.answer is not None
    assert finding.explanation == place.session.answer.explanation
    assert finding.judgement is None
    assert not sign.isVisible()


def test_accepting_with_a_key(answered: Callable[..., Workplace], disk: Disk, qtbot: QtBot) -> None:
    place = answered()
    kept(place, qtbot)
    disk.hold()
    press(place, qtbot, Qt.Key.Key_Y)
    bar = desk(place).bar
    assert bar.verdict.text() == "Accepted – Jane Roe"
    assert bar.saving.text() == "being saved …"
    assert disk.findings()[0].judgement is None
    disk.release()
    kept(place, qtbot)
    judged = disk.findings()[0].judgement
    assert judged is not None
    assert (judged.verdict, judged.reader, judged.box_slice) == ("accepted", "Jane Roe", BOX)


@pytest.mark.parametrize(
    ("key", "reason"),
    [(Qt.Key.Key_1, "wrong place"), (Qt.Key.Key_2, "wrong answer"), (Qt.Key.Key_3, "not there")],
)
def test_rejecting_with_one_key(
    answered: Callable[..., Workplace], disk: Disk, qtbot: QtBot, key: Qt.Key, reason: str
) -> None:
    place = answered()
    press(place, qtbot, key, Qt.KeyboardModifier.AltModifier)
    kept(place, qtbot)
    judged = disk.findings()[0].judgement
    assert judged is not None
    assert (judged.verdict, judged.reason) == ("rejected", reason)
    assert desk(place).bar.verdict.text() == f"Rejected: {reason} – Jane Roe"


@pytest.mark.qt_log_ignore("grabbing the keyboard", extend=True)  # the off-screen display cannot
def test_rejecting_from_the_menu_and_in_own_words(
    answered: Callable[..., Workplace], disk: Disk, qtbot: QtBot
) -> None:
    place = answered()
    press(place, qtbot, Qt.Key.Key_X)
    menu = desk(place).bar.reasons
    qtbot.waitUntil(menu.isVisible)
    qtbot.keyClick(menu, Qt.Key.Key_N)
    kept(place, qtbot)
    judged = disk.findings()[0].judgement
    assert judged is not None
    assert judged.reason == "not there"
    dialog = desk(place).verdicts.reject_otherwise()
    assert dialog is not None
    dialog.setTextValue("  A vessel, <b>not</b>\n a nodule ")
    dialog.accept()
    qtbot.waitUntil(lambda: disk.findings()[0].judgement != judged)
    again = disk.findings()[0].judgement
    assert again is not None
    assert again.reason == "A vessel, <b>not</b> a nodule"


def test_correcting_moves_the_region_and_leaves_the_models_record(
    answered: Callable[..., Workplace], disk: Disk, qtbot: QtBot
) -> None:
    place = answered()
    before = place.session.answer
    press(place, qtbot, Qt.Key.Key_V)
    form = desk(place).bar.form
    assert form.isVisible()
    assert form.answer.currentText() == "Nodule or mass"
    place.session.set_box(SliceBox(10, 20, 20, 30))
    form.answer.setEditText("Ground-glass")
    form.text.setText("Hazy, vessels seen through it.")
    qtbot.mouseClick(form.save, Qt.MouseButton.LeftButton)
    assert not form.isVisible()
    kept(place, qtbot)
    (finding,) = disk.findings()
    judged = finding.judgement
    assert judged is not None
    assert (judged.verdict, judged.answer, judged.text) == (
        "corrected", "Ground-glass", "Hazy, vessels seen through it.",
    )  # fmt: skip
    assert finding.box_slice == SliceBox(10, 20, 20, 30)
    assert before is not None
    assert finding.explanation == before.explanation
    assert place.session.box_slice == BOX


def test_undo_takes_verdicts_back_one_by_one(
    answered: Callable[..., Workplace], disk: Disk, qtbot: QtBot
) -> None:
    place = answered()
    press(place, qtbot, Qt.Key.Key_Y)
    press(place, qtbot, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    kept(place, qtbot)
    for words in ("Accepted – Jane Roe", "No verdict yet"):
        press(place, qtbot, Qt.Key.Key_U)
        qtbot.waitUntil(lambda words=words: desk(place).bar.verdict.text() == words)  # type: ignore[misc]
        kept(place, qtbot)
    assert disk.findings()[0].judgement is None
    with Views.open_to_read(disk.path) as views:
        kinds = [entry.kind for entry in views.history(disk.findings()[0].id)]
    assert kinds == ["explained", "judged", "judged", "undone", "undone"]


def test_a_full_disk_says_so_and_the_finding_waits(
    answered: Callable[..., Workplace], disk: Disk, qtbot: QtBot
) -> None:
    disk.refuse("The journal cannot be written: the disk is full.")
    place = answered()
    bar = desk(place).bar
    qtbot.waitUntil(lambda: bar.saving.text() == "NOT SAVED")
    assert bar.problem.text() == "The journal cannot be written: the disk is full."
    assert any("disk is full" in banner.text.text() for banner in place.window.banners.banners())
    press(place, qtbot, Qt.Key.Key_Y)
    assert bar.verdict.text() == "Accepted – Jane Roe"
    assert bar.saving.text() == "NOT SAVED"
    disk.refuse("")
    qtbot.mouseClick(bar.again, Qt.MouseButton.LeftButton)
    kept(place, qtbot)
    judged = disk.findings()[0].judgement
    assert judged is not None
    assert judged.verdict == "accepted"


def test_a_journal_that_does_not_open_is_told(opened: Callable[..., Workplace], qtbot: QtBot) -> None:
    def refuse() -> Journal:
        raise JournalError("The journal is on a network disk that cannot lock files.")

    place = opened(settings=SETTINGS, journal=JournalWriter(refuse))
    explain(place, qtbot)
    qtbot.waitUntil(lambda: desk(place).bar.saving.text() == "NOT SAVED")
    assert desk(place).bar.problem.text() == "The journal is on a network disk that cannot lock files."


def test_a_shared_login_asks_once_a_study(
    opened: Callable[..., Workplace], disk: Disk, qtbot: QtBot, small_study: Path
) -> None:
    place = opened(settings=Settings(shared_login=True), journal=disk.writer())
    explain(place, qtbot)
    press(place, qtbot, Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: bool(dialogs(place)))
    (dialog,) = dialogs(place)
    dialog.setTextValue("R. Koch")
    dialog.accept()
    kept(place, qtbot)
    press(place, qtbot, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: disk.findings()[0].judgement is not None)
    kept(place, qtbot)
    judged = disk.findings()[0].judgement
    assert judged is not None
    assert (judged.verdict, judged.reader) == ("rejected", "R. Koch")


def dialogs(place: Workplace) -> list[Any]:
    from PySide6.QtWidgets import QInputDialog

    return [one for one in place.window.findChildren(QInputDialog) if one.isVisible()]


def test_a_verdict_needs_the_answers_own_image(
    answered: Callable[..., Workplace], disk: Disk, qtbot: QtBot
) -> None:
    place = answered()
    kept(place, qtbot)
    place.session.scroll(1)
    assert not desk(place).bar.isVisible()
    press(place, qtbot, Qt.Key.Key_Y)
    assert any("no answer on this image" in banner.text.text() for banner in place.window.banners.banners())
    found = desk(place).link
    asked: list[list[Finding]] = []
    found.ask(lambda journal: journal.findings(Subject()), asked.append)
    qtbot.waitUntil(lambda: bool(asked))
    assert asked[0][0].judgement is None


def test_hostile_words_stay_words(opened: Callable[..., Workplace], disk: Disk, qtbot: QtBot) -> None:
    evil = "<img src=file:///etc/passwd>&amp;\u202e<b>x</b>"
    settings = Settings(window_width=1280, window_height=800, reader_name=evil)
    place = opened(settings=settings, journal=disk.writer(), answer=evil)
    explain(place, qtbot)
    desk(place).verdicts.reject(evil)
    bar = desk(place).bar
    assert "\u202e" not in bar.verdict.text() + bar.reader.text()
    assert bar.verdict.textFormat() == Qt.TextFormat.PlainText
    assert "<img" not in bar.verdict.toolTip()
    assert "<img" not in bar.reader.toolTip()
    desk(place).verdicts.correct()
    assert bar.form.isVisible()


def test_a_correction_is_offered_the_models_own_answers(
    answered: Callable[..., Workplace], qtbot: QtBot
) -> None:
    place = answered()
    desk(place).offer_answers(DEMO_BUNDLE)
    press(place, qtbot, Qt.Key.Key_V)
    answer = desk(place).bar.form.answer
    assert (
        tuple(answer.itemText(row) for row in range(answer.count()))
        == read_manifest(DEMO_BUNDLE).answer_classes
    )
    assert answer.currentText() == "Nodule or mass"
    place.session.scroll(1)
    assert not desk(place).bar.form.isVisible()
    place.session.scroll(-1)
    assert desk(place).bar.form.isVisible()
    press(place, qtbot, Qt.Key.Key_Y)
    assert not desk(place).bar.form.isVisible()
    kept(place, qtbot)


def test_a_folded_answer_cannot_be_judged(
    answered: Callable[..., Workplace], disk: Disk, qtbot: QtBot
) -> None:
    place = answered()
    place.session.set_read_first(True)
    assert not desk(place).bar.isVisible()
    press(place, qtbot, Qt.Key.Key_Y)
    assert any("Commit your own read first" in one.text.text() for one in place.window.banners.banners())
    answer = place.session.answer
    assert answer is not None
    place.session.commit_own_read(answer.request.id, "A vessel.")
    assert desk(place).bar.isVisible()
    press(place, qtbot, Qt.Key.Key_Y)
    kept(place, qtbot)
    assert disk.findings()[0].judgement is not None
