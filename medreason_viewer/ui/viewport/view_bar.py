"""The bar above the image: plane, tools, window presets and what is drawn."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolBar, QToolButton

from ...volume.slices import PlaneName3
from ...volume.window import PRESETS
from .. import theme
from ..explanation import wording
from ..keys.menu_keys import FOLLOWS
from ..keys.profile import TOOL_NAMES, Tool
from ..session import Session
from .cine_button import CineButton, CineMenu
from .layout_menu import LayoutMenu
from .slab_menu import SlabMenu
from .views import Views

_SHORT: Final = {"": "Custom", "automatic": "Auto"}  # the bar of a 1280 pixel wide screen is full
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

    def __init__(self, views: Views) -> None:
        session, bindings, cine = views.session, views.bindings, views.cine
        self._session, self._bindings, self.cine = session, bindings, cine
        self.planes = {name: self._plane(name) for name in PLANES}
        self.tools = {tool: self._tool(tool) for tool in Tool if tool in _TOOL_ICONS}
        self.presets = {name: self._preset(name) for name in PRESETS}
        self.automatic = _checkable("Automatic", session.set_automatic_window)
        self.overlay = _checkable("Show regions", self._set_overlay, "mdi6.eye-outline")
        self.crosshair = _checkable("Crosshair", self._set_crosshair, "mdi6.crosshairs")
        self.reset = _plain("Whole image, first window", session.reset, "mdi6.fit-to-screen-outline")
        self._groups = [_group(list(actions.values()), session) for actions in (self.planes, self.tools)]
        self.cine_menu = CineMenu(cine, bindings)
        self.slab_menu = SlabMenu(session, bindings)
        self.layout_menu = LayoutMenu(views)
        self._named = [(action, action.text(), name) for action, name in self._bound()]
        for action, _, _ in self._named:
            action.setProperty(FOLLOWS, True)
        self._follow()
        bindings.changed.connect(self.show_keys)
        self.show_keys()

    def show_keys(self) -> None:
        """Name the keys of the profile in use in menus and tooltips; the slice view listens to them."""
        for action, words, name in self._named:
            keys = self._bindings.keys_for(name)
            action.setToolTip(f"{words} ({keys[0]})" if keys else words)
            action.setText(words + self._bindings.sign(name))

    def _bound(self) -> list[tuple[QAction, str]]:
        """The actions that keys are bound to, with their names in the profiles."""
        return [
            *((action, f"tool:{tool.value}") for tool, action in self.tools.items()),
            *((action, f"preset:{name}") for name, action in self.presets.items()),
            (self.automatic, "auto_window"),
            (self.overlay, "toggle_overlay"),
            (self.crosshair, "toggle_crosshair"),
            (self.reset, "reset"),
        ]

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
        action = _checkable(name.capitalize(), partial(self._session.set_plane, name))
        action.setIconText(name[: 2 if name == "axial" else 3].capitalize())  # in the bar; the menu has room
        action.setToolTip(name.capitalize())
        return action

    def _tool(self, tool: Tool) -> QAction:
        return _checkable(TOOL_NAMES[tool], partial(self._session.set_tool, tool), _TOOL_ICONS[tool])

    def _preset(self, name: str) -> QAction:
        window = PRESETS[name]
        values = f"{wording.number(window.width_hu)} / {wording.number(window.centre_hu)}"
        return _checkable(f"{name.capitalize()}  {values}", partial(self._session.set_preset, name))

    def _set_overlay(self) -> None:
        self._session.set_overlay_visible(self.overlay.isChecked())

    def _set_crosshair(self) -> None:
        self._session.set_crosshair_visible(self.crosshair.isChecked())


class ViewBar(QToolBar):
    """Planes, tools, the window menu, overlay, reset, cine."""

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
        self.addWidget(CineButton(actions.cine, actions.cine_menu))
        for button in self.findChildren(QToolButton):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(button.accessibleName() or button.toolTip() or "More of this bar")
        session.window_changed.connect(self._show_window)
        self._show_window()
        more = self.findChild(QToolButton, "qt_toolbar_ext_button")
        if isinstance(more, QToolButton):  # the style's own sign is dark on dark
            more.setIcon(theme.icon("mdi6.dots-vertical"))

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
        name = _SHORT.get(self._session.window_name) or self._session.window_name.capitalize()
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
