"""What the reader draws, observable: boxes and measurements on their slices, and the tools for them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from ...drawing.overlay import Measurement
from ...volume.geometry import SliceBox
from ...volume.slices import PlaneName3
from ..explanation.explanations import Explanations
from ..keys.profile import Tool

Place = tuple[int, PlaneName3, int]  # a series (its number in this session), plane and slice


class Marks(Explanations):
    """What the reader drew, and what is shown of it, in every viewport alike: a mark belongs to its place.

    Attributes
    ----------
    tool : Tool
        What the first mouse button does.
    overlay_visible, crosshair_visible : bool
        Whether marks and regions, and the crosshair at the pointer, are shown.
    """

    overlay_changed = Signal()  # visibility, the drawn box, measurements, crosshair
    measured = Signal(object, object, object)  # place, and its measurements before and after a change
    tool_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tool = Tool.WINDOW
        self.overlay_visible = True
        self.crosshair_visible = False
        self._boxes: dict[Place, SliceBox] = {}
        self._measurements: dict[Place, tuple[Measurement, ...]] = {}

    def forget_marks(self) -> None:
        """Forget all that was drawn: another study is opened."""
        self._boxes.clear()
        self._measurements.clear()
        self.overlay_changed.emit()

    def move_marks(self, moved: Callable[[Place], Place | None]) -> None:
        """Keep each mark at another place; those that have none there are forgotten."""
        boxes = {moved(place): box for place, box in self._boxes.items()}
        drawn = {moved(place): lines for place, lines in self._measurements.items()}
        self._boxes = {place: box for place, box in boxes.items() if place is not None}
        self._measurements = {place: lines for place, lines in drawn.items() if place is not None}
        self.overlay_changed.emit()

    def set_tool(self, tool: Tool) -> None:
        """Choose what the first mouse button does."""
        if tool != self.tool:
            self.tool = tool
            self.tool_changed.emit()

    def set_overlay_visible(self, visible: bool) -> None:
        """Show or hide regions, outlines and measurements (never letters or patient text)."""
        self.overlay_visible = visible
        self.overlay_changed.emit()

    def set_crosshair_visible(self, visible: bool) -> None:
        """Show or hide the crosshair that follows the pointer."""
        self.crosshair_visible = visible
        self.overlay_changed.emit()

    def box_at(self, place: Place) -> SliceBox | None:
        """The box the reader drew at a place."""
        return self._boxes.get(place)

    def set_box_at(self, place: Place, box_slice: SliceBox | None) -> None:
        """Keep a box at a place, or remove it."""
        if box_slice is None:
            self._boxes.pop(place, None)
        else:
            self._boxes[place] = box_slice
        self.overlay_changed.emit()

    def measurements_at(self, place: Place) -> tuple[Measurement, ...]:
        """The measurements at a place."""
        return self._measurements.get(place, ())

    def set_measurements_at(self, place: Place, measurements: tuple[Measurement, ...]) -> None:
        """Replace the measurements at a place."""
        before = self.measurements_at(place)
        self._measurements[place] = measurements
        self.overlay_changed.emit()
        self.measured.emit(place, before, measurements)

    def restore_measurement(self, place: Place, measurement: Measurement) -> None:
        """A measurement of earlier is there again."""
        drawn = self._measurements.get(place, ())
        if measurement not in drawn:
            self._measurements[place] = (*drawn, measurement)
            self.overlay_changed.emit()
