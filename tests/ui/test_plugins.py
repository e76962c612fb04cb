"""Plug-ins that are really installed: those that work do what they say, the others are a sentence each."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from plugin_packages import importable, install
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QMenu
from pytestqt.qtbot import QtBot
from small_study import LESION

from medreason_viewer.app import Workplace
from medreason_viewer.errors import PluginError, UnreadableFile
from medreason_viewer.findings.journal import Journal, JournalWriter
from medreason_viewer.findings.journal.keys import FilePlace
from medreason_viewer.outside import _finding_of, offer_plugins
from medreason_viewer.plugins import Installed, installed, scan_with
from medreason_viewer.settings import Settings
from medreason_viewer.ui.plugins.offer import PluginOffer
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.load import load_volume

PATIENCE_MS = 30_000  # for a machine with other work

Opened = Callable[..., Workplace]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both packages in it, as pip installs them."""
    return install(tmp_path_factory.mktemp("site"), "example", "broken")


@pytest.fixture
def found(site: Path) -> Iterator[Installed]:
    """What the program finds there."""
    with importable(site):
        yield installed()


@pytest.fixture
def offered(opened: Opened, found: Installed) -> Iterator[tuple[Workplace, PluginOffer]]:
    """A window with a study and the plug-ins."""
    place = opened()
    offer = offer_plugins(place, found)
    yield place, offer
    offer.close()


def said(place: Workplace) -> str:
    return "\n".join(banner.text.text() for banner in place.window.banners.banners())


def wait_for(place: Workplace, qtbot: QtBot, status: str) -> None:
    """Until the explanation of the slice shown has come that far."""

    def there() -> bool:
        return place.session.answer is not None and place.session.answer.status == status

    qtbot.waitUntil(there, timeout=PATIENCE_MS)


def test_plugins_are_found_without_a_window() -> None:
    code = "import sys, medreason_viewer.plugins as p; p.installed(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"PySide6", "vtkmodules", "torch"} & {name.split(".")[0] for name in done.stdout.split()}


def test_without_packages_there_is_nothing_and_no_menu(build: Opened) -> None:
    assert installed() == Installed()
    place = build()
    offer = PluginOffer(place.window, installed())
    assert offer.menu is None
    assert "Plug-&ins" not in [action.text() for action in place.window.menuBar().actions()]
    offer.close()


def test_each_is_found_or_left_out_with_reason(found: Installed, caplog: pytest.LogCaptureFixture) -> None:
    assert [plugin.label for plugin in found.readers] == [
        "plain-grid (medreason-example 1.2)",
        "raises (medreason-broken 0.1)",
    ]
    assert [plugin.name for plugin in found.explainers] == ["raises-later", "ruler"]
    assert [plugin.name for plugin in found.panels] == ["no-widget", "raises", "where"]
    left_out = "\n".join(found.left_out)
    for name, why in (
        ("absent", "cannot be loaded (AttributeError)"),
        ("no-module", "cannot be loaded (ModuleNotFoundError)"),
        ("wrong-suffixes", 'its part "suffixes"'),
        ("exits", "cannot be loaded (SystemExit)"),
        ("future", "keeps contract 2, this program 1"),
        ("no-contract", "keeps contract None"),
    ):
        assert f"The plug-in {name} is left out: " in left_out
        assert why in left_out
    assert len(found.left_out) == 6
    assert "DOE" not in left_out + caplog.text


def test_a_reader_s_file_is_read_with_its_geometry(found: Installed, tmp_path: Path) -> None:
    voxels = np.random.default_rng(3).integers(-1000, 1000, (5, 8, 6)).astype("<i2")
    head = json.dumps({"shape": voxels.shape, "spacing_mm": [2.5, 0.5, 0.75]})
    (tmp_path / "chest.grid").write_bytes(head.encode() + b"\n" + voxels.tobytes())
    scan_path = scan_with(found.readers)
    scan = scan_path(tmp_path / "chest.grid")
    assert scan.path == tmp_path / "chest.grid"
    (series,) = scan.series
    assert series.spacing_mm == (2.5, 0.5, 0.75)
    volume = load_volume(series)
    assert np.array_equal([volume.hu(index) for index in range(5)], voxels)
    copy = series.frames[0].path
    assert copy.exists()
    assert copy.parent.stat().st_mode & 0o077 == 0
    del scan, series, volume
    assert not copy.exists(), "the converted file goes with the last that needs it"


def test_a_broken_reader_is_a_sentence_and_never_gets_our_own_files(
    found: Installed, tmp_path: Path, small_study: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scan_path = scan_with(found.readers)
    (tmp_path / "a.bad").write_bytes(b"x")
    (tmp_path / "xx").write_bytes(b"x")
    with pytest.raises(PluginError, match=r"raises \(medreason-broken 0\.1\) failed \(RuntimeError\)"):
        scan_path(tmp_path / "a.bad")
    with pytest.raises(UnreadableFile):
        scan_path(tmp_path / "xx")
    assert scan_path(small_study / "a" / "0.dcm").series
    assert scan_path(small_study).series
    assert "DOE" not in caplog.text


def test_a_panel_is_told_what_is_shown_while_it_is_open(
    offered: tuple[Workplace, PluginOffer], qtbot: QtBot
) -> None:
    place, offer = offered
    panel = next(panel for panel in offer.panels if panel.dock.windowTitle() == "Where am I")
    assert not panel.dock.isVisible()
    assert panel.dock.widget() is None
    panel.action.trigger()
    qtbot.waitUntil(lambda: isinstance(panel.dock.widget(), QLabel), timeout=PATIENCE_MS)
    line = panel.dock.widget()
    assert isinstance(line, QLabel)
    qtbot.waitUntil(lambda: line.text() == f"slice {place.session.slice_index}: nothing", timeout=PATIENCE_MS)
    place.session.go_to_slice(1)
    qtbot.waitUntil(lambda: line.text() == "slice 1: nothing", timeout=PATIENCE_MS)
    place.session.set_plane("coronal")
    qtbot.waitUntil(lambda: line.text() == "no slice", timeout=PATIENCE_MS)


@pytest.mark.parametrize("title", ["No widget", "Raises"])
def test_a_broken_panel_is_closed_with_a_sentence(
    offered: tuple[Workplace, PluginOffer], qtbot: QtBot, title: str
) -> None:
    place, offer = offered
    place.window.banners.clear()
    panel = next(panel for panel in offer.panels if panel.dock.windowTitle() == title)
    panel.action.trigger()
    qtbot.waitUntil(lambda: "medreason-broken" in said(place), timeout=PATIENCE_MS)
    assert not panel.dock.isVisible()
    assert not panel.action.isEnabled()
    assert "DOE" not in said(place)


def test_an_explainer_answers_and_its_answer_is_exported(
    offered: tuple[Workplace, PluginOffer], qtbot: QtBot, tmp_path: Path
) -> None:
    place, offer = offered
    exporter = next(plugin for plugin in offer._found.exporters if plugin.package == "medreason-example")
    offer.export(exporter)
    assert "explain a region first" in said(place)
    offer.choose(next(plugin for plugin in offer._found.explainers if plugin.name == "ruler"))
    qtbot.waitUntil(lambda: place.model_bar.name.text() == "Ruler", timeout=PATIENCE_MS)
    place.session.set_box(SliceBox(*LESION))
    place.window.explain_box()
    qtbot.waitUntil(
        lambda: place.session.answer is not None and place.session.answer.status == "answered",
        timeout=PATIENCE_MS,
    )
    offer.export(exporter)
    dialog = next(dialog for dialog in place.window.findChildren(QFileDialog) if dialog.isVisible())
    dialog.fileSelected.emit(str(tmp_path / "finding.txt"))
    dialog.close()
    qtbot.waitUntil((tmp_path / "finding.txt").exists, timeout=PATIENCE_MS)
    assert (tmp_path / "finding.txt").read_text() == (
        f"Measured on slice {place.session.slice_index} of 8 (not judged). Research use only.\n"
    )


def test_a_broken_explainer_fails_the_request_and_a_broken_exporter_the_file(
    offered: tuple[Workplace, PluginOffer], qtbot: QtBot, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place, offer = offered
    caplog.set_level(logging.DEBUG)
    place.session.set_box(SliceBox(*LESION))
    offer.choose(next(plugin for plugin in offer._found.explainers if plugin.name == "ruler"))
    place.window.explain_box()
    qtbot.waitUntil(
        lambda: place.session.answer is not None and place.session.answer.status == "answered",
        timeout=PATIENCE_MS,
    )
    place.window.banners.clear()
    offer.export(next(plugin for plugin in offer._found.exporters if plugin.name == "writes-nothing"))
    dialog = next(dialog for dialog in place.window.findChildren(QFileDialog) if dialog.isVisible())
    dialog.fileSelected.emit(str(tmp_path / "finding.txt"))
    dialog.close()
    qtbot.waitUntil(lambda: "failed (LookupError)" in said(place), timeout=PATIENCE_MS)
    assert not list(tmp_path.glob("*.txt"))
    offer.choose(next(plugin for plugin in offer._found.explainers if plugin.name == "raises-later"))
    place.window.explain_box()
    qtbot.waitUntil(
        lambda: place.session.answer is not None and place.session.answer.status == "failed",
        timeout=PATIENCE_MS,
    )
    answer = place.session.answer
    assert answer is not None
    assert "failed (ZeroDivisionError)" in answer.problem
    assert "DOE" not in said(place) + caplog.text + answer.problem


def test_the_menu_names_what_is_installed(offered: tuple[Workplace, PluginOffer], qtbot: QtBot) -> None:
    place, offer = offered
    assert isinstance(offer.menu, QMenu)
    lines = [action.text() for action in offer.menu.actions()]
    assert "Export: One sentence …" in lines
    assert "Explain with ruler" in lines
    assert "where (medreason-example 1.2)" in lines
    assert offer.menu.actions()[0].isCheckable()
    for sentence in offer._found.left_out:
        assert sentence in lines
        assert sentence in said(place)
    qtbot.keyClick(offer.menu, Qt.Key.Key_Escape)


def test_an_exporter_is_given_the_verdict(
    opened: Opened, found: Installed, qtbot: QtBot, tmp_path: Path
) -> None:
    keys = FilePlace(tmp_path / "keys")
    journal = JournalWriter(lambda: Journal.open(tmp_path / "kept" / "journal.db", keys))
    settings = Settings(window_width=1280, window_height=800, reader_name="Jane Roe")
    place = opened(settings=settings, journal=journal)
    place.session.set_box(SliceBox(*LESION))
    place.window.explain_box()
    wait_for(place, qtbot, "answered")
    explanation = place.session.answer.explanation if place.session.answer else None
    assert explanation is not None
    assert _finding_of(place, explanation).judgement is None
    qtbot.keyClick(place.window.parts.view, Qt.Key.Key_Y)
    judgement = _finding_of(place, explanation).judgement
    assert judgement is not None
    assert (judgement.verdict, judgement.reader) == ("accepted", "Jane Roe")
