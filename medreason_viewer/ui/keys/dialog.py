"""Keys and mouse: what is in use, first, and how to change it. Every change holds at once."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from ..plain import PlainLabel, caption
from .bindings import InputBindings
from .editor import KeysEditor
from .kept import change_count
from .mouse_editor import MouseEditor
from .overview import KeysOverview
from .profile import PROFILES


class KeysDialog(QDialog):
    """The profile above; below the table of all bindings, and an editor each for keys and mouse.

    Parameters
    ----------
    fixed : mapping of str to str
        Keys of the menus that cannot be given away, and the menu's words.
    """

    def __init__(self, bindings: InputBindings, fixed: Mapping[str, str], parent: QWidget) -> None:
        super().__init__(parent)
        self._bindings = bindings
        self.setWindowTitle("Keys and mouse")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.profiles = QComboBox()
        self.profiles.setAccessibleName("Profile")
        self.profiles.addItems(list(PROFILES))
        self.profiles.textActivated.connect(lambda name: bindings.use(PROFILES[name]))
        self.changes = PlainLabel(role="muted")
        self.reset_all = QPushButton("Reset &all")
        self.reset_all.clicked.connect(lambda: bindings.use(PROFILES[bindings.profile.name]))
        self.overview, self.keys = KeysOverview(bindings, fixed), KeysEditor(bindings, fixed)
        self.mouse = MouseEditor(bindings)
        self.tabs = QTabWidget()
        self.tabs.tabBar().setAccessibleName("Overview, keys, mouse")
        self.tabs.addTab(self.overview, "&Overview")
        self.tabs.addTab(self.keys, "Change &keys")
        self.tabs.addTab(self.mouse, "Change &mouse")
        self._lay_out()
        bindings.changed.connect(self.refresh)
        self.refresh()
        self.tabs.setFocus()

    def refresh(self) -> None:
        """Show the profile in use and how much of it the reader changed."""
        profile = self._bindings.profile
        count = change_count(profile)
        self.profiles.setCurrentText(profile.name)
        self.changes.setText("" if not count else "1 change" if count == 1 else f"{count} changes")
        self.reset_all.setEnabled(count > 0)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        for widget in (caption("&Profile", self.profiles), self.profiles, self.changes):
            head.addWidget(widget)
        head.addStretch(1)
        head.addWidget(self.reset_all)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())
        buttons.rejected.connect(self.close)
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)  # Return in a field must press none of them
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 12)
        column.addLayout(head)
        column.addWidget(self.tabs, 1)
        column.addWidget(buttons)
        self.resize(680, 640)


def show_keys(bindings: InputBindings, fixed: Mapping[str, str], parent: QWidget) -> KeysDialog:
    """The dialog, which stays open beside the window while the reader tries the keys; there is only one."""
    dialog = parent.findChild(KeysDialog) or KeysDialog(bindings, fixed, parent)
    dialog.show()
    dialog.activateWindow()
    return dialog
