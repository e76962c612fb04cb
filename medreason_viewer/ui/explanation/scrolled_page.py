"""A page that is squeezed as far as its parts allow, and scrolls in a window lower than that."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget
from shiboken6 import isValid

from ..overrides import guarded

_SETTLED_MS: Final = 50  # a part that was just added is laid out by then


@guarded
class ScrolledPage(QScrollArea):
    """Keeps a page as wide as it is itself.

    A resizable scroll area of Qt would scroll as soon as the height that the page likes is not there; a
    layout without one overlaps its texts once they have less than they need.
    """

    def __init__(self, page: QWidget) -> None:
        super().__init__()
        self._page = page
        self._awaited: tuple[QWidget, ...] = ()
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(_SETTLED_MS)
        self._settled.timeout.connect(self._reveal)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(page)
        page.setAutoFillBackground(False)
        self.viewport().setAutoFillBackground(False)
        page.installEventFilter(self)

    def reveal(self, *parts: QWidget) -> None:
        """Scroll as little as shows these parts once the page has settled; of too many, the last one."""
        self._awaited = parts
        self._settled.start()

    def _reveal(self) -> None:
        for part in self._awaited:
            if isValid(part):
                self.ensureWidgetVisible(part, 0, 0)
        self._awaited = ()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width needs another height."""
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The page's parts need more or less room than before."""
        if watched is self._page and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        layout, room = self._page.layout(), self.viewport().size()
        needed = layout.totalMinimumHeightForWidth(room.width()) if layout is not None else 0
        self._page.resize(room.width(), max(room.height(), needed))
