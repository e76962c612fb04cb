"""What others drew lies on its own image in the window, and on no other."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from dicom_findings import AT, finding_on, loaded, saved
from pydicom import dcmread
from pytestqt.qtbot import QtBot
from small_study import LESION, write_study

from medreason_viewer.app import Workplace
from medreason_viewer.drawing.overlay import Drawn
from medreason_viewer.findings.dicom.exhibit import exhibit
from medreason_viewer.findings.dicom.report import structured_report
from medreason_viewer.findings.dicom.segmentation import segmentation
from medreason_viewer.ui.viewport.slice_scene import SceneSource
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.scan import scan

Opened = Callable[..., Workplace]
BOX, SLICE = SliceBox(*LESION), 4


@pytest.fixture(scope="module")
def marked_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study with a report and a segmentation of a slice of its first series."""
    folder = write_study(tmp_path_factory.mktemp("marked"))
    series = next(each for each in scan(folder).series if len(each.frames) == 8)
    volume = loaded(series, SLICE)
    shown = exhibit(finding_on(volume, 0, BOX), volume, 0)
    for made in (structured_report(shown, AT), segmentation(shown, AT)):
        saved(made, folder)
    return folder


def drawn(place: Workplace) -> list[Drawn]:
    scene = SceneSource(place.session.active, place.window).scene((400, 400))
    return [item for item in scene.items if isinstance(item, Drawn)]


def test_others_regions_lie_on_their_image_alone(opened: Opened, marked_study: Path, qtbot: QtBot) -> None:
    place = opened(marked_study)
    session = place.session
    assert session.series is not None
    assert len(session.series.frames) == 8
    session.go_to_slice(SLICE)
    qtbot.waitUntil(lambda: len(drawn(place)) >= 2)
    corners = {point for item in drawn(place) for outline in item.outlines_slice for point in outline}
    assert (BOX.x0, BOX.y0) in corners
    assert any("unverified" in item.label for item in drawn(place))
    session.go_to_slice(SLICE + 1)
    assert drawn(place) == []
    session.go_to_slice(SLICE)
    session.set_plane("coronal")
    assert drawn(place) == []
    session.set_plane("axial")
    session.step_series(1)
    session.go_to_slice(SLICE)
    assert drawn(place) == []


def test_others_regions_go_with_the_overlay(opened: Opened, marked_study: Path, qtbot: QtBot) -> None:
    place = opened(marked_study)
    place.session.go_to_slice(SLICE)
    qtbot.waitUntil(lambda: len(drawn(place)) >= 2)
    place.session.set_overlay_visible(False)
    assert drawn(place) == []


def told(place: Workplace) -> list[str]:
    return [banner.text.text() for banner in place.window.banners.banners() if banner.kind == "caution"]


def test_what_is_not_drawn_is_said_above_the_images_once(
    opened: Opened, marked_study: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    folder = tmp_path / "foreign"
    shutil.copytree(marked_study, folder)
    others = [path for path in folder.rglob("*.dcm") if dcmread(path).Modality in ("SR", "SEG")]
    for path in others:
        foreign = dcmread(path)
        foreign.PatientID = "SOMEBODY"
        foreign.save_as(path)
    place = opened(folder)
    qtbot.waitUntil(lambda: any("so nothing of it is drawn" in text for text in told(place)))
    assert sum(text.count("another patient's") for text in told(place)) == len(others) == 2
    place.window.banners.clear()
    place.session.step_series(1)
    place.session.step_series(-1)
    qtbot.waitUntil(lambda: bool(place.session.others.notes))
    assert told(place) == []
    place.session.open_scan(scan(marked_study))  # what is drawn as a whole needs no words
    assert told(place) == []
