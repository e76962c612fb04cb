"""Around the main job: opening, keyboard, hostile strings, what is remembered, the window without hands."""

from __future__ import annotations

import dataclasses
import html
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_client import MODEL, FakeClient
from PySide6.QtCore import QMimeData, QPointF, QSettings, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QLabel, QWidget
from pytestqt.qtbot import QtBot
from small_study import LESION, write_study

from medreason_viewer import app, settings
from medreason_viewer.__main__ import main
from medreason_viewer.app import Workplace
from medreason_viewer.errors import ModelError, RegionError, VolumeError
from medreason_viewer.reasoning.request import Answered, Check, Event, ModelState, Step
from medreason_viewer.settings import Settings
from medreason_viewer.ui.explanation.answer import ExplainTarget
from medreason_viewer.ui.series.choosing import choose_folder
from medreason_viewer.ui.unattended import Explained, Unattended
from medreason_viewer.volume.geometry import SliceBox

Opened = Callable[..., Workplace]
BOX = SliceBox(*LESION)
HOSTILE = '<img src="file:///etc/hostname"><b>&amp;'


def first_banner(place: Workplace) -> str:
    return place.window.banners.banners()[0].text.text()


# Opening


@pytest.mark.parametrize("kind", ["missing", "empty", "pdf"])
def test_what_cannot_be_opened_is_a_banner_and_what_was_open_stays(
    opened: Opened, qtbot: QtBot, tmp_path: Path, kind: str
) -> None:
    place = opened()
    path = tmp_path / kind
    if kind == "empty":
        path.mkdir()
    elif kind == "pdf":
        path.write_bytes(b"%PDF-1.7\n" + bytes(400))
    series = place.session.series
    place.window.open_path(path)
    qtbot.waitUntil(lambda: "Research use only" not in first_banner(place))
    assert first_banner(place).endswith(".")
    assert place.session.series is series
    assert not place.window.parts.footer.cancel.isVisible()


def test_a_scan_can_be_cancelled(build: Opened, small_study: Path, qtbot: QtBot) -> None:
    place = build()
    place.window.open_path(small_study)
    footer = place.window.parts.footer
    assert footer.cancel.isVisible()
    footer.cancel.click()
    qtbot.wait(100)
    assert place.session.scan is None
    assert not place.opening.busy
    assert not footer.cancel.isVisible()


def test_the_path_asked_for_last_wins(build: Opened, small_study: Path, tmp_path: Path, qtbot: QtBot) -> None:
    place = build()
    other = write_study(tmp_path / "other", patient="ROE^RICHARD")
    place.window.open_path(small_study)
    place.window.open_path(other)
    qtbot.waitUntil(lambda: place.session.series is not None)
    qtbot.wait(100)
    assert place.session.series is not None
    assert place.session.series.identity.patient_name == "ROE^RICHARD"


def test_paths_can_be_dropped(build: Opened, small_study: Path, qtbot: QtBot) -> None:
    place = build()
    dropped = QMimeData()
    dropped.setUrls([QUrl.fromLocalFile(str(small_study)), QUrl.fromLocalFile(str(small_study / "a"))])
    action, keys = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    entering = QDragEnterEvent(QPointF(5, 5), action, dropped, Qt.MouseButton.LeftButton, keys)
    place.window.dragEnterEvent(entering)
    assert entering.isAccepted()
    place.window.dropEvent(QDropEvent(QPointF(5, 5), action, dropped, Qt.MouseButton.LeftButton, keys))
    qtbot.waitUntil(lambda: place.session.series is not None)
    assert "Only the first" in first_banner(place)


# Plain text


def test_hostile_strings_are_shown_as_they_are(opened: Opened, tmp_path: Path, qtbot: QtBot) -> None:
    study = write_study(tmp_path / "hostile", patient=HOSTILE.replace("&amp;", ""), description=HOSTILE[:64])
    place = opened(
        study,
        steps=(Step(HOSTILE, checks=(Check(HOSTILE, HOSTILE, "agrees"),)),),
        answer=HOSTILE,
        model=True,
        warnings=(HOSTILE,),
    )
    place.session.set_box(BOX)
    place.window.explain_box()
    reasoning = place.window.parts.explain.page.reasoning
    qtbot.waitUntil(lambda: reasoning.card.isVisible())
    place.session.message.emit(HOSTILE)
    place.session.apply(
        ModelState("ready", HOSTILE, dataclasses.replace(MODEL, name=HOSTILE, trained_on=HOSTILE))
    )
    assert reasoning.card.answer.label.text() == HOSTILE
    assert reasoning.rows[0].text.text() == HOSTILE
    assert first_banner(place) == HOSTILE
    for label in place.window.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText or not label.text(), label.text()
    panel = place.window.parts.series
    tips = [widget.toolTip() for widget in place.window.findChildren(QWidget)]
    tips += [panel.list.item(row).toolTip() for row in range(panel.list.count())]
    assert any(html.escape("<img") in tip for tip in tips)
    assert not any("<img" in tip for tip in tips)


# Keyboard and names


def test_everything_is_reachable_by_tab(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    place.session.set_box(BOX)
    place.window.explain_box()
    parts = place.window.parts
    qtbot.waitUntil(lambda: parts.explain.page.reasoning.card.isVisible())
    reached = _tab_round(place)
    reasoning = parts.explain.page.reasoning
    wanted = [
        parts.view,
        parts.series.list,
        parts.explain.read_first,
        parts.explain.explain_button,
        *reasoning.rows,
        reasoning.card.raw_toggle,
    ]
    assert [widget for widget in wanted if widget not in reached] == []


def test_everything_in_the_tab_order_has_a_name(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    for widget in _tab_round(place):
        named = widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text())
        assert named, widget


def test_steps_are_walked_with_arrows(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    place.session.set_box(BOX)
    place.window.explain_box()
    reasoning = place.window.parts.explain.page.reasoning
    qtbot.waitUntil(lambda: reasoning.card.isVisible())
    reasoning.rows[0].setFocus(Qt.FocusReason.TabFocusReason)
    assert place.session.selected_step == 0
    qtbot.keyClick(reasoning.rows[0], Qt.Key.Key_Down)
    assert place.session.selected_step == 1
    qtbot.keyClick(reasoning.rows[1], Qt.Key.Key_Down)
    qtbot.keyClick(reasoning.rows[2], Qt.Key.Key_Down)
    assert place.session.selected_step == 2


def _tab_round(place: Workplace) -> list[QWidget]:
    """Every widget that Tab comes to, starting from the image."""
    place.window.activateWindow()
    place.window.parts.view.setFocus()
    reached: list[QWidget] = []
    for _ in range(200):
        widget = QApplication.focusWidget()
        if widget is None or widget in reached:
            break
        reached.append(widget)
        widget.focusNextChild()
    return reached


def test_keys_belong_to_what_is_typed(opened: Opened, qtbot: QtBot) -> None:
    place = opened(settings=Settings(window_width=1280, window_height=800, read_first=True))
    place.session.set_box(BOX)
    place.window.explain_box()
    line = place.window.parts.explain.page.reasoning.own_read.line
    qtbot.waitUntil(line.isVisible)
    line.setFocus()
    before = place.session.slice_index
    qtbot.keyClicks(line, "i see")
    qtbot.keyClick(line, Qt.Key.Key_Down)
    assert line.text() == "i see"
    assert place.session.overlay_visible
    assert place.session.slice_index == before


def test_a_question_goes_with_the_box_and_is_shown(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    place.session.set_box(BOX)
    place.window.explain_box("Is it calcified?")
    page = place.window.parts.explain.page
    qtbot.waitUntil(page.question.isVisible)
    assert page.question.text() == "You asked: Is it calcified?"
    assert place.session.answer is not None
    assert place.session.answer.request.question == "Is it calcified?"


def test_banners_of_the_study_before_are_gone(opened: Opened, tmp_path: Path, qtbot: QtBot) -> None:
    place = opened()
    for number in range(4):
        place.session.message.emit(f"Fault {number}.")
    assert [banner.text.text() for banner in place.window.banners.banners()][:2] == ["Fault 3.", "Fault 2."]
    assert len(place.window.banners.banners()) == 3
    place.window.open_path(write_study(tmp_path / "next", patient="ROE^RICHARD"))
    qtbot.waitUntil(lambda: len(place.window.banners.banners()) == 1)
    assert "Research use only" in first_banner(place)


# The model's state


def test_a_request_while_the_model_loads_says_so(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    place.session.apply(ModelState("loading", "Loading the weights.", MODEL, 0.3))
    client = place.explainer._client
    assert isinstance(client, FakeClient)
    client.pace_s = 0.2
    place.session.set_box(BOX)
    place.window.explain_box()
    panel = place.window.parts.explain
    qtbot.waitUntil(lambda: panel.state.text().startswith("Loading the model"))


def test_model_licence_and_training_are_in_sight(build: Opened) -> None:
    place = build()
    visible = " ".join(
        label.text() for label in place.window.findChildren(QLabel) if label.isVisible() and label.text()
    )
    for words in (MODEL.name, MODEL.licence, MODEL.trained_on, "Research use only", "not for diagnosis"):
        assert words in visible


def test_a_bundle_that_is_missing_leaves_a_viewer(qtbot: QtBot, tmp_path: Path) -> None:
    place = app.build_for(Settings(), tmp_path / "none")
    qtbot.addWidget(place.window)
    assert not place.explainer.has_model
    assert "works without explanations" in first_banner(place)
    place.close()


# What is remembered


def test_the_window_remembers_its_shape_and_no_patient(opened: Opened, tmp_path: Path, qtbot: QtBot) -> None:
    place = opened()
    kept: list[Settings] = []
    place.window.closing.connect(kept.append)
    place.window.parts.explain.read_first.setChecked(True)
    place.session.set_overlay_visible(False)
    place.window.resize(1300, 820)
    place.window.close()
    assert kept[0].read_first
    assert not kept[0].show_overlay
    assert (kept[0].window_width, kept[0].window_height) == (1300, 820)
    settings.save(kept[0], tmp_path / "settings.toml")
    text = (tmp_path / "settings.toml").read_text()
    assert not any(word in text for word in ("DOE", "JANE", "P1", "study"))


def test_a_path_that_was_chosen_leaves_no_trace(build: Opened, tmp_path: Path, qtbot: QtBot) -> None:
    place = build()
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path / "config"))
    named = tmp_path / "DOE^JANE"
    named.mkdir()
    chosen: list[Path] = []
    dialog = choose_folder(place.window, "Choose", chosen.append)
    dialog.setDirectory(str(named))
    gone: list[bool] = []
    dialog.destroyed.connect(lambda: gone.append(True))
    dialog.fileSelected.emit(str(named))
    dialog.done(QFileDialog.DialogCode.Accepted)
    qtbot.waitUntil(lambda: bool(gone))
    assert chosen == [named]
    noted = [file.read_text() for file in (tmp_path / "config").rglob("*") if file.is_file()]
    assert noted, "Qt no longer notes anything: choosing.py may go"
    assert not any("DOE" in text for text in noted)


@pytest.fixture
def run_window(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], int]:
    """Runs the program, closes its window at once, and returns its exit code."""

    def run() -> int:
        for hooked, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
            monkeypatch.setattr(hooked, name, getattr(hooked, name))  # put back afterwards
        monkeypatch.setattr(app.signal, "signal", lambda *_: None)
        QTimer.singleShot(50, QApplication.closeAllWindows)
        return app.run(None, tmp_path / "no bundle", tmp_path / "settings.toml")

    return run


def test_the_program_saves_its_settings_when_closed(
    qapp: QApplication, run_window: Callable[[], int], tmp_path: Path
) -> None:
    assert run_window() == 0
    assert settings.load(tmp_path / "settings.toml").read_first is False


def test_settings_that_cannot_be_understood_are_left_as_they_are(
    qapp: QApplication, run_window: Callable[[], int], tmp_path: Path
) -> None:
    (tmp_path / "settings.toml").write_text("read_first = maybe")
    assert run_window() == 0
    assert (tmp_path / "settings.toml").read_text() == "read_first = maybe"


def test_another_study_cancels_what_was_asked(opened: Opened, small_study: Path, qtbot: QtBot) -> None:
    place = opened()
    client = place.explainer._client
    assert isinstance(client, FakeClient)
    client.released.clear()
    place.session.set_box(BOX)
    place.window.explain_box()
    qtbot.waitUntil(lambda: place.session.answer is not None and len(place.session.answer.steps) == 3)
    place.window.open_path(small_study)
    qtbot.waitUntil(lambda: not client.busy)
    assert place.session.answers == ()


def test_help_and_version_need_no_display(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "Research use only" in capsys.readouterr().out


def test_no_display_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert main([]) == 1
    assert "no display" in capsys.readouterr().err


# Without hands


def test_the_window_explains_without_hands(build: Opened, small_study: Path, tmp_path: Path) -> None:
    place = build()
    unattended = Unattended(place.window, timeout_s=20)
    unattended.open(small_study)
    explained = unattended.explain(4, ExplainTarget(box_slice=BOX))
    assert explained.explanation.answer == "Nodule or mass"
    assert explained.explanation.slice_index == 4
    assert explained.volume is place.session.volume
    unattended.picture(tmp_path / "deep" / "window.png")
    assert (tmp_path / "deep" / "window.png").read_bytes()[:4] == b"\x89PNG"
    assert len(list((tmp_path / "deep").iterdir())) == 1


def test_the_demonstration_leaves_result_and_picture(
    monkeypatch: pytest.MonkeyPatch, qapp: QApplication, small_study: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(app, "ModelClient", lambda _bundle, on_event: FakeClient(on_event))
    monkeypatch.setattr(app, "manifest_info", lambda _bundle: MODEL)
    events: list[Event] = []
    handed_over: list[Explained] = []
    explained = app.explain_once(
        small_study,
        slice_index=4,
        target=ExplainTarget(point_slice=BOX.centre),
        bundle=tmp_path,
        screenshot=tmp_path / "window.png",
        on_event=events.append,
        on_explained=handed_over.append,
        stay=True,  # nobody would see it off screen
    )
    qapp.setStyleSheet("")
    assert handed_over == [explained]
    assert explained.explanation.region.source == "model"
    assert isinstance(events[-1], Answered)
    picture = QImage(str(tmp_path / "window.png"))
    assert (picture.width(), picture.height()) == (1600, 1000)


def test_without_hands_every_failure_has_its_reason(build: Opened, small_study: Path, tmp_path: Path) -> None:
    place = build(fault="out_of_memory")
    unattended = Unattended(place.window, timeout_s=20)
    with pytest.raises(VolumeError, match="no file or folder"):
        unattended.open(tmp_path / "none")
    with pytest.raises(VolumeError, match="no series"):
        unattended.open(small_study, "1.2.3")
    unattended.open(small_study)
    with pytest.raises(RegionError, match="no slice 99"):
        unattended.explain(99, ExplainTarget(box_slice=BOX))
    with pytest.raises(ModelError, match="not wholly on it"):
        unattended.explain(4, ExplainTarget(box_slice=SliceBox(0, 0, 65, 9)))
    with pytest.raises(ModelError, match="does not fit into the memory"):
        unattended.explain(4, ExplainTarget(box_slice=BOX))
