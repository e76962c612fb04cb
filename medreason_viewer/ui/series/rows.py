"""The list of series: arrows choose, a series can be dragged out, letters are left to the image."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QMimeData, QPoint, Qt, Signal
from PySide6.QtGui import QDrag, QImage, QKeyEvent, QMouseEvent, QPixmap
from PySide6.QtWidgets import QApplication, QListWidget, QListWidgetItem

from ...volume.series import Series
from ..overrides import guarded
from .delegate import THUMBNAIL, SeriesDelegate

SERIES: Final = Qt.ItemDataRole.UserRole
SERIES_MIME: Final = "application/x-medreason-series"  # the number of a series in this session
_OWN = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Tab, Qt.Key.Key_Backtab)


@guarded
class SeriesList(QListWidget):
    """A list whose letters do not search, so that the image's keys work wherever the focus is.

    Attributes
    ----------
    pressing : bool
        Whether the row that is current now has become so by a press, which may begin a drag.

    Signals
    -------
    let_go
        The button is up again: the row pressed was chosen, dragged out, or left.
    """

    let_go = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Series")
        self.setItemDelegate(SeriesDelegate(self))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.pressing, self._pressed = False, QPoint()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the row, which is not to choose it yet."""
        self.pressing, self._pressed = True, event.position().toPoint()
        super().mousePressEvent(event)
        self.pressing = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the row pressed out of the list, once the pointer has moved far enough."""
        far = (event.position().toPoint() - self._pressed).manhattanLength()
        if event.buttons() & Qt.MouseButton.LeftButton and far >= QApplication.startDragDistance():
            self._drag_out(self.itemAt(self._pressed))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A release on the row pressed chooses it."""
        super().mouseReleaseEvent(event)
        self.let_go.emit()

    def _drag_out(self, item: QListWidgetItem | None) -> None:
        if item is None or item.data(SERIES) is None:
            return
        drag = QDrag(self)
        drag.setMimeData(mime_of(item.data(SERIES)))
        if isinstance(picture := item.data(THUMBNAIL), QImage):
            drag.setPixmap(QPixmap.fromImage(picture))
        drag.exec(Qt.DropAction.CopyAction)
        self.let_go.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take arrows and Tab alone."""
        if event.key() in _OWN and not event.modifiers():
            super().keyPressEvent(event)
        else:
            event.ignore()


def mime_of(series: Series) -> QMimeData:
    """What a viewport takes: the series, as long as its study is open."""
    data = QMimeData()
    data.setData(SERIES_MIME, str(id(series)).encode())
    return data
