"""A launch in the window: what is asked for is shown, or nothing changes; another patient is announced."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import dcmread
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLabel
from pytestqt.qtbot import QtBot
from small_study import write_study

from medreason_viewer.app import Workplace
from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import NetworkError
from medreason_viewer.ui.launching.launching import Launching
from medreason_viewer.ui.launching.request import LaunchRequest
from medreason_viewer.ui.launching.target import LaunchTarget
from medreason_viewer.ui.plain import PlainLabel
from medreason_viewer.volume.load import Loader

PATIENCE_MS = 30_000  # for a machine with other work

Opened = Callable[..., Workplace]


@dataclass(frozen=True)
class OnDisk:
    """A study and what its headers say."""

    folder: Path
    study: str
    series: str  # the second one, of five slices
    sops: tuple[str, ...]  # of that series, feet to head


def on_disk(folder: Path) -> OnDisk:
    images = [dcmread(folder / "b" / f"{index}.dcm") for index in range(5)]
    first = images[0]
    return OnDisk(
        folder,
        first.StudyInstanceUID,
        first.SeriesInstanceUID,
        tuple(image.SOPInstanceUID for image in images),
    )


@pytest.fixture
def other(tmp_path: Path) -> OnDisk:
    """The study of another patient, with an accession number."""
    folder = write_study(tmp_path / "other", patient="ROE^RICHARD")
    for file in folder.rglob("*.dcm"):
        image = dcmread(file)
        image.PatientID, image.AccessionNumber = "P2", "A-77"
        image.save_as(file)
    return on_disk(folder)


@pytest.fixture
def launching() -> Iterator[Callable[..., Launching]]:
    made: list[Launching] = []

    def make(place: Workplace, **seams: object) -> Launching:
        made.append(Launching(place.window, **seams))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


def said(place: Workplace) -> list[str]:
    return [banner.text.text() for banner in place.window.banners.banners() if banner.kind != "notice"]


def shows(place: Workplace, series_uid: str) -> bool:
    return place.session.series is not None and place.session.series.identity.series_uid == series_uid


def texts(place: Workplace) -> str:
    """Every word that any visible label of the window shows."""
    labels = place.window.findChildren(QLabel)
    return "\n".join(label.text() for label in labels if label.isVisible())


def test_a_series_that_is_open_is_turned_to_at_once(
    opened: Opened, small_study: Path, launching: Callable[..., Launching]
) -> None:
    place, disk = opened(), on_disk(small_study)
    launch, answers = launching(place), place.session.scan
    launch.receive(LaunchRequest(f"medreason://open?series={disk.series}&goto={disk.sops[4]}"))
    assert shows(place, disk.series)
    assert place.session.slice_index == 4
    assert place.session.scan is answers, "the study stays as it is, with all that was explained"
    launch.receive(LaunchRequest(f"medreason://open?study={disk.study}&series={disk.series}&goto=0,0,2.4"))
    assert place.session.slice_index == 1
    launch.receive(LaunchRequest(f"medreason://open?series={disk.series}&goto=2"))  # numbers run downwards
    assert place.session.slice_index == 3
    assert launch.bar is None
    assert said(place) == []


def test_an_image_that_is_not_there_is_said(
    opened: Opened, small_study: Path, launching: Callable[..., Launching]
) -> None:
    place, disk = opened(), on_disk(small_study)
    launch = launching(place)
    for goto, word in (("1.2.3.4", "image"), ("99", "image"), ("0,0,500", "outside")):
        launch.open(LaunchTarget(series=disk.series, goto=goto))
        assert shows(place, disk.series)
        assert word in said(place)[0]


def test_another_patient_is_announced_and_nothing_of_the_one_before_stays(
    opened: Opened, other: OnDisk, qtbot: QtBot, launching: Callable[..., Launching]
) -> None:
    place = opened()
    launch = launching(place)
    place.session.message.emit("Something about DOE.")
    place.window.printing.open()
    assert any(dialog.isVisible() for dialog in place.window.findChildren(QDialog))
    assert "JANE" in texts(place).upper()
    launch.receive(LaunchRequest(f"medreason://open?series={other.series}&path={other.folder}"))
    qtbot.waitUntil(lambda: shows(place, other.series), timeout=PATIENCE_MS)
    bar = launch.bar
    assert bar is not None
    assert bar.isVisible()
    assert "ROE" in bar.patient.text().upper()
    assert "DOE" not in texts(place).upper()
    assert not any(dialog.isVisible() for dialog in place.window.findChildren(QDialog))
    assert said(place) == []
    place.window.banners.clear()
    assert bar.isVisible(), "only the reader takes it away"
    qtbot.mouseClick(bar.acknowledge, Qt.MouseButton.LeftButton)
    assert launch.bar is None
    assert not bar.isVisible()


def test_the_bar_never_names_somebody_who_is_not_shown(
    opened: Opened, other: OnDisk, small_study: Path, qtbot: QtBot, launching: Callable[..., Launching]
) -> None:
    place = opened()
    launch = launching(place)
    launch.open(LaunchTarget(accession="A-77", path=other.folder))
    qtbot.waitUntil(lambda: launch.bar is not None, timeout=PATIENCE_MS)
    place.window.open_path(small_study)
    qtbot.waitUntil(lambda: launch.bar is None, timeout=PATIENCE_MS)
    assert "ROE" not in texts(place).upper()


def test_what_does_not_fit_changes_nothing(
    opened: Opened, other: OnDisk, qtbot: QtBot, launching: Callable[..., Launching]
) -> None:
    place = opened()
    launch, before = launching(place), (place.session.scan, place.session.series)
    for target in (
        LaunchTarget(study="1.2.3", path=other.folder),
        LaunchTarget(study=other.study, accession="A-78", path=other.folder),
        LaunchTarget(study=other.study),
        LaunchTarget(path=Path("/dev/null")),
        LaunchTarget(path=other.folder / "absent"),
    ):
        place.window.banners.clear()
        launch.open(target)
        qtbot.waitUntil(lambda: bool(said(place)), timeout=PATIENCE_MS)
        assert "Nothing was changed" in said(place)[0]
        assert (place.session.scan, place.session.series) == before
    assert launch.bar is None


def test_a_folder_of_two_patients_shows_the_one_asked_for_alone(
    opened: Opened, other: OnDisk, qtbot: QtBot, launching: Callable[..., Launching]
) -> None:
    write_study(other.folder / "more", patient="DOE^JOHN")
    place = opened(path=other.folder)
    launch = launching(place)
    launch.open(LaunchTarget(study=other.study))
    assert place.session.scan is not None
    assert {series.identity.patient_key for series in place.session.scan.series} == {"P2"}
    assert launch.bar is not None
    assert "DOE" not in texts(place).upper()


def test_recent_places_come_before_the_archive_and_the_archive_last(
    build: Opened, other: OnDisk, tmp_path: Path, qtbot: QtBot, launching: Callable[..., Launching]
) -> None:
    asked: list[str] = []

    def places(target: LaunchTarget) -> list[Path]:
        asked.append("places")
        return [tmp_path / "gone", other.folder] if target.study else []

    def fetch(target: LaunchTarget, cancel: Cancel) -> Path | None:
        asked.append("archive")
        cancel.check()
        if target.accession == "down":
            raise NetworkError("The archive does not answer.")
        return other.folder if target.accession else None

    place = build()
    launch = launching(place, places=places, fetch=fetch)
    launch.open(LaunchTarget(study=other.study))
    qtbot.waitUntil(lambda: place.session.series is not None, timeout=PATIENCE_MS)
    assert asked == ["places"]
    assert launch.bar is None, "nobody was open before"
    place.session.open_scan(place.session.scan.__class__(tmp_path))  # type: ignore[union-attr]
    launch.open(LaunchTarget(accession="A-77"))
    qtbot.waitUntil(lambda: place.session.series is not None, timeout=PATIENCE_MS)
    assert asked == ["places", "places", "archive"]
    launch.open(LaunchTarget(accession="down"))
    qtbot.waitUntil(lambda: said(place) == ["The archive does not answer."], timeout=PATIENCE_MS)


def test_a_link_that_is_none_is_a_sentence_shown_as_plain_text(
    build: Opened, launching: Callable[..., Launching]
) -> None:
    place = build()
    launch = launching(place)
    for link in ("http://x/<img src=file:///etc/passwd>", "medreason://open?study=<b>1</b>", "medreason:"):
        launch.receive(LaunchRequest(link))
        assert said(place)
    shown = [label for label in place.window.banners.findChildren(QLabel) if label.text()]
    assert all(isinstance(label, PlainLabel) for label in shown)


def test_opening_by_hand_stops_the_search(
    build: Opened, small_study: Path, qtbot: QtBot, launching: Callable[..., Launching]
) -> None:
    place = build()

    def fetch(_target: LaunchTarget, cancel: Cancel) -> Path | None:
        while True:
            cancel.check()
            time.sleep(0.01)

    launch = launching(place, fetch=fetch)
    launch.open(LaunchTarget(study="1.2.3"))
    place.window.open_path(small_study)
    qtbot.waitUntil(lambda: place.session.series is not None, timeout=PATIENCE_MS)
    assert said(place) == []


def test_the_image_asked_for_is_loaded_first(
    build: Opened,
    small_study: Path,
    qtbot: QtBot,
    launching: Callable[..., Launching],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The series is chosen, and its loading begun, before the slice is: the middle would come first."""
    order: list[int] = []
    real = Loader.__iter__

    def slow(loader: Loader) -> Iterator[int]:
        time.sleep(0.3)
        for index in real(loader):
            order.append(index)
            yield index

    monkeypatch.setattr(Loader, "__iter__", slow)
    place, disk = build(), on_disk(small_study)
    launching(place).open(LaunchTarget(series=disk.series, goto=disk.sops[0], path=disk.folder))
    qtbot.waitUntil(lambda: len(order) >= 1, timeout=PATIENCE_MS)
    assert order[0] == 0
