"""Every action with its keys, to search and to change."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from .action_names import ACTIONS
from .bindings import InputBindings
from .changes import is_changed
from .fields import KeyFields

_ACTION = Qt.ItemDataRole.UserRole


class KeysEditor(QWidget):
    """A list of actions by group, a search, and below the keys of the one chosen."""

    def __init__(self, bindings: InputBindings, fixed: Mapping[str, str]) -> None:
        super().__init__()
        self._bindings = bindings
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search actions and keys")
        self.search.setAccessibleName("Search actions and keys")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Actions and their keys")
        self.tree.setHeaderLabels(["Action", "Keys", ""])
        self.tree.setUniformRowHeights(True)
        self.fields = KeyFields(bindings, fixed)
        self._items: dict[str, QTreeWidgetItem] = {}
        self._headings: dict[str, QTreeWidgetItem] = {}  # of each action
        self._fill()
        self.tree.setMinimumHeight(120)
        self.tree.currentItemChanged.connect(self._chosen)
        column = QVBoxLayout(self)
        for widget in (self.search, self.tree, self.fields):
            column.addWidget(widget, int(widget is self.tree))
        bindings.changed.connect(self.refresh)
        self.refresh()
        self.choose(next(iter(self._items)))

    def choose(self, action: str) -> None:
        """Edit the keys of an action."""
        self.tree.setCurrentItem(self._items[action])

    def refresh(self) -> None:
        """Show the keys in use, and which are not the profile's."""
        for action, item in self._items.items():
            changed = is_changed(self._bindings.profile, action)
            item.setText(1, ", ".join(self._bindings.keys_for(action)))
            item.setText(2, "changed" if changed else "")
        self._filter()

    def _chosen(self, item: QTreeWidgetItem | None) -> None:
        self.fields.show_action(_action(item))
        # once the fields have taken their room from the list
        if item is not None:
            QTimer.singleShot(0, self, lambda: self.tree.scrollToItem(item))

    def _fill(self) -> None:
        bold = QFont(self.tree.font())
        bold.setBold(True)
        for group, actions in ACTIONS.items():
            heading = QTreeWidgetItem(self.tree, [group])
            heading.setFlags(Qt.ItemFlag.ItemIsEnabled)
            heading.setFont(0, bold)
            for action, words in actions.items():
                item = QTreeWidgetItem(heading, [words])
                item.setData(0, _ACTION, action)
                self._items[action], self._headings[action] = item, heading
        self.tree.expandAll()
        self.tree.setColumnWidth(0, 300)
        self.tree.setColumnWidth(1, 190)

    def _filter(self) -> None:
        wanted = self.search.text().strip().casefold()
        for item in self._items.values():
            texts = (item.text(0), item.text(1), self._headings[item.data(0, _ACTION)].text(0))
            item.setHidden(not any(wanted in text.casefold() for text in texts))
        for heading in self._headings.values():
            children = [self._items[action] for action, above in self._headings.items() if above is heading]
            heading.setHidden(all(item.isHidden() for item in children))


def _action(item: QTreeWidgetItem | None) -> str:
    return item.data(0, _ACTION) or "" if item is not None else ""
