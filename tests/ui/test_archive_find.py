"""The worklist in the real window, against an archive that does what the test says."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from archive_desks import MakeDesk
from fake_archive import FakeArchive
from PySide6.QtCore import QDate, Qt
from pytestqt.qtbot import QtBot
from small_study import write_study

from medreason_viewer.ui.archive.form import SearchForm


def test_a_study_is_searched_for_retrieved_and_opened(
    make_desk: MakeDesk,
    archive: FakeArchive,
    small_study: Path,
    qtbot: QtBot,
) -> None:
    study = archive.hold(small_study, patient_name="DOE^JANE", patient_id="P1", date="20200131")
    desk = make_desk()
    qtbot.keyClick(desk.place.window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    page = desk.desk.find
    qtbot.waitUntil(page.isVisible)
    qtbot.keyClicks(page.form.name, "doe")
    qtbot.keyClick(page.form.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: desk.said() == "1 study")
    assert archive.asked[0].patient_name == "doe*"
    assert page.studies.current() is study
    qtbot.waitUntil(lambda: len(page.series.rows.rows) == 2)
    qtbot.keyClick(page.studies, Qt.Key.Key_Return)
    session = desk.place.session
    qtbot.waitUntil(lambda: session.volume is not None and bool(session.volume.loaded.all()))
    qtbot.waitUntil(lambda: desk.desk.arrival.bar is None)
    assert session.scan is not None
    assert sum(len(series.frames) for series in session.scan.series) == 13
    assert session.scan.unreadable == ()
    assert desk.launching.bar is None


def test_another_patient_is_announced(
    make_desk: MakeDesk,
    archive: FakeArchive,
    small_study: Path,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    archive.hold(write_study(tmp_path / "other", patient="ROE^RICHARD"), patient_name="ROE^RICHARD")
    desk = make_desk()
    desk.place.window.open_path(small_study)
    qtbot.waitUntil(lambda: desk.place.session.series is not None)
    desk.desk.show_find()
    desk.desk.find.search()
    qtbot.waitUntil(lambda: desk.said() == "1 study")
    qtbot.mouseClick(desk.desk.find.open, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: desk.launching.bar is not None)
    assert desk.launching.bar is not None
    assert "ROE" in desk.launching.bar.patient.text().upper()
    assert "archive" in desk.launching.bar.told.text()


def test_the_form_asks_for_what_its_fields_say(qtbot: QtBot) -> None:
    form = SearchForm()
    qtbot.addWidget(form)
    today = date.today()
    query = form.query()
    assert (query.modality, query.first_date, query.last_date) == ("CT", today - timedelta(days=6), today)
    form.name.setText(" doe, jane ")
    form.patient_id.setText("P*")
    form.description.setText("chest")
    form.modality.setCurrentText("Any")
    form.period.setCurrentText("All dates")
    query = form.query()
    assert (query.patient_name, query.patient_id, query.description) == ("doe^jane*", "P*", "*chest*")
    assert (query.modality, query.dates) == ("", "")
    form.period.setCurrentText("Today")
    assert form.query().dates == f"{today:%Y%m%d}"
    form.period.setCurrentText("From … to")
    form.first.setDate(QDate(2026, 1, 2))
    form.last.setDate(QDate(2026, 3, 4))
    assert form.query().dates == "20260102-20260304"
    form.last.setDate(QDate(2025, 1, 1))
    with pytest.raises(ValueError, match="first date comes after"):
        form.query()
    form.clear.click()
    assert form.query() == SearchForm().query()


def test_what_cannot_be_searched_for_is_said_and_not_asked(
    make_desk: MakeDesk, archive: FakeArchive, qtbot: QtBot
) -> None:
    desk = make_desk()
    desk.desk.show_find()
    desk.desk.find.form.name.setText("back\\slash")
    desk.desk.find.search()
    assert desk.said() == "This cannot be searched for: patient name: at most 64 letters, no backslash."
    assert not archive.asked
