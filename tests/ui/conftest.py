"""A whole window on a small study, with a scripted model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from archive_desks import archive, make_desk  # noqa: F401 - fixtures
from fake_client import MODEL, FakeClient
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from small_study import write_study
from verdict_disk import Disk

from medreason_viewer import app
from medreason_viewer.app import Workplace
from medreason_viewer.findings.journal import JournalWriter
from medreason_viewer.settings import Settings

Build = Callable[..., Workplace]


@pytest.fixture(scope="session", autouse=True)
def journal_of_nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test, and no program that one starts, finds the journal of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def small_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two series."""
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture
def build(qtbot: QtBot) -> Iterator[Build]:
    """Makes windows, shown at 1280 x 800; ``script`` goes to the fake client, the rest to the window."""
    places: list[Workplace] = []
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    app.application_with_theme()

    def make(
        *,
        settings: Settings | None = None,
        model: bool = True,
        journal: JournalWriter | None = None,
        **script: Any,
    ) -> Workplace:
        chosen = settings or Settings(window_width=1280, window_height=800)
        client = partial(FakeClient, **script) if model else None
        place = app.build(chosen, client, MODEL if model else None, journal)
        places.append(place)
        place.window.resize(chosen.window_width, chosen.window_height)  # the off-screen display is smaller
        place.window.show()
        place.window.activateWindow()
        qtbot.waitUntil(place.window.isActiveWindow)  # or no widget of it gets the focus
        place.explainer.start()
        return place

    yield make
    for place in places:
        place.close()
        place.window.deleteLater()
    application.setStyleSheet("")


@pytest.fixture
def opened(build: Build, small_study: Path, qtbot: QtBot) -> Callable[..., Workplace]:
    """As ``build``, with the small study loaded."""

    def make(path: Path = small_study, **arguments: Any) -> Workplace:
        place = build(**arguments)
        place.window.open_path(path)
        qtbot.waitUntil(lambda: place.session.volume is not None and bool(place.session.volume.loaded.all()))
        return place

    return make


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A journal of the test's own."""
    made = Disk(tmp_path)
    yield made
    made.release()
