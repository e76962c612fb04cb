"""The list of series: arrows choose, letters are left to the image."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QListWidget

from ..overrides import guarded
from .delegate import SeriesDelegate

_OWN = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Tab, Qt.Key.Key_Backtab)


@guarded
class SeriesList(QListWidget):
    """A list whose letters do not search, so that the image's keys work wherever the focus is."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Series")
        self.setItemDelegate(SeriesDelegate(self))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take arrows and Tab alone."""
        if event.key() in _OWN and not event.modifiers():
            super().keyPressEvent(event)
        else:
            event.ignore()
