"""The bar above the image: plane, tools, window presets and what is drawn."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolBar, QToolButton

from ..volume.slices import PlaneName3
from ..volume.window import PRESETS
from . import theme, wording
from .input_profile import TOOL_NAMES, InputProfile, Tool
from .session import Session

PLANES: Final[tuple[PlaneName3, ...]] = ("axial", "coronal", "sagittal")
_TOOL_ICONS: Final[dict[Tool, str]] = {
    Tool.WINDOW: "mdi6.contrast-circle",
    Tool.ZOOM: "mdi6.magnify",
    Tool.PAN: "mdi6.cursor-move",
    Tool.SCROLL: "mdi6.arrow-up-down",
    Tool.BOX: "mdi6.vector-square",
    Tool.DISTANCE: "mdi6.ruler",
    Tool.ANGLE: "mdi6.angle-acute",
}


class ViewActions:
    """The actions of bar and menus alike, kept in step with the session."""

    def __init__(self, session: Session, profile: InputProfile) -> None:
        self._session = session
        self.planes = {name: self._plane(name) for name in PLANES}
        self.tools = {tool: self._tool(tool, profile) for tool in Tool if tool in _TOOL_ICONS}
        self.presets = {name: self._preset(name, profile) for name in PRESETS}
        self.automatic = _checkable("Automatic", session.set_automatic_window)
        self.overlay = _checkable("Show regions", self._set_overlay, "mdi6.eye-outline")
        self.crosshair = _checkable("Crosshair", self._set_crosshair, "mdi6.crosshairs")
        self.reset = _plain("Whole image, first window", session.reset, "mdi6.fit-to-screen-outline")
        self._groups = [_group(list(actions.values()), session) for actions in (self.planes, self.tools)]
        _show_keys(profile, self.overlay, "toggle_overlay")
        _show_keys(profile, self.crosshair, "toggle_crosshair")
        _show_keys(profile, self.reset, "reset")
        _show_keys(profile, self.automatic, "auto_window")
        self._follow()

    def refresh(self) -> None:
        """Check what is in use; grey out what the series cannot do."""
        session = self._session
        for plane, action in self.planes.items():
            action.setChecked(plane == session.plane_name)
            action.setEnabled(session.series is not None and session.series.plane_name != "oblique")
        for tool, action in self.tools.items():
            action.setChecked(tool == session.tool)
        for preset, action in self.presets.items():
            action.setChecked(preset == session.window_name)
        self.automatic.setChecked(session.window_name == "automatic")
        self.overlay.setChecked(session.overlay_visible)
        self.crosshair.setChecked(session.crosshair_visible)

    def _follow(self) -> None:
        session = self._session
        for signal in (
            session.series_changed,
            session.slice_changed,
            session.window_changed,
            session.tool_changed,
            session.overlay_changed,
        ):
            signal.connect(self.refresh)
        self.refresh()

    def _plane(self, name: PlaneName3) -> QAction:
        return _checkable(name.capitalize(), partial(self._session.set_plane, name))

    def _tool(self, tool: Tool, profile: InputProfile) -> QAction:
        action = _checkable(TOOL_NAMES[tool], partial(self._session.set_tool, tool), _TOOL_ICONS[tool])
        _show_keys(profile, action, f"tool:{tool.value}")
        return action

    def _preset(self, name: str, profile: InputProfile) -> QAction:
        window = PRESETS[name]
        values = f"{wording.number(window.width_hu)} / {wording.number(window.centre_hu)}"
        action = _checkable(f"{name.capitalize()}  {values}", partial(self._session.set_preset, name))
        _show_keys(profile, action, f"preset:{name}")
        return action

    def _set_overlay(self) -> None:
        self._session.set_overlay_visible(self.overlay.isChecked())

    def _set_crosshair(self) -> None:
        self._session.set_crosshair_visible(self.crosshair.isChecked())


class ViewBar(QToolBar):
    """Planes, tools, the window menu, overlay, reset."""

    def __init__(self, session: Session, actions: ViewActions) -> None:
        super().__init__("View")
        self._session = session
        self.setIconSize(QSize(18, 18))
        self.setMovable(False)
        self.window_button = self._window_button(actions)
        self.addActions(list(actions.planes.values()))
        self.addSeparator()
        self.addActions(
            [action for tool, action in actions.tools.items() if tool != Tool.SCROLL]
        )  # the wheel
        self.addSeparator()
        self.addWidget(self.window_button)
        self.addSeparator()
        self.addActions([actions.overlay, actions.reset])
        for button in self.findChildren(QToolButton):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(button.text() or button.toolTip())
        session.window_changed.connect(self._show_window)
        self._show_window()

    def _window_button(self, actions: ViewActions) -> QToolButton:
        menu = QMenu(self)
        menu.addAction(actions.automatic)
        menu.addSeparator()
        menu.addActions(list(actions.presets.values()))
        button = QToolButton()
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setIcon(theme.icon("mdi6.chevron-down"))
        button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        button.setToolTip("Window presets, width / level in HU")
        return button

    def _show_window(self) -> None:
        window = self._session.window
        name = self._session.window_name.capitalize() or "Custom"
        self.window_button.setText(
            f"{name}  {wording.number(window.width_hu)} / {wording.number(window.centre_hu)}"
        )


def _plain(text: str, slot: object, icon: str = "") -> QAction:
    action = QAction(text)
    if icon:
        action.setIcon(theme.icon(icon))
    action.triggered.connect(lambda: slot())  # type: ignore[operator]
    return action


def _checkable(text: str, slot: object, icon: str = "") -> QAction:
    action = _plain(text, slot, icon)
    action.setCheckable(True)
    return action


def _group(actions: list[QAction], owner: QObject) -> QActionGroup:
    group = QActionGroup(owner)
    for action in actions:
        group.addAction(action)
    return group


def _show_keys(profile: InputProfile, action: QAction, name: str) -> None:
    """Name the key in menu and tooltip; the slice view itself listens to it."""
    keys = profile.keys_for(name)
    if keys:
        action.setToolTip(f"{action.text()} ({keys[0]})")
        action.setText(f"{action.text()}\t{keys[0]}")
