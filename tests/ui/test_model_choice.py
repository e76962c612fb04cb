"""*Explain > Choose model folder*: what is told before a model is used, and that the window never waits."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel
from pytestqt.qtbot import QtBot

from medreason_viewer.app import Workplace
from medreason_viewer.errors import BundleError
from medreason_viewer.reasoning.bundles.bundle import DEMO_BUNDLE
from medreason_viewer.reasoning.engine import prospect as looking
from medreason_viewer.reasoning.engine.driver import CPU_BUILD, Gpu
from medreason_viewer.reasoning.engine.prospect import Prospect, Workstation, prospect
from medreason_viewer.ui.model_choice import choosing
from medreason_viewer.ui.model_choice.dialog import ModelDialog

GPU = Gpu("RTX 4090", "590.1", 24 * 10**9, 20 * 10**9)
HERE = Workstation((GPU,), 64 * 10**9, 50 * 10**9)
PATIENCE_MS = 30_000


@pytest.fixture
def place(build: Callable[..., Workplace], monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """A window on a workstation with a GPU."""
    monkeypatch.setattr(looking, "workstation", lambda: HERE)
    made = build()
    made.window.model_chosen.disconnect()  # no model is to be loaded
    return made


@pytest.fixture
def used(place: Workplace) -> list[Path]:
    """The folders that the window was told to use."""
    folders: list[Path] = []
    place.window.model_chosen.connect(folders.append)
    return folders


def _dialog(place: Workplace) -> ModelDialog:
    dialog = place.window.model_choice.dialog
    assert dialog is not None
    return dialog


def _wait(dialog: ModelDialog, words: str, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: words in dialog.said.text(), timeout=PATIENCE_MS)


def _texts(dialog: ModelDialog) -> list[str]:
    return [label.text() for label in dialog.findChildren(QLabel) if label.isVisibleTo(dialog)]


def _seen(place: Workplace, found: Prospect, qtbot: QtBot, *, holds_memory: bool = False) -> ModelDialog:
    dialog = ModelDialog(DEMO_BUNDLE, place.window)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.show_prospect(found, holds_memory=holds_memory)
    return dialog


def test_a_folder_is_looked_at_and_then_used(place: Workplace, used: list[Path], qtbot: QtBot) -> None:
    place.window.model_choice.ask()
    files = place.window.findChild(QFileDialog)
    assert isinstance(files, QFileDialog)
    files.fileSelected.emit(str(DEMO_BUNDLE))
    files.reject()
    dialog = _dialog(place)
    assert "Reading" in dialog.said.text()
    assert not dialog.use.isEnabled()
    _wait(dialog, "It runs on the GPU", qtbot)
    found = prospect(DEMO_BUNDLE, HERE)
    shown = _texts(dialog)
    assert {found.manifest.name, found.manifest.licence, found.manifest.trained_on} <= set(shown)
    assert any(found.manifest.intended_use.startswith(text[:80]) for text in shown if len(text) > 40)
    assert "20.0 GB free of 24.0 GB" in shown
    assert "50.0 GB free of 64.0 GB" in shown
    assert f"{found.needs.weights_bytes / 1e6:.1f} MB" in shown
    assert f"Conversation of {found.tokens:,} tokens" in shown
    qtbot.mouseClick(dialog.use, Qt.MouseButton.LeftButton)
    assert used == [DEMO_BUNDLE]
    assert place.window.settings.model_bundle == str(DEMO_BUNDLE)
    assert place.window.model_choice.dialog is None


def test_who_cancels_changes_nothing(place: Workplace, used: list[Path], qtbot: QtBot) -> None:
    before = place.window.settings
    place.window.model_choice.look_at(DEMO_BUNDLE)
    dialog = _dialog(place)
    _wait(dialog, "It runs on the GPU", qtbot)
    qtbot.mouseClick(dialog.leave, Qt.MouseButton.LeftButton)
    assert used == []
    assert place.window.settings is before


def test_a_folder_without_a_model_says_why_and_another_can_be_chosen(
    place: Workplace, tmp_path: Path, qtbot: QtBot
) -> None:
    place.window.model_choice.look_at(tmp_path)
    dialog = _dialog(place)
    _wait(dialog, "config.json", qtbot)
    assert "copy the model folder again" in dialog.said.text()
    assert dialog.said.objectName() == "fault"
    assert "Choose another folder" in dialog.remark.text()
    assert not dialog.use.isEnabled()
    qtbot.mouseClick(dialog.other, Qt.MouseButton.LeftButton)
    files = dialog.findChild(QFileDialog)
    assert isinstance(files, QFileDialog)
    files.fileSelected.emit(str(DEMO_BUNDLE))
    files.reject()
    _wait(dialog, "It runs on the GPU", qtbot)
    assert _dialog(place) is dialog
    assert dialog.use.isEnabled()


def test_of_two_folders_the_last_counts_and_the_window_does_not_wait(
    place: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    gate, asked = threading.Event(), []

    def slow(folder: Path) -> Prospect:
        asked.append(folder)
        if folder == tmp_path:
            assert gate.wait(60)
            raise BundleError("the first one")
        return prospect(folder, HERE)

    monkeypatch.setattr(choosing, "prospect", slow)
    choice = place.window.model_choice
    choice.look_at(tmp_path)
    dialog = _dialog(place)
    qtbot.waitUntil(lambda: asked == [tmp_path])
    qtbot.wait(50)
    assert "Reading" in dialog.said.text()
    assert not dialog.use.isEnabled()
    choice.look_at(DEMO_BUNDLE)
    said: list[str] = []
    monkeypatch.setattr(dialog, "show_fault", said.append)
    gate.set()
    _wait(dialog, "It runs on the GPU", qtbot)
    assert said == []
    assert dialog.path.text() == str(DEMO_BUNDLE)


def test_a_dialog_that_is_closed_hears_no_more(
    place: Workplace, used: list[Path], monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    gate, done = threading.Event(), threading.Event()

    def slow(folder: Path) -> Prospect:
        assert gate.wait(60)
        done.set()
        return prospect(folder, HERE)

    monkeypatch.setattr(choosing, "prospect", slow)
    place.window.model_choice.look_at(DEMO_BUNDLE)
    _dialog(place).reject()
    gate.set()
    qtbot.waitUntil(done.is_set)
    qtbot.wait(50)
    assert place.window.model_choice.dialog is None
    assert used == []


def test_what_is_less_than_the_model_s_own_is_said(place: Workplace, qtbot: QtBot) -> None:
    needs = prospect(DEMO_BUNDLE, HERE).needs
    crowded = Workstation((dataclasses.replace(GPU, free_bytes=needs.weights_bytes),), 1000, 1000)
    dialog = _seen(place, prospect(DEMO_BUNDLE, crowded), qtbot, holds_memory=True)
    assert "close other programs" in dialog.said.text()
    assert "gives that back when another is used" in dialog.remark.text()
    assert dialog.said.objectName() == "caution"
    assert dialog.use.isEnabled()
    tiny = Workstation((Gpu("GT", "1", 1000, 1000),), 1000, 1000)
    dialog = _seen(place, prospect(DEMO_BUNDLE, tiny), qtbot, holds_memory=True)
    assert "Choose a smaller model" in dialog.said.text()
    assert not dialog.remark.isVisibleTo(dialog)
    assert not dialog.use.isEnabled()
    unused = dataclasses.replace(HERE, gpu_fault=CPU_BUILD)
    dialog = _seen(place, prospect(DEMO_BUNDLE, unused), qtbot)
    assert dialog.remark.text() == CPU_BUILD
    assert "In all, in main memory" in _texts(dialog)
    none = Workstation((), 10**10, 10**10)
    assert "none" in _texts(_seen(place, prospect(DEMO_BUNDLE, none), qtbot))


def test_the_gpu_with_the_most_room_is_the_one_to_compare(place: Workplace, qtbot: QtBot) -> None:
    two = dataclasses.replace(HERE, gpus=(dataclasses.replace(GPU, name="Old", free_bytes=10**9), GPU))
    dialog = _seen(place, prospect(DEMO_BUNDLE, two), qtbot)
    strong = [label.text() for label in dialog.has.findChildren(QLabel) if label.objectName() == "strong"]
    assert strong == ["RTX 4090", "20.0 GB free of 24.0 GB"]


def test_looking_again_sees_what_has_become_free(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    full = Workstation((dataclasses.replace(GPU, free_bytes=0),), 1000, 1000)
    monkeypatch.setattr(looking, "workstation", lambda: full)
    place.window.model_choice.look_at(DEMO_BUNDLE)
    dialog = _dialog(place)
    _wait(dialog, "close other programs", qtbot)
    monkeypatch.setattr(looking, "workstation", lambda: HERE)
    qtbot.mouseClick(dialog.again, Qt.MouseButton.LeftButton)
    _wait(dialog, "It runs on the GPU", qtbot)


@pytest.mark.parametrize("text", ["word " * 9000, "W" * 9000])
def test_a_manifest_that_talks_without_end_leaves_the_buttons_on_the_screen(
    text: str, place: Workplace, qtbot: QtBot
) -> None:
    found = prospect(DEMO_BUNDLE, HERE)
    endless = dataclasses.replace(
        found.manifest, **dict.fromkeys(("name", "licence", "intended_use", "trained_on"), text)
    )
    dialog = _seen(place, dataclasses.replace(found, manifest=endless), qtbot)
    assert dialog.height() < 700
    assert dialog.width() < 800
    assert text in dialog.facts["Licence"].toolTip()
