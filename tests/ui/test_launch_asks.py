"""Another program's study waits for the reader's verdicts; the window waits for copies; both say so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from archive_desks import MakeDesk
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from small_study import write_study
from test_findings_leaving import asked, asking
from verdict_disk import SETTINGS, Disk, desk, explain, kept

from medreason_viewer.app import Workplace
from medreason_viewer.network.outbox.outbox import Outbox
from medreason_viewer.ui.archive.parcels import of_study
from medreason_viewer.ui.launching.launching import Launching
from medreason_viewer.ui.launching.target import LaunchTarget

Opened = Callable[..., Workplace]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def reading(opened: Opened, disk: Disk, qtbot: QtBot) -> Iterator[tuple[Workplace, Launching]]:
    """A window with a finding that has no verdict."""
    place = opened(settings=SETTINGS, journal=disk.writer())
    explain(place, qtbot)
    kept(place, qtbot)
    launching = Launching(place.window)
    yield place, launching
    launching.close()


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return write_study(tmp_path / "other", patient="ROE^RICHARD")


def test_another_patient_comes_after_the_question_and_is_announced(
    reading: tuple[Workplace, Launching], other: Path, qtbot: QtBot
) -> None:
    place, launching = reading
    before = place.session.scan
    launching.open(LaunchTarget(path=other))
    qtbot.waitUntil(lambda: asking(place) is not None)
    dialog = asked(place)
    assert dialog.why.text() == "Another study is to be opened, as was asked for."
    assert place.session.scan is before
    launching.open(LaunchTarget(path=other, goto="2"))  # a second request does not take the question away
    qtbot.waitUntil(lambda: not launching.seeking.busy)
    assert asked(place) is dialog
    assert place.session.scan is before
    qtbot.mouseClick(dialog.later, LEFT)
    assert place.session.scan is not before
    assert place.session.scan is not None
    assert place.session.scan.path == other
    assert launching.bar is not None
    assert "ROE" in launching.bar.patient.text().upper()
    assert asking(place) is None


def test_who_stays_keeps_the_study(reading: tuple[Workplace, Launching], other: Path, qtbot: QtBot) -> None:
    place, launching = reading
    before = place.session.scan
    launching.open(LaunchTarget(path=other))
    qtbot.waitUntil(lambda: asking(place) is not None)
    qtbot.mouseClick(asked(place).stay, LEFT)
    qtbot.wait(30)
    assert place.session.scan is before
    assert launching.bar is None
    assert [known.kept.id for known in desk(place).leaving.to_do]


class _SlowOutbox(Outbox):
    """Takes files over once the test lets it."""

    gate = threading.Event()

    def add(self, *arguments, cancel=None, **more):  # type: ignore[no-untyped-def]
        while not self.gate.wait(0.01):
            cancel.check()
        return super().add(*arguments, cancel=cancel, **more)


@pytest.fixture
def slow_outbox(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    _SlowOutbox.gate = threading.Event()
    monkeypatch.setattr("medreason_viewer.ui.archive.sending.Outbox", _SlowOutbox)
    return _SlowOutbox.gate


def copying(made: object, small_study: Path, qtbot: QtBot) -> None:
    """Open the study and begin to send it."""
    place = made.place  # type: ignore[attr-defined]
    place.window.open_path(small_study)
    qtbot.waitUntil(lambda: place.session.series is not None)
    parcel = of_study(place.session.scan, place.session.series)
    assert parcel is not None
    made.desk.sending.send(made.desk.sources.servers[0], parcel.files, "Study")  # type: ignore[attr-defined]
    assert made.desk.sending.copying == 1  # type: ignore[attr-defined]


def test_closing_waits_for_copies_and_says_so(
    make_desk: MakeDesk, small_study: Path, slow_outbox: threading.Event, qtbot: QtBot, tmp_path: Path
) -> None:
    made = make_desk()
    copying(made, small_study, qtbot)
    window = made.place.window
    window.close()
    dialog = made.desk.copies_left.dialog
    assert window.isVisible()
    assert dialog is not None
    assert "Files are still being copied" in dialog.text.text()
    slow_outbox.set()
    qtbot.waitUntil(lambda: not window.isVisible())
    made.close()
    with Outbox(tmp_path / "outbox") as outbox:
        (batch,) = outbox.batches()
        assert batch.waiting + batch.sent == 13


def test_closing_at_once_sends_nothing_and_had_said_so(
    make_desk: MakeDesk, small_study: Path, slow_outbox: threading.Event, qtbot: QtBot, tmp_path: Path
) -> None:
    made = make_desk()
    copying(made, small_study, qtbot)
    window = made.place.window
    window.close()
    dialog = made.desk.copies_left.dialog
    assert dialog is not None
    qtbot.mouseClick(dialog.stay, LEFT)
    assert window.isVisible()
    window.close()
    dialog = made.desk.copies_left.dialog
    assert dialog is not None
    assert "this lot is not sent at all" in dialog.warning.text()
    qtbot.mouseClick(dialog.now, LEFT)
    assert not window.isVisible()
    made.close()
    with Outbox(tmp_path / "outbox") as outbox:
        assert outbox.batches() == []
    assert not list((tmp_path / "outbox").rglob("*.dcm"))
