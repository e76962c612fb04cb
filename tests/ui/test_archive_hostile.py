"""Archives that are slow, deaf, broken or hostile: the window never waits, and shows text as text."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from archive_desks import Desk, MakeDesk
from fake_archive import FakeArchive
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot
from small_study import write_study

from medreason_viewer.errors import (
    LoginRefused,
    MedReasonError,
    NotTrusted,
    SecretError,
    ServerRefused,
    ServerUnreachable,
    TitleRefused,
)
from medreason_viewer.network.archive import StudyFound
from medreason_viewer.ui.archive.rows import name_of

STALL_MS = 16.0


class Stalls(QObject):
    """CPU time of the GUI thread between two ticks of a timer: what one turn of the event loop costs."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: list[float] = []
        self._last = time.thread_time()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._timer.start(0)

    def _tick(self) -> None:
        now = time.thread_time()
        self.turns.append(1000 * (now - self._last))
        self._last = now


def hostile_texts(count: int) -> list[str]:
    """Markup, control characters, turned directions, very long lines, other scripts."""
    rng = random.Random(7)
    seeds = (
        "<img src=file:///etc/passwd>", "<b>BOLD</b>", "&lt;&amp;", "\x1b[31m", "a\0b", "\u202egnp.exe",
        "DOE^JOHN<img src=http://127.0.0.1/x>", "A" * 1024, "山田^太郎", "\n\n\r\t", "'; DROP TABLE--",
        "<qt>x</qt>", "%s%n", "../../etc/passwd", "\ud800", "=1+1", "<a href='file:///'>x</a>", "",
    )  # fmt: skip
    return [rng.choice(seeds) + rng.choice(seeds) + str(number) for number in range(count)]


def searched(desk: Desk, qtbot: QtBot) -> None:
    desk.desk.show_find()
    desk.desk.find.search()
    qtbot.waitUntil(lambda: not desk.desk.find.busy, timeout=10_000)


def test_hostile_answers_are_plain_text(
    make_desk: MakeDesk, archive: FakeArchive, small_study: Path, qtbot: QtBot
) -> None:
    files = archive.studies[archive.hold(small_study).study_uid][1]
    archive.studies.clear()
    for number, text in enumerate(hostile_texts(500)):
        uid = f"1.2.{number}"
        study = StudyFound(uid, text, text, text, text, text, text, text, (text, text), 1, 10)
        archive.studies[uid] = study, files
    desk = make_desk()
    searched(desk, qtbot)
    page = desk.desk.find
    assert len(page.studies.rows.rows) == 500
    assert desk.said() == "The first 500 studies are listed: search for less to see the others."
    model = page.studies.rows
    for row in range(500):
        for column in range(9):
            index = model.index(row, column)
            shown = model.data(index)
            assert len(shown) <= 210
            assert not any(sign in shown for sign in "\0\x1b\n\r\u202e")
            tip = model.data(index, Qt.ItemDataRole.ToolTipRole)
            assert "<img" not in tip
            assert "<b>" not in tip
    study = archive.studies["1.2.0"][0]
    archive.trouble["fetch"] = ServerRefused("No. <b>Really</b>")
    page.open_asked.emit(archive.server, study, None)
    qtbot.waitUntil(lambda: desk.desk.retrieving.all[-1].state == "failed")
    labels = [*desk.desk.window.findChildren(QLabel), *desk.place.window.findChildren(QLabel)]
    theirs = [label for label in labels if any(sign in label.text() for sign in "<&")]
    assert any("<b>Really</b>" in label.text() for label in theirs)
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in theirs if not label.buddy())
    assert name_of(study)


def test_500_answers_and_sorting_them_cost_the_window_nothing(
    make_desk: MakeDesk, archive: FakeArchive, small_study: Path, qtbot: QtBot
) -> None:
    files = archive.studies[archive.hold(small_study).study_uid][1]
    for number, text in enumerate(hostile_texts(500)):
        archive.studies[f"1.2.{number}"] = StudyFound(f"1.2.{number}", text, text, description=text), files
    desk = make_desk()
    desk.desk.show_find()
    qtbot.wait(100)
    stalls = Stalls()
    searched(desk, qtbot)
    for column in range(9):
        desk.desk.find.studies.sortByColumn(column, Qt.SortOrder.AscendingOrder)
        qtbot.wait(10)
    busy = sorted(turn for turn in stalls.turns if turn > 1)
    assert len(busy) > 9
    assert busy[len(busy) * 9 // 10] < STALL_MS, busy
    assert busy[-1] < 3 * STALL_MS, "the first paint finds fonts for other scripts; nothing else may be slow"


def test_the_latest_search_wins_and_a_deaf_archive_is_not_waited_for(
    make_desk: MakeDesk, archive: FakeArchive, small_study: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    archive.hold(small_study, patient_name="DOE^JANE")
    archive.hold(write_study(tmp_path / "other"), patient_name="ROE^RICHARD")
    archive.slow_s, archive.deaf = 0.6, True
    desk = make_desk()
    desk.desk.show_find()
    page = desk.desk.find
    page.form.name.setText("doe")
    page.search()
    qtbot.waitUntil(lambda: len(archive.asked) == 1)
    page.form.name.setText("roe")
    page.search()
    qtbot.waitUntil(lambda: not page.busy, timeout=5000)
    qtbot.wait(700)
    assert [row.texts[0] for row in page.studies.rows.rows] == ["ROE, RICHARD"]
    page.search()
    began = time.monotonic()
    qtbot.mouseClick(page.stop, Qt.MouseButton.LeftButton)
    assert time.monotonic() - began < 1
    assert not page.busy
    assert desk.said().startswith("Stopped.")


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ServerUnreachable("It is away."), "Check the network"),
        (TitleRefused("It does not know us."), "AE titles"),
        (NotTrusted("Its certificate is not trusted."), "certificates"),
        (LoginRefused("It does not accept the password."), "password or token again"),
        (SecretError("There is no password."), "password or token again"),
        (ServerRefused("It refuses the search."), ""),
    ],
)
def test_a_failure_says_what_to_do(
    error: MedReasonError, advice: str, make_desk: MakeDesk, archive: FakeArchive, qtbot: QtBot
) -> None:
    archive.trouble["find_studies"] = error
    desk = make_desk()
    searched(desk, qtbot)
    assert str(error) in desk.said()
    assert advice in desk.said()
    assert not desk.desk.find.stop.isVisible()


def test_a_fault_of_ours_is_a_sentence_and_no_name_in_the_log(
    make_desk: MakeDesk, archive: FakeArchive, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    archive.trouble["find_studies"] = KeyError("DOE^JANE")
    desk = make_desk()
    searched(desk, qtbot)
    assert "fault in the program" in desk.said()
    assert "DOE" not in caplog.text + desk.said()


def arriving(desk: Desk, archive: FakeArchive, study: StudyFound, count: int, qtbot: QtBot) -> None:
    """Open a study of which only so many images come for now."""
    archive.gate = threading.Semaphore(count)
    desk.desk.find.open_asked.emit(archive.server, study, None)
    qtbot.waitUntil(lambda: desk.place.session.volume is not None)


def frames(desk: Desk) -> int:
    scan = desk.place.session.scan
    return sum(len(series.frames) for series in scan.series) if scan else 0


def test_slices_are_shown_as_they_arrive_and_what_was_drawn_stays_with_its_slice(
    make_desk: MakeDesk, archive: FakeArchive, small_study: Path, qtbot: QtBot
) -> None:
    from medreason_viewer.volume.geometry import SliceBox

    study = archive.hold(small_study, patient_name="DOE^JANE")
    desk = make_desk()
    arriving(desk, archive, study, 4, qtbot)
    qtbot.waitUntil(lambda: desk.desk.arrival.bar is not None)
    qtbot.waitUntil(lambda: desk.desk.retrieving.all[-1].done == 4)
    bar, session = desk.desk.arrival.bar, desk.place.session
    assert bar is not None
    qtbot.waitUntil(lambda: "4 of 13" in bar.text.text())
    assert "not complete" in bar.text.text()
    assert 1 <= frames(desk) <= 4
    session.go_to_slice(0)
    assert session.series is not None
    box, sop = SliceBox(10, 10, 20, 20), session.series.frames[0].sop_uid
    session.set_box(box)
    session.set_preset("lung")
    archive.gate.release(100)
    qtbot.waitUntil(lambda: desk.desk.arrival.bar is None, timeout=10_000)
    assert frames(desk) == 13
    assert session.series is not None
    assert session.series.frames[session.slice_index].sop_uid == sop
    assert session.box_slice == box
    assert session.window_name == "lung"
    qtbot.waitUntil(lambda: session.volume is not None and bool(session.volume.loaded.all()))


def test_stopped_and_gone_on_with_from_the_bar(
    make_desk: MakeDesk, archive: FakeArchive, small_study: Path, qtbot: QtBot
) -> None:
    study = archive.hold(small_study, patient_name="DOE^JANE")
    desk = make_desk()
    arriving(desk, archive, study, 5, qtbot)
    qtbot.waitUntil(lambda: desk.desk.arrival.bar is not None)
    bar = desk.desk.arrival.bar
    assert bar is not None
    qtbot.mouseClick(bar.stop, Qt.MouseButton.LeftButton)
    assert bar.text.text().startswith("Stopped.")
    archive.trouble["fetch"] = ServerRefused("It is closed.")
    qtbot.mouseClick(bar.again, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "It is closed." in bar.text.text(), timeout=10_000)
    assert "not complete" in bar.text.text()
    del archive.trouble["fetch"]
    archive.gate.release(100)
    qtbot.mouseClick(bar.again, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: desk.desk.arrival.bar is None, timeout=10_000)
    assert frames(desk) == 13


def test_what_was_retrieved_before_opens_at_once_also_while_the_archive_is_away(
    make_desk: MakeDesk, archive: FakeArchive, small_study: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    study = archive.hold(small_study, patient_name="DOE^JANE")
    desk = make_desk()
    arriving(desk, archive, study, 100, qtbot)
    qtbot.waitUntil(lambda: desk.desk.retrieving.all[-1].state == "done")
    other = write_study(tmp_path / "other", patient="ROE^RICHARD")
    desk.place.window.open_path(other)
    qtbot.waitUntil(lambda: "ROE" in desk.place.window.parts.series.patient.text())
    archive.slow_s = 60.0
    archive.trouble["find_instances"] = ServerUnreachable("It is away.")
    desk.desk.find.open_asked.emit(archive.server, study, None)
    qtbot.waitUntil(lambda: "DOE" in desk.place.window.parts.series.patient.text())
    assert desk.desk.retrieving.all[-1].state == "running", "it waited for the archive"
    assert desk.launching.bar is not None
    bar = desk.desk.arrival.bar
    assert bar is not None
    assert "is being asked whether there is more" in bar.text.text()
    archive.slow_s = 0.0
    qtbot.waitUntil(lambda: "It is away." in bar.text.text(), timeout=10_000)
    assert frames(desk) == 13


def test_a_study_that_the_archive_now_says_is_of_another_patient_is_not_shown_from_before(
    make_desk: MakeDesk, archive: FakeArchive, small_study: Path, qtbot: QtBot
) -> None:
    study = archive.hold(small_study, patient_name="DOE^JANE", patient_id="P1")
    desk = make_desk()
    arriving(desk, archive, study, 100, qtbot)
    qtbot.waitUntil(lambda: desk.desk.retrieving.all[-1].state == "done")
    archive.trouble["fetch"] = ServerRefused("It is closed.")
    renamed = archive.hold(small_study, patient_name="ROE^RICHARD", patient_id="P2")
    before = desk.place.session.scan
    desk.desk.find.open_asked.emit(archive.server, renamed, None)
    qtbot.waitUntil(lambda: desk.desk.retrieving.all[-1].state == "failed", timeout=10_000)
    assert desk.place.session.scan is before
    del archive.trouble["fetch"]
    desk.desk.retrieving.retry(desk.desk.retrieving.all[-1].number)
    qtbot.waitUntil(lambda: desk.place.session.scan is not before, timeout=10_000)
    said = [banner.text.text() for banner in desk.place.window.banners.banners()]
    assert any("another patient ID" in text for text in said)


def test_what_the_reader_opens_meanwhile_is_left_alone(
    make_desk: MakeDesk, archive: FakeArchive, small_study: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    study = archive.hold(write_study(tmp_path / "other", patient="ROE^RICHARD"), patient_name="ROE^RICHARD")
    archive.slow_s = 0.3
    desk = make_desk()
    desk.desk.find.open_asked.emit(archive.server, study, None)
    desk.place.window.open_path(small_study)
    qtbot.waitUntil(lambda: desk.desk.retrieving.all[-1].state == "done", timeout=10_000)
    qtbot.waitUntil(lambda: desk.place.session.series is not None)
    qtbot.wait(300)
    assert "DOE" in desk.place.window.parts.series.patient.text()
    assert desk.desk.arrival.bar is None
    desk.desk.show_find()
    qtbot.mouseClick(desk.desk.find.retrievals.rows[1].buttons["open"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "ROE" in desk.place.window.parts.series.patient.text())
    assert desk.launching.bar is not None


def test_what_is_wanted_now_goes_first_and_the_rest_goes_on_later(
    make_desk: MakeDesk, archive: FakeArchive, tmp_path: Path, qtbot: QtBot
) -> None:
    studies = [
        archive.hold(write_study(tmp_path / name, patient=f"{name}^X"), patient_name=f"{name}^X")
        for name in ("ONE", "TWO", "THREE")
    ]
    archive.gate = threading.Semaphore(2)
    desk = make_desk()
    retrieving = desk.desk.retrieving
    for study in studies[:2]:
        retrieving.want(archive.server, study)
    qtbot.waitUntil(lambda: retrieving.all[0].done == 2)
    assert [each.state for each in retrieving.all] == ["running", "waiting"]
    assert retrieving.want(archive.server, studies[1]).number == 2, "asked for twice, retrieved once"
    retrieving.want(archive.server, studies[2], first=True)
    qtbot.waitUntil(lambda: retrieving.get(3).state == "running")  # type: ignore[union-attr]
    assert retrieving.get(1).state == "waiting"  # type: ignore[union-attr]
    archive.gate.release(1000)
    ended: Callable[[], bool] = lambda: all(each.state == "done" for each in retrieving.all)  # noqa: E731
    qtbot.waitUntil(ended, timeout=10_000)
    assert [each.done for each in retrieving.all] == [13, 13, 13]
