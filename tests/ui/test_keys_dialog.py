"""Keys and mouse, edited by a reader: keys pressed, buttons pushed, and what follows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from medreason_viewer import settings
from medreason_viewer.app import Workplace
from medreason_viewer.settings import Settings
from medreason_viewer.ui.keys.action_names import ACTIONS, GESTURES, choices_of, is_action
from medreason_viewer.ui.keys.dialog import KeysDialog
from medreason_viewer.ui.keys.kept import profile_of
from medreason_viewer.ui.keys.profile import PROFILES, Tool

Opened = Callable[..., Workplace]
KEY = Qt.Key


def open_dialog(place: Workplace, qtbot: QtBot) -> KeysDialog:
    """F1, as a reader opens it."""
    QTest.keyClick(place.window, KEY.Key_F1)
    dialog = place.window.findChild(KeysDialog)
    assert dialog is not None
    qtbot.waitUntil(dialog.isActiveWindow)
    return dialog


def press_in_field(dialog: KeysDialog, action: str, place: int, key: Qt.Key) -> None:
    dialog.tabs.setCurrentWidget(dialog.keys)
    dialog.keys.choose(action)
    field = dialog.keys.fields.fields[place]
    field.setFocus()
    QTest.keyClick(field, key)


def test_f1_shows_first_what_is_bound_and_only_one_dialog(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    dialog = open_dialog(place, qtbot)
    assert dialog.tabs.currentWidget() is dialog.overview
    text = dialog.overview.text.toPlainText()
    assert all(
        words in text for words in ("Explain region", "Left drag", "Ctrl+O", "Lung window, 1500 / −600")
    )
    place.window._commands().keys()
    assert len(place.window.findChildren(KeysDialog)) == 1


def test_a_key_pressed_holds_at_once_in_view_and_menus(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    dialog = open_dialog(place, qtbot)
    press_in_field(dialog, "tool:zoom", 0, KEY.Key_J)
    qtbot.waitUntil(lambda: place.window.parts.view.profile.keys_for("tool:zoom") == ("J",))
    assert place.window.actions_of_view.tools[Tool.ZOOM].text().endswith("\tJ")
    QTest.keyClick(place.window.parts.view, KEY.Key_J)
    assert place.session.tool == Tool.ZOOM
    assert dialog.changes.text() == "2 changes"  # Z freed, J bound
    place.session.set_tool(Tool.PAN)
    QTest.keyClick(place.window.parts.view, KEY.Key_Z)
    assert place.session.tool == Tool.PAN


def test_a_key_in_use_is_named_and_replaced_only_when_asked(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    dialog, view = open_dialog(place, qtbot), place.window.parts.view
    question = dialog.keys.fields.question
    press_in_field(dialog, "toggle_crosshair", 0, KEY.Key_I)
    qtbot.waitUntil(question.isVisible)
    assert "I is “Show or hide regions” now" in question.text.text()
    assert view.profile == PROFILES["IHE BIR"]
    QTest.mouseClick(question.leave, Qt.MouseButton.LeftButton)
    assert dialog.keys.fields.fields[0].keySequence() == QKeySequence("H")
    press_in_field(dialog, "toggle_crosshair", 0, KEY.Key_I)
    qtbot.waitUntil(question.isVisible)
    QTest.keyClick(question.replace, KEY.Key_Space)
    assert view.profile.keys_for("toggle_crosshair") == ("I",)
    assert view.profile.keys_for("toggle_overlay") == ()
    dialog.keys.choose("toggle_overlay")
    dialog.keys.fields.reset.click()  # the key is another's now: asked again
    assert "I is “Crosshair” now" in question.text.text()
    question.replace.click()
    assert view.profile.keys["I"] == "toggle_overlay"


def test_keys_of_the_menus_can_be_changed_too(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    dialog = open_dialog(place, qtbot)
    press_in_field(dialog, "menu:full_screen", 0, KEY.Key_F9)
    qtbot.waitUntil(lambda: place.window.parts.view.profile.keys.get("F9") == "menu:full_screen")
    menus = [action.menu() for action in place.window.menuBar().actions()]
    shortcuts = {line.text(): line.shortcut().toString() for menu in menus for line in menu.actions()}
    assert shortcuts["&Full screen"] == "F9"
    press_in_field(dialog, "explain", 0, KEY.Key_G)
    qtbot.waitUntil(
        lambda: "&Explain region\tG" in {line.text() for menu in menus for line in menu.actions()}
    )


def test_search_profile_and_reset(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    dialog, view = open_dialog(place, qtbot), place.window.parts.view
    dialog.tabs.setCurrentWidget(dialog.keys)
    QTest.keyClicks(dialog.keys.search, "pgup")
    shown = {action for action, item in dialog.keys._items.items() if not item.isHidden()}
    assert shown == {"scroll:-10", "menu:previous_series"}
    dialog.profiles.setFocus()
    QTest.keyClick(dialog.profiles, KEY.Key_Down)
    assert view.profile == PROFILES["OHIF"]
    dialog.keys.choose("explain")
    dialog.keys.fields.fields[0].parentWidget().findChildren(type(dialog.reset_all))[0].click()
    assert view.profile.keys_for("explain") == ()
    assert dialog.changes.text() == "1 change"
    dialog.reset_all.click()
    assert view.profile == PROFILES["OHIF"]


def test_a_drag_bound_otherwise_does_otherwise_at_once(opened: Opened, qtbot: QtBot) -> None:
    place = opened()
    dialog, view, session = open_dialog(place, qtbot), place.window.parts.view, place.session
    dialog.tabs.setCurrentWidget(dialog.mouse)
    choice = dialog.mouse.choices["shift+left"]
    choice.setFocus()
    for _ in range(20):
        if choice.currentData() == "zoom":
            break
        QTest.keyClick(choice, KEY.Key_Down)
    window = session.window
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, QPoint(200, 200))
    QTest.mouseMove(view, QPoint(200, 120))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, QPoint(200, 120))
    assert session.view.zoom > 1
    assert session.window == window
    for gesture in dialog.mouse.choices:
        view.bindings.use(view.profile.with_gesture(gesture, "none"))
    assert dialog.mouse.warning.isVisible()
    view.menu_requested.disconnect()  # the off-screen platform has no menus
    with qtbot.waitSignal(view.menu_requested):  # a right click asks for it, whatever a right drag does
        QTest.mouseClick(view, Qt.MouseButton.RightButton, pos=QPoint(200, 200))
    dialog.mouse.resets["left"].click()
    assert view.profile.mouse["left"] == "tool"


def test_only_the_differences_are_kept_and_come_back(opened: Opened, tmp_path: Path, qtbot: QtBot) -> None:
    place = opened()
    kept: list[Settings] = []
    place.window.closing.connect(kept.append)
    view = place.window.parts.view
    changed = (
        PROFILES["Slicer"].with_key("Ctrl+L", "preset:lung").with_key("E", "").with_gesture("right", "pan")
    )
    view.bindings.use(changed)
    view.cine.set_rate(25)
    place.window.close()
    settings.save(kept[0], tmp_path / "settings.toml")
    again = settings.load(tmp_path / "settings.toml")
    assert again.input_keys == (("Ctrl+L", "preset:lung"), ("E", ""))
    assert again.input_mouse == (("right", "pan"),)
    assert again.cine_fps == 25
    assert profile_of(again) == changed


def test_every_binding_has_words() -> None:
    assert "Others" not in ACTIONS
    for profile in PROFILES.values():
        assert all(is_action(action) for action in profile.keys.values())
        assert all(does in choices_of(gesture) for gesture, does in profile.mouse.items())
        assert set(profile.mouse) == set(GESTURES)


def test_nothing_in_the_dialog_is_nameless(opened: Opened, qtbot: QtBot) -> None:
    dialog = open_dialog(opened(), qtbot)
    pages = {0: dialog.overview.print_button, 1: dialog.keys.search, 2: dialog.mouse.choices["ctrl+wheel"]}
    for tab, wanted in pages.items():
        dialog.tabs.setCurrentIndex(tab)
        dialog.profiles.setFocus()
        reached: list[QWidget] = []
        while (widget := QApplication.focusWidget()) is not None and widget not in reached:
            reached.append(widget)
            widget.focusNextChild()
        assert wanted in reached
        assert [w for w in reached if not (w.accessibleName() or getattr(w, "text", str)())] == []


def test_what_the_explain_side_says_of_keys_follows_the_profile(opened: Opened) -> None:
    place = opened()
    panel, bindings = place.window.parts.explain, place.window.parts.view.bindings
    assert panel.guide.lines[0].text() == "Draw a box around the finding (B), or point at it."
    assert panel.guide.lines[1].text() == "Right-click and choose Explain region, or press E."
    bindings.use(PROFILES["IHE BIR"].with_key("E", "").with_key("B", "").with_key("J", "tool:box"))
    assert panel.guide.lines[0].text() == "Draw a box around the finding (J), or point at it."
    assert panel.guide.lines[1].text() == "Right-click and choose Explain region."
    assert panel.explain_button.toolTip() == "Explain the box drawn on this slice"
