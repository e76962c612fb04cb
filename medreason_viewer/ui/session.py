"""What the window shows, observable: the only place for state that two widgets need. No widgets here."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from ..drawing.placement import View
from ..volume.ct import CtVolume, ImageKey
from ..volume.series import Scan, Series
from ..volume.slices import (
    PlaneName3,
    SliceImage,
    image_key,
    index_at,
    native_plane,
    plane_count,
    plane_image,
)
from ..volume.window import PRESETS, Window
from .explanation.answer import Answer, ExplainTarget
from .key_images.marked import KeyImages
from .keys.profile import Tool
from .viewport.first_window import automatic_window
from .viewport.grown import Grown
from .viewport.marks import Place
from .viewport.others import Others
from .viewport.reading_order import ReadingOrder
from .viewport.slabs import Slabs

__all__ = ["Answer", "ExplainTarget", "Session"]

_Look = tuple[PlaneName3, int, View, Window, str]


class Session(ReadingOrder):
    """The reader's place in the study, and every explanation got so far.

    Signals tell *that* something changed; receivers read the new state from the attributes, and change it
    through the methods alone.

    Attributes
    ----------
    scan, series, volume
        What is open; None before. ``volume`` fills up while ``volume_progress`` is emitted.
    problem : str
        Why the series cannot be shown, or empty.
    plane_name, slice_index
        The plane shown and the 0-based slice in it.
    window, window_name
        Display window, and the preset's name, ``"automatic"``, or empty after a drag.
    view : View
        Zoom and pan.
    key_images : KeyImages
        The images the reader marked.
    slabs, others
        The slab shown in place of single images; what objects beside the images draw on them.
    """

    scan_changed = Signal()
    series_changed = Signal()
    volume_changed = Signal()
    volume_progress = Signal(int, int)  # loaded, total
    slice_changed = Signal()
    window_changed = Signal()
    view_changed = Signal()
    message = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.scan: Scan | None = None
        self.series: Series | None = None
        self.volume: CtVolume | None = None
        self.plane_name: PlaneName3 = "axial"
        self._native: PlaneName3 = "axial"
        self.slice_index, self.problem = 0, ""
        self.window, self.window_name = PRESETS["mediastinum"], "mediastinum"
        self.view = View()
        self.key_images = KeyImages(self)
        self.key_images.changed.connect(self.overlay_changed)
        self.slabs = Slabs(self, self)
        self.slice_changed.connect(self.slabs.work_out)
        self.slabs.arrived.connect(self.explanation_changed)
        self.others = Others(self)
        self.others.arrived.connect(self.overlay_changed)
        self._waits_for_window = True
        self._looks: dict[int, _Look] = {}

    def open_scan(self, scan: Scan) -> None:
        """Show what a path holds; everything of the study before it is forgotten."""
        self.close_series()
        self._looks.clear()
        self.scan = scan
        self.forget_marks()
        self.forget_answers()
        self.scan_changed.emit()

    def grow_scan(self, scan: Scan, grown: Grown) -> None:
        """The same study with more images: what was drawn, asked and looked at stays with its image."""
        self._remember_look()
        self._looks = {
            id(series): (look[0], grown.index(key, look[0], look[1]) or 0, *look[2:])
            for key, look in self._looks.items()
            if (series := grown.series(key)) is not None
        }
        self.move_marks(grown.place)
        now, self.volume, self.scan = grown.series(id(self.series)), None, scan
        self.scan_changed.emit()
        if now is not None:
            self.select_series(now)

    def close_series(self) -> None:
        """Show nothing."""
        self.series, self.volume, self.problem = None, None, ""
        self.series_changed.emit()
        self._place_changed()

    def select_series(self, series: Series) -> None:
        """Turn to a series: where the reader left it, or at its middle slice.

        Its pixels come through :meth:`set_volume`.
        """
        self._remember_look()
        self.series, self.volume, self.problem = series, None, ""
        self.plane_name = self._native = native_plane(series)
        self.slice_index, self.view = len(series.frames) // 2, View()
        self._waits_for_window = True
        if (look := self._looks.get(id(series))) is not None:
            self.plane_name, self.slice_index, self.view = look[:3]
            self.set_window(*look[3:])
        self.series_changed.emit()
        self.view_changed.emit()
        self.slice_changed.emit()
        self._place_changed()

    def set_volume(self, volume: CtVolume) -> None:
        """The volume of the series shown exists, and begins to fill; one of another series is ignored."""
        if volume.series is not self.series:
            return
        self.volume = volume
        self.volume_changed.emit()
        self.slices_arrived(volume, [i for i, here in enumerate(volume.loaded) if here])

    def slices_arrived(self, volume: CtVolume, indices: Iterable[int]) -> None:
        """Slices of a volume were filled in (or failed); ignored unless it is the volume shown."""
        if volume is not self.volume:
            return
        arrived = list(indices)
        if arrived and self._waits_for_window:
            self._choose_first_window(arrived[0])
        done = int(volume.loaded.sum()) + len(volume.failed)
        self.volume_progress.emit(done, len(volume.loaded))
        if not self.acquired_plane or self.slice_index in arrived:
            self.slice_changed.emit()
            self.explanation_changed.emit()

    def fail_series(self, series: Series, text: str) -> None:
        """The series cannot be shown; ``text`` says why."""
        if series is not self.series:
            return
        self.problem = text
        self.volume_changed.emit()
        self.message.emit(text)

    @property
    def place(self) -> Place:
        """The series, plane and slice shown: what a mark of the reader belongs to."""
        return id(self.series), self.plane_name, self.slice_index

    @property
    def acquired_plane(self) -> bool:
        """Whether the plane shown is the one that was acquired."""
        return self.series is not None and self.plane_name == self._native

    @property
    def explainable(self) -> bool:
        """Whether a single slice as acquired is shown: neither reformats nor slabs are explained."""
        return self.acquired_plane and self.slabs.chosen is None

    @property
    def slice_count(self) -> int:
        """Slices in the plane shown; 0 without a series."""
        if self.volume is None or self.acquired_plane:
            return len(self.series.frames) if self.series else 0
        return plane_count(self.volume, self.plane_name)

    @property
    def slice_loaded(self) -> bool:
        """Whether the pixels of the slice shown are there (a reformat: any of them)."""
        if self.volume is None:
            return False
        return bool(self.volume.loaded[self.slice_index] if self.acquired_plane else self.volume.loaded.any())

    def image(self) -> SliceImage | None:
        """The slice shown, or the slab about it; None while its pixels are not there."""
        if self.volume is None or not self.slice_loaded:
            return None
        return self.slabs.image or plane_image(self.volume, self.plane_name, self.slice_index)

    def image_key(self) -> ImageKey | None:
        """The key of the pixels shown; None while there are none."""
        image = self.image()
        return image_key(self.volume, image) if self.volume and image else None

    def go_to_slice(self, index: int) -> None:
        """Show a slice; beyond either end, the last one there."""
        index = min(max(index, 0), max(self.slice_count - 1, 0))
        if index != self.slice_index:
            self.slice_index = index
            self.slice_changed.emit()
            self._place_changed()

    def step_series(self, by: int) -> None:
        """Turn to the next series that can be shown, or the one before (-1); stays where there is none."""
        shown = [series for series in self.scan.series if series.loadable] if self.scan else []
        place = next((i for i, series in enumerate(shown) if series is self.series), None)
        if place is not None and 0 <= place + by < len(shown):
            self.select_series(shown[place + by])

    def set_plane(self, plane_name: PlaneName3) -> None:
        """Show another plane, through the box drawn or else the middle of what is in view."""
        if self.volume is None or plane_name == self.plane_name:
            return
        point_mm = self._looked_at_mm()
        through = None if point_mm is None else index_at(self.volume, plane_name, point_mm)
        self.plane_name, self.view = plane_name, View()
        self.slice_index = self.slice_count // 2 if through is None else through
        self.view_changed.emit()
        self.slice_changed.emit()
        self._place_changed()

    def set_window(self, window: Window, name: str = "") -> None:
        """Show HU in another window; ``name`` is the preset's."""
        self._waits_for_window = False
        if (window, name) != (self.window, self.window_name):
            self.window, self.window_name = window, name
            self.window_changed.emit()

    def set_preset(self, name: str) -> None:
        """Use a preset of ``volume.window.PRESETS``."""
        self.set_window(PRESETS[name], name)

    def set_automatic_window(self) -> None:
        """Use the file's own window, or one computed from the slice shown."""
        image = self.image()
        if self.series is None or image is None:
            return
        stored = self.series.frames[self.slice_index].window if self.acquired_plane else None
        self.set_window(automatic_window(image.thinned().hu(), stored), "automatic")

    def set_view(self, view: View) -> None:
        """Zoom and pan."""
        if view != self.view:
            self.view = view
            self.view_changed.emit()

    def reset(self) -> None:
        """Back to the whole slice in its first window, with the window/level tool."""
        self.set_view(View())
        self.set_tool(Tool.WINDOW)
        self.set_automatic_window()

    @property
    def answer(self) -> Answer | None:
        """The newest explanation of the very pixels shown, None if there is none."""
        volume, index = self.volume, self.slice_index
        if volume is None or not self.explainable or not self.slice_loaded:
            return None
        if not self.may_explain(volume.unhashed_key(index)):
            return None  # spares the hash of the pixels while scrolling
        return self.answer_for(volume.key(index))

    def _remember_look(self) -> None:
        if self.volume is not None and not self._waits_for_window:
            look = self.plane_name, self.slice_index, self.view, self.window, self.window_name
            self._looks[id(self.series)] = look

    def _looked_at_mm(self) -> NDArray[np.float64] | None:
        image = self.image()
        if image is None or image.plane is None:
            return None
        rows, cols = image.stored.shape
        middle = self.view.centre[0] * cols, self.view.centre[1] * rows
        return image.plane.to_mm(*(self.box_slice.centre if self.box_slice else middle))

    def _place_changed(self) -> None:
        self.select_step(None)
        self.overlay_changed.emit()
        self.explanation_changed.emit()

    def _choose_first_window(self, slice_index: int) -> None:
        assert self.volume is not None
        if slice_index in self.volume.failed:
            return
        image = plane_image(self.volume, self._native, slice_index)
        stored = self.volume.series.frames[slice_index].window
        self.set_window(automatic_window(image.thinned().hu(), stored), "automatic")
