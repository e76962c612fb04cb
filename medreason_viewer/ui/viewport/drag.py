"""A tool in use: what every drag in a viewport has in common."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QPointF

from ...drawing.overlay import OverlayItem
from ...drawing.placement import Placement, Size
from .viewport import Viewport

Point = tuple[float, float]


class Pane(Protocol):
    """What a drag needs to know of the widget it happens in."""

    @property
    def viewport(self) -> Viewport: ...

    @property
    def slice_shape(self) -> tuple[int, int]: ...

    def viewport_size(self) -> Size: ...

    def placement(self) -> Placement: ...


class Drag:
    """A tool in use, from press to release.

    ``draws`` says that it leaves marks on the slice it began on, ``edits_box`` that the mark is the box, and
    ``begun`` that the pointer has moved far enough to mean a drag.
    """

    draws = False
    edits_box = False

    def __init__(self, pane: Pane, start: QPointF) -> None:
        self.pane, self.viewport, self.start = pane, pane.viewport, start
        self.place, self.begun = self.viewport.place, False

    @property
    def drafts(self) -> tuple[OverlayItem, ...]:
        """Marks that are not kept yet."""
        return ()

    def move(self, at: QPointF) -> None:
        """The pointer moved to ``at`` (viewport pixels)."""

    def finish(self) -> bool:
        """The button was released; False if the tool goes on without it (the angle's second line)."""
        return True

    def cancel(self) -> None:
        """Undo what the drag did."""

    def on_slice(self, at: QPointF) -> Point:
        """The point in slice pixels, moved onto the slice where it lies beside it."""
        x, y = self.pane.placement().to_slice(at.x(), at.y())
        rows, cols = self.pane.slice_shape
        return min(max(x, 0.0), float(cols)), min(max(y, 0.0), float(rows))
