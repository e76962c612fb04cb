"""The widget of one viewport: where the slice lies in it, and the frame that says where keys go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from ...drawing.placement import Placement, Size
from .scroll_strip import STRIP_PX
from .slice_scene import SceneSource
from .viewport import Viewport

if TYPE_CHECKING:
    from ..session import Session

_KEYS_GO_HERE, _ACTIVE = QColor("#4fa8dc"), QColor("#3a7396")
_FRAME_PX: Final = 4  # half of it lies outside


class SlicePane(QWidget):
    """Knows what it shows, and how that maps onto its pixels.

    Attributes
    ----------
    viewport : Viewport
        What is shown here.
    source : SceneSource
        The scene that is painted.
    pointer : QPointF or None
        Where the pointer is, in pixels of the widget; None while it is elsewhere.
    """

    def __init__(self, viewport: Viewport, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewport = viewport
        self.source = SceneSource(viewport, self)
        self.pointer: QPointF | None = None

    @property
    def session(self) -> Session:
        """The session of the viewport."""
        return self.viewport.session

    @property
    def active(self) -> bool:
        """Whether panels follow this one."""
        return self.session.active is self.viewport

    @property
    def slice_shape(self) -> tuple[int, int]:
        """(rows, cols) of the slice shown."""
        return self.source.shape

    def viewport_size(self) -> Size:
        """(width, height) in logical pixels, without the strip."""
        return max(self.width() - STRIP_PX, 1), max(self.height(), 1)

    def placement(self) -> Placement:
        """Where the slice lies in the viewport."""
        return self.source.placement(self.viewport_size())

    def to_slice(self, at: QPointF) -> tuple[float, float]:
        """Slice pixels of a point of the widget."""
        return self.placement().to_slice(at.x(), at.y())

    def pointed_slice(self) -> tuple[float, float]:
        """Slice pixels under the pointer; the middle of the viewport where it points elsewhere."""
        width, height = self.viewport_size()
        pointer = self.pointer
        x, y = self.to_slice(pointer if pointer is not None else QPointF(width / 2, height / 2))
        rows, cols = self.slice_shape
        return (x, y) if 0 <= x < cols and 0 <= y < rows else (cols / 2, rows / 2)

    def paint_frame(self, painter: QPainter) -> None:
        """Where keys and panels go; alone in the window, a viewport has a thin one for its keys."""
        width, height = map(round, self.viewport_size())
        several = len(self.session.viewports) > 1
        if self.hasFocus() or (several and self.active):
            colour = _KEYS_GO_HERE if self.hasFocus() else _ACTIVE
            painter.setPen(QPen(colour, _FRAME_PX if several else 1))
            painter.drawRect(0, 0, width - 1, height - 1)
