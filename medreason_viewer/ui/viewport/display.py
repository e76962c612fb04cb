"""How a viewport shows what it shows: the display window, zoom and pan."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from ...drawing.placement import View
from ...volume.window import PRESETS, Window
from .reading_order import ReadingOrder


class Display(ReadingOrder):
    """The look of a viewport.

    Attributes
    ----------
    window, window_name
        Display window, and the preset's name, ``"automatic"``, or empty after a drag.
    view : View
        Zoom and pan.
    """

    window_changed = Signal()
    view_changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.window, self.window_name = PRESETS["mediastinum"], "mediastinum"
        self.view = View()
        self._waits_for_window = True

    def set_window(self, window: Window, name: str = "") -> None:
        """Show HU in another window; ``name`` is the preset's."""
        self._waits_for_window = False
        if (window, name) != (self.window, self.window_name):
            self.window, self.window_name = window, name
            self.window_changed.emit()

    def set_preset(self, name: str) -> None:
        """Use a preset of ``volume.window.PRESETS``."""
        self.set_window(PRESETS[name], name)

    def set_view(self, view: View) -> None:
        """Zoom and pan."""
        if view != self.view:
            self.view = view
            self.view_changed.emit()
