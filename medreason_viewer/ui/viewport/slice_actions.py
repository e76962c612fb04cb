"""What keys do in a viewport: action names of the input profile, and what each of them means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from PySide6.QtCore import QObject, QPointF, Signal

from ...drawing.placement import pan, zoom_about
from ...volume.geometry import SliceBox
from ..explanation.answer import ExplainTarget
from ..keys.profile import Tool
from .cine import Cine
from .drag import Pane, Point
from .drags import moved_box

_ZOOM_STEP: Final = 1.25
_PAN_PX: Final = 40.0
_PAN: Final = {
    "left": (_PAN_PX, 0.0),
    "right": (-_PAN_PX, 0.0),
    "up": (0.0, _PAN_PX),
    "down": (0.0, -_PAN_PX),
}


class PointedPane(Pane, Protocol):
    """A viewport that knows where the pointer is."""

    def pointed_slice(self) -> Point: ...


class SliceActions(QObject):
    """The actions of one viewport.

    Signals
    -------
    box_drawn(SliceBox)
        A key placed or moved the box.
    explain_requested(ExplainTarget)
        Explain the box drawn, or the point.
    others_requested(str)
        An action that is not the viewport's, such as ``"print"``.
    """

    box_drawn = Signal(object)
    explain_requested = Signal(object)
    others_requested = Signal(str)

    def __init__(self, pane: PointedPane, cine: Cine, parent: QObject) -> None:
        super().__init__(parent)
        self._pane, self._shown = pane, pane.viewport
        self._plain: dict[str, Callable[[], None]] = {
            "toggle_overlay": self._toggle_overlay,
            "toggle_crosshair": self._toggle_crosshair,
            "auto_window": self._shown.set_automatic_window,
            "reset": self._shown.reset,
            "first_image": lambda: self._shown.go_to_reading_place(0),
            "last_image": lambda: self._shown.go_to_reading_place(self._shown.slice_count - 1),
            "previous_series": lambda: self._shown.step_series(-1),
            "next_series": lambda: self._shown.step_series(1),
            "zoom_in": lambda: self.zoom(_ZOOM_STEP),
            "zoom_out": lambda: self.zoom(1 / _ZOOM_STEP),
            "place_box": self._place_box,
            "delete": self._delete,
            "explain": self.explain,
            "slab": self._shown.slabs.next,
            "cine": cine.toggle,
            "cine_faster": cine.faster,
            "cine_slower": cine.slower,
            "cine_bounce": lambda: cine.set_bounces(not cine.bounces),
        }
        self._with_argument: dict[str, Callable[[str], None]] = {
            "tool": lambda name: self._shown.session.set_tool(Tool(name)),
            "scroll": lambda images: self._shown.scroll(int(images)),
            "preset": self._shown.set_preset,
            "pan": self._pan,
            "box": self._move_box,
        }

    def do(self, action: str) -> None:
        """Do what an action of the input profile says, such as ``"scroll:-10"``."""
        name, _, argument = action.partition(":")
        if argument and name in self._with_argument:
            self._with_argument[name](argument)
        elif action in self._plain:
            self._plain[action]()
        else:
            self.others_requested.emit(action)

    def zoom(self, factor: float, about: QPointF | None = None) -> None:
        """Zoom about a point of the viewport, or its middle."""
        size = self._pane.viewport_size()
        held = (size[0] / 2, size[1] / 2) if about is None else (about.x(), about.y())
        placement, shape = self._pane.placement(), self._pane.slice_shape
        self._shown.set_view(zoom_about(self._shown.view, factor, held, placement, shape, size))

    def explain(self) -> None:
        """Ask for the box drawn here to be explained, or else the point under the pointer."""
        if not self._shown.slice_loaded:
            self._shown.session.message.emit("There is no image here to explain yet.")
            return
        box_slice = self._shown.box_slice
        point = None if box_slice else self._pane.pointed_slice()
        self.explain_requested.emit(ExplainTarget(box_slice, point))

    def _toggle_overlay(self) -> None:
        session = self._shown.session
        session.set_overlay_visible(not session.overlay_visible)

    def _toggle_crosshair(self) -> None:
        session = self._shown.session
        session.set_crosshair_visible(not session.crosshair_visible)

    def _pan(self, direction: str) -> None:
        placement, shape = self._pane.placement(), self._pane.slice_shape
        self._shown.set_view(pan(self._shown.view, _PAN[direction], placement, shape))

    def _place_box(self) -> None:
        """A box in the middle of what is in view, to be moved by keys."""
        if not self._shown.slice_loaded:
            return
        rows, cols = self._pane.slice_shape
        width, height = self._pane.viewport_size()
        x, y = self._pane.placement().to_slice(width / 2, height / 2)
        half = max(round(min(rows, cols) / self._shown.view.zoom / 16), 2)
        x, y = min(max(round(x), half), cols - half), min(max(round(y), half), rows - half)
        self._set_box(SliceBox(x - half, y - half, x + half, y + half))

    def _move_box(self, argument: str) -> None:
        """Move edges of the box drawn; ``argument`` is by how much: x0,y0,x1,y1."""
        box_slice = self._shown.box_slice
        if box_slice is None:
            return
        by = dict(zip(("x0", "y0", "x1", "y1"), map(float, argument.split(",")), strict=True))
        edges = [name for name, amount in by.items() if amount]
        whole = ["x0", "y0", "x1", "y1"] if len(edges) == 2 else edges
        by_x, by_y = by["x1"], by["y1"]
        moved = moved_box(box_slice, whole, by_x, by_y, self._pane.slice_shape)
        if moved is not None:
            self._set_box(moved)

    def _set_box(self, box_slice: SliceBox) -> None:
        self._shown.set_box(box_slice)
        self.box_drawn.emit(box_slice)

    def _delete(self) -> None:
        """Remove the newest measurement, or the box where there is none."""
        if self._shown.measurements:
            self._shown.set_measurements(self._shown.measurements[:-1])
        else:
            self._shown.set_box(None)
