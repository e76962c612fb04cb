"""The layout in the View menu: one viewport or two, the other one, and whether they scroll together."""

from __future__ import annotations

from functools import partial

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from .. import theme
from .views import Views

_LAYOUTS = {1: ("&One viewport", "mdi6.square-outline"), 2: ("&Two side by side", "mdi6.view-split-vertical")}


class LayoutMenu(QMenu):
    """The layout in use is checked."""

    def __init__(self, views: Views, parent: QWidget | None = None) -> None:
        super().__init__("&Layout", parent)
        self._views = views
        group = QActionGroup(self)
        self.choices: dict[int, QAction] = {}
        for count, (words, icon) in _LAYOUTS.items():
            action = group.addAction(theme.icon(icon), words)
            action.setCheckable(True)
            action.triggered.connect(partial(self._choose, count))
            self.choices[count] = action
        self.addActions(list(self.choices.values()))
        self._toggle = self._line("layout", "Change between one and two")
        self.addSeparator()
        self._other = self._line("other_viewport", "Turn to the other viewport")
        self._link = self._line("link_viewports", "Scroll both together")
        self._link.setCheckable(True)
        for changed in (views.session.layout_changed, views.linked.changed, views.bindings.changed):
            changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the layout in use, and the keys."""
        count = len(self._views.session.viewports)
        for each, action in self.choices.items():
            action.setChecked(each == count)
        for action in (self._toggle, self._other, self._link):
            words = str(action.data())
            action.setText(words + self._views.bindings.sign(action.objectName()))
        self._other.setEnabled(count > 1)
        self._link.setChecked(self._views.linked.on)

    def _choose(self, count: int) -> None:
        self._views.session.set_layout(count)

    def _line(self, name: str, words: str) -> QAction:
        action = self.addAction(words)
        action.setObjectName(name)
        action.setData(words)
        action.triggered.connect(lambda: self._views.do(name))
        return action
