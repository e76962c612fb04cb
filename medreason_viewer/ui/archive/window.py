"""The window of the archives: it stands beside the viewer, and nothing in it waits for anything."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from .find_page import FindPage


class ArchiveWindow(QWidget):
    """Its pages as tabs."""

    def __init__(self, find: FindPage, others: dict[str, QWidget]) -> None:
        super().__init__()
        self.setWindowTitle("Archives – MedReason Viewer")
        self.finding = find
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setAccessibleName("Find, send, archives")
        for title, page in {"Find studies": find, **others}.items():
            self.tabs.addTab(page, title)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.tabs)
        QShortcut(QKeySequence.StandardKey.Close, self, self.close)
        self.resize(1120, 740)

    def show_page(self, page: QWidget) -> None:
        """Come to the front with that page."""
        self.tabs.setCurrentWidget(page)
        self.show()
        self.raise_()
        self.activateWindow()
