"""How the desktop hands over links: entries that name the scheme, and events as macOS sends them."""

from __future__ import annotations

import configparser
import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
from PySide6.QtCore import QCoreApplication, QUrl
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from medreason_viewer.ui.launching.request import LaunchRequest
from medreason_viewer.ui.launching.system import SystemRequests
from medreason_viewer.ui.launching.target import LaunchTarget

SHORTCUT = Path(__file__).parents[2] / "installers" / "shortcut.py"


@pytest.fixture
def shortcut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The installer, on a home of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / ".local" / "share"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    spec = importlib.util.spec_from_file_location("shortcut", SHORTCUT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="desktop entries are Linux's")
def test_the_desktop_entry_takes_links(shortcut: ModuleType, tmp_path: Path) -> None:
    assert shortcut.main() == 0
    menu = tmp_path / ".local" / "share" / "applications"
    entry = configparser.ConfigParser(interpolation=None)
    entry.read(next(menu.glob("*.desktop")), encoding="utf-8")
    found = entry["Desktop Entry"]
    assert found["MimeType"] == "x-scheme-handler/medreason;"
    assert found["Exec"].endswith("-m medreason_viewer %u")
    assert Path(found["Exec"].split('"')[1]).exists()
    assert shortcut.main() == 0, "again"
    assert next(menu.glob("*.desktop")).read_text().count("MimeType") == 1
    if shutil.which("xdg-mime"):
        listed = (tmp_path / ".config" / "mimeapps.list").read_text()
        assert f"x-scheme-handler/medreason={next(menu.glob('*.desktop')).name}" in listed


def test_links_and_files_that_the_system_hands_over(qtbot: QtBot, tmp_path: Path) -> None:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    system = SystemRequests(application)
    asked: list[LaunchRequest] = []
    system.asked.connect(asked.append)
    link = "medreason://open?study=1.2.3&goto=4"
    QCoreApplication.sendEvent(application, QFileOpenEvent(QUrl(link)))
    QCoreApplication.sendEvent(application, QFileOpenEvent(str(tmp_path)))
    application.removeEventFilter(system)
    assert asked[0].wanted() == LaunchTarget(study="1.2.3", goto="4")
    assert asked[1].wanted() == LaunchTarget(path=tmp_path)
