"""What each tool does while a mouse button is held: one small class per tool, undone by ``cancel``."""

from __future__ import annotations

import math
from typing import Final, Literal

from PySide6.QtCore import QPointF, Qt

from ...drawing.marks import handles
from ...drawing.overlay import Angle, Distance, OverlayItem, RegionBox
from ...drawing.placement import pan, zoom_about
from ...volume.geometry import SliceBox
from ...volume.window import Window
from ..keys.profile import Tool
from .drag import Drag, Pane

_ZOOM_PER_PX: Final = 0.006
_SMALLEST_PX: Final = 2.0  # of the slice: anything smaller is a click, not a box
_GRAB_PX: Final = 8.0  # of the viewport: how near a handle or border must be


class WindowDrag(Drag):
    """Right widens, left narrows; up lowers the level, down raises it. Steps grow with the width."""

    def __init__(self, pane: Pane, start: QPointF) -> None:
        super().__init__(pane, start)
        self._before, self._name = self.viewport.window, self.viewport.window_name

    def move(self, at: QPointF) -> None:
        step = max(self._before.width_hu / 300, 0.25)
        width = max(self._before.width_hu + (at.x() - self.start.x()) * step, 1.0)
        centre = self._before.centre_hu + (at.y() - self.start.y()) * step
        self.viewport.set_window(Window(round(centre, 2), round(width, 2)))

    def cancel(self) -> None:
        self.viewport.set_window(self._before, self._name)


class ZoomDrag(Drag):
    """Up enlarges, down reduces, about the point where the drag began."""

    def __init__(self, pane: Pane, start: QPointF) -> None:
        super().__init__(pane, start)
        self._before, self._placement = self.viewport.view, pane.placement()

    def move(self, at: QPointF) -> None:
        factor = math.exp((self.start.y() - at.y()) * _ZOOM_PER_PX)
        held = (self.start.x(), self.start.y())
        shape, size = self.pane.slice_shape, self.pane.viewport_size()
        self.viewport.set_view(zoom_about(self._before, factor, held, self._placement, shape, size))

    def cancel(self) -> None:
        self.viewport.set_view(self._before)


class PanDrag(ZoomDrag):
    """The slice follows the pointer."""

    def move(self, at: QPointF) -> None:
        moved = at - self.start
        view = pan(self._before, (moved.x(), moved.y()), self._placement, self.pane.slice_shape)
        self.viewport.set_view(view)


class ScrollDrag(Drag):
    """Down is the next image; the whole stack fits into the viewport's height, where it is long enough."""

    def __init__(self, pane: Pane, start: QPointF) -> None:
        super().__init__(pane, start)
        self._before, self._done = self.viewport.slice_index, 0
        self._per_image = min(max(pane.viewport_size()[1] / max(self.viewport.slice_count, 1), 2.0), 16.0)

    def move(self, at: QPointF) -> None:
        wanted = int((at.y() - self.start.y()) / self._per_image)
        self.viewport.scroll(wanted - self._done)
        self._done = wanted

    def cancel(self) -> None:
        self.viewport.go_to_slice(self._before)


class BoxDrag(Drag):
    """A new box, corner to corner, on whole pixels."""

    draws = True
    edits_box = True

    def __init__(self, pane: Pane, start: QPointF) -> None:
        super().__init__(pane, start)
        self._corner, self._end = self.on_slice(start), self.on_slice(start)

    @property
    def box_slice(self) -> SliceBox | None:
        """The box so far, None while it is too small to be meant."""
        x0, x1 = sorted(float(round(x)) for x in (self._corner[0], self._end[0]))
        y0, y1 = sorted(float(round(y)) for y in (self._corner[1], self._end[1]))
        return SliceBox(x0, y0, x1, y1) if min(x1 - x0, y1 - y0) >= _SMALLEST_PX else None

    @property
    def drafts(self) -> tuple[OverlayItem, ...]:
        box_slice = self.box_slice
        return (RegionBox(box_slice, "reader", handles=True),) if box_slice else ()

    def move(self, at: QPointF) -> None:
        self._end = self.on_slice(at)

    def finish(self) -> bool:
        self.viewport.set_box(self.box_slice)
        return True


class BoxEdit(Drag):
    """Move the box drawn, or one or two of its edges; ``handle`` counts clockwise from the top left."""

    draws = True
    edits_box = True

    _EDGES: Final = ("x0 y0", "y0", "x1 y0", "x1", "x1 y1", "y1", "x0 y1", "x0")

    def __init__(self, pane: Pane, start: QPointF, before: SliceBox, handle: int | None) -> None:
        super().__init__(pane, start)
        self._before = before
        self._edges = ("x0 y0 x1 y1" if handle is None else self._EDGES[handle]).split()

    def move(self, at: QPointF) -> None:
        placement = self.pane.placement()
        from_x, from_y = placement.to_slice(self.start.x(), self.start.y())
        to_x, to_y = placement.to_slice(at.x(), at.y())
        moved = moved_box(self._before, self._edges, to_x - from_x, to_y - from_y, self.pane.slice_shape)
        if moved is not None:
            self.viewport.set_box(moved)

    def cancel(self) -> None:
        self.viewport.set_box(self._before)


class DistanceDrag(Drag):
    """A straight line, measured."""

    draws = True

    def __init__(self, pane: Pane, start: QPointF) -> None:
        super().__init__(pane, start)
        self._from, self._to = self.on_slice(start), self.on_slice(start)

    @property
    def drafts(self) -> tuple[OverlayItem, ...]:
        return (Distance(self._from, self._to),) if self._from != self._to else ()

    def move(self, at: QPointF) -> None:
        self._to = self.on_slice(at)

    def finish(self) -> bool:
        if self._from != self._to:
            self.viewport.set_measurements((*self.viewport.measurements, Distance(self._from, self._to)))
        return True


class AngleDrag(Drag):
    """Drag the first line, then click the end of the second."""

    draws = True

    def __init__(self, pane: Pane, start: QPointF) -> None:
        super().__init__(pane, start)
        self._points = [self.on_slice(start), self.on_slice(start)]
        self._second = False

    @property
    def drafts(self) -> tuple[OverlayItem, ...]:
        if len(set(self._points)) < len(self._points):
            return ()
        if self._second:
            return (Angle(self._points[0], self._points[1], self._points[2]),)
        return (Distance(self._points[0], self._points[1]),)

    def move(self, at: QPointF) -> None:
        self._points[-1] = self.on_slice(at)

    def finish(self) -> bool:
        if len(set(self._points)) < len(self._points):
            return not self._second  # a click in place ends it; the second line waits for a real end
        if not self._second:
            self._second = True
            self._points.append(self._points[1])
            return False
        angle = Angle(self._points[0], self._points[1], self._points[2])
        self.viewport.set_measurements((*self.viewport.measurements, angle))
        return True


_DRAGS: Final[dict[Tool, type[Drag]]] = {
    Tool.WINDOW: WindowDrag,
    Tool.ZOOM: ZoomDrag,
    Tool.PAN: PanDrag,
    Tool.SCROLL: ScrollDrag,
    Tool.BOX: BoxDrag,
    Tool.DISTANCE: DistanceDrag,
    Tool.ANGLE: AngleDrag,
}


def begin_drag(pane: Pane, tool: Tool, start: QPointF) -> Drag:
    """A drag with a tool; pressing on the handles or border of the box drawn edits that box instead."""
    box_slice, grabbed = pane.viewport.box_slice, grab(pane, start)
    if grabbed is not False and box_slice is not None:
        return BoxEdit(pane, start, box_slice, grabbed)
    return _DRAGS[tool](pane, start)


def grab(pane: Pane, at: QPointF) -> int | Literal[False] | None:
    """The handle at a point of the viewport, None for the border between handles, False for neither."""
    box_slice = pane.viewport.box_slice
    if box_slice is None or not pane.viewport.session.overlay_visible:
        return False
    rect = pane.placement().to_view_rect(box_slice)
    for number, point in enumerate(handles(rect)):
        if max(abs(point.x() - at.x()), abs(point.y() - at.y())) <= _GRAB_PX:
            return number
    margin = _GRAB_PX / 2
    outer = rect.adjusted(-margin, -margin, margin, margin)
    inner = rect.adjusted(margin, margin, -margin, -margin)
    on_border = outer.contains(at) and not (inner.isValid() and inner.contains(at))
    return None if on_border else False


def moved_box(
    box_slice: SliceBox, edges: list[str], by_x: float, by_y: float, shape: tuple[int, int]
) -> SliceBox | None:
    """The box with some edges moved, kept on the slice; None where nothing would be left of it."""
    rows, cols = shape
    x0, y0, x1, y1 = box_slice.as_tuple()
    if len(edges) == 4:  # the box as a whole keeps its size
        by_x, by_y = min(max(by_x, -x0), cols - x1), min(max(by_y, -y0), rows - y1)
    edge = {"x0": x0, "y0": y0, "x1": x1, "y1": y1}
    for name in edges:
        moved, most = (edge[name] + by_x, cols) if name[0] == "x" else (edge[name] + by_y, rows)
        edge[name] = float(min(max(round(moved), 0), most))
    if min(edge["x1"] - edge["x0"], edge["y1"] - edge["y0"]) < _SMALLEST_PX:
        return None
    return SliceBox(**edge)


def cursor_for(pane: Pane, tool: Tool, at: QPointF) -> Qt.CursorShape:
    """What the pointer looks like, so that the reader sees what a press would do."""
    grabbed = grab(pane, at)
    if grabbed is None:
        return Qt.CursorShape.SizeAllCursor
    if grabbed is not False:
        return _HANDLE_CURSORS[grabbed % 4]
    return Qt.CursorShape.CrossCursor if tool in _DRAWING else Qt.CursorShape.ArrowCursor


_DRAWING: Final = (Tool.BOX, Tool.DISTANCE, Tool.ANGLE)
_HANDLE_CURSORS: Final = (
    Qt.CursorShape.SizeFDiagCursor,
    Qt.CursorShape.SizeVerCursor,
    Qt.CursorShape.SizeBDiagCursor,
    Qt.CursorShape.SizeHorCursor,
)
