"""Keys of the menu bar that follow the input profile, whatever the menus were made with."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from .bindings import InputBindings
from .profile import DEFAULT_PROFILE, normal_key

FOLLOWS: Final = "follows the profile"  # property of an action that names its keys by itself


class MenuKeys(QObject):
    """Tells by the default key what an action of the menus is called in a profile, and binds it anew.

    Attributes
    ----------
    fixed : dict of str to str
        Shortcuts that no profile knows, which therefore cannot be changed: the key, and the menu's words.
    """

    def __init__(self, bar: QMenuBar, bindings: InputBindings) -> None:
        super().__init__(bar)
        self._bindings = bindings
        self.fixed: dict[str, str] = {}
        self._shortcuts: list[tuple[QAction, str]] = []
        self._named: list[tuple[QAction, str, str]] = []
        for heading in bar.actions():
            if isinstance(menu := heading.menu(), QMenu):
                self.learn(menu)
        bindings.changed.connect(self.refresh)
        self.refresh()

    def learn(self, menu: QMenu) -> None:
        """Take in the lines of a menu, but for those of its submenus."""
        for action in menu.actions():
            if action.menu() is None:
                self._learn(action)

    def refresh(self) -> None:
        """Bind and name the keys of the profile in use."""
        profile = self._bindings.profile
        for action, name in self._shortcuts:
            action.setShortcuts([QKeySequence(key) for key in profile.keys_for(name)])
        for action, words, name in self._named:
            action.setText(words + self._bindings.sign(name))

    def _learn(self, action: QAction) -> None:
        key = action.shortcut().toString(QKeySequence.SequenceFormat.PortableText)
        words, _, sign = action.text().partition("\t")
        if action.property(FOLLOWS):
            return
        if name := DEFAULT_PROFILE.keys.get(key):
            self._shortcuts.append((action, name))
        elif key:
            self.fixed[key] = words.replace("&", "").rstrip(" …")
        elif name := DEFAULT_PROFILE.keys.get(normal_key(sign)):
            self._named.append((action, words, name))
