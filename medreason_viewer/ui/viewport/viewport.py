"""One viewport, observable: the series, plane and slice it shows, and how. No widgets here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal

from ...drawing.overlay import Measurement
from ...drawing.placement import View
from ...volume.ct import CtVolume, ImageKey
from ...volume.geometry import SliceBox, SlicePlane
from ...volume.series import Series
from ...volume.slices import (
    PlaneName3,
    SliceImage,
    image_key,
    index_at,
    native_plane,
    plane_image,
)
from ..explanation.answer import Answer
from ..keys.profile import Tool
from .first_window import automatic_window
from .grown import Grown
from .looks import Look, Looks
from .marks import Place
from .others import Others
from .slabs import Slabs
from .stack import Stack

if TYPE_CHECKING:
    from ..session import Session


class Viewport(Stack):
    """What one viewport shows. Marks, answers and key images are the session's, found by what is shown here.

    Signals tell *that* something changed; receivers read the new state from the attributes, and change it
    through the methods alone.

    Attributes
    ----------
    selected_step : int or None
        Index of the step, of the answer shown here, whose region stands out.
    looks : Looks
        How its series were left.
    slabs, others
        The slab shown in place of single images; what objects beside the images draw on them.
    """

    step_selected = Signal(int)  # -1 for none

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.session = session
        self.selected_step: int | None = None
        self.slabs = Slabs(self, self)
        self.slice_changed.connect(self.slabs.work_out)
        self.slabs.arrived.connect(session.explanation_changed)
        self.others = Others(self)
        self.others.arrived.connect(session.overlay_changed)
        self.looks = Looks()

    # Which series

    def close_series(self) -> None:
        """Show nothing; the series can be found again as it was left."""
        self._remember_look()
        self.series, self.volume, self.problem = None, None, ""
        self.series_changed.emit()
        self._place_changed()

    def let_go(self, grown: Grown) -> Series | None:
        """Forget the pixels, because the study has grown; returns the series to turn to."""
        self._remember_look()
        self.looks.move(grown)
        self.volume = None
        return grown.series(id(self.series))

    def select_series(self, series: Series) -> None:
        """Turn to a series: where the reader left it, or at its middle slice.

        Its pixels come through :meth:`set_volume`.
        """
        self._remember_look()
        self.series, self.volume, self.problem = series, None, ""
        self.plane_name = self._native = native_plane(series)
        self.slice_index, self.view = len(series.frames) // 2, View()
        self._waits_for_window = True
        if (look := self.looks.find(series)) is not None:
            self.plane_name, self.slice_index, self.view = look.plane_name, look.slice_index, look.view
            self.set_window(look.window, look.window_name)
        self.series_changed.emit()
        self.view_changed.emit()
        self.slice_changed.emit()
        self._place_changed()

    def step_series(self, by: int) -> None:
        """Turn to the next series that can be shown, or the one before (-1); stays where there is none."""
        shown = self.session.shown_series
        place = next((i for i, series in enumerate(shown) if series is self.series), None)
        if place is not None and 0 <= place + by < len(shown):
            self.select_series(shown[place + by])

    # Its pixels

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
        self.volume_progress.emit(*self.progress)
        if not self.acquired_plane or self.slice_index in arrived:
            self.slice_changed.emit()
            self.session.explanation_changed.emit()

    def fail(self, text: str) -> None:
        """The series shown cannot be shown; ``text`` says why."""
        self.problem = text
        self.volume_changed.emit()

    # Where in it

    @property
    def place(self) -> Place:
        """The series, plane and slice shown: what a mark of the reader belongs to."""
        return id(self.series), self.plane_name, self.slice_index

    @property
    def explainable(self) -> bool:
        """Whether a single slice as acquired is shown: neither reformats nor slabs are explained."""
        return self.acquired_plane and self.slabs.chosen is None

    def image(self) -> SliceImage | None:
        """The slice shown, or the slab about it; None while its pixels are not there."""
        if self.volume is None or not self.slice_loaded:
            return None
        return self.slabs.image or plane_image(self.volume, self.plane_name, self.slice_index)

    def image_key(self) -> ImageKey | None:
        """The key of the pixels shown; None while there are none."""
        image = self.image()
        return image_key(self.volume, image) if self.volume and image else None

    @property
    def slice_shape(self) -> tuple[int, int]:
        """(rows, cols) of the slice shown; of one pixel without any."""
        image = self.image()
        if image is not None:
            return image.stored.shape[0], image.stored.shape[1]
        return (self.series.rows, self.series.cols) if self.series else (1, 1)

    @property
    def plane(self) -> SlicePlane | None:
        """Where the slice shown lies in the patient; None without geometry, or before a reformat is there."""
        if self.series is not None and self.acquired_plane:
            return self.series.frames[self.slice_index].plane
        image = self.image()
        return image.plane if image is not None else None

    def go_to_slice(self, index: int) -> None:
        """Show a slice; beyond either end, the last one there."""
        index = min(max(index, 0), max(self.slice_count - 1, 0))
        if index != self.slice_index:
            self.slice_index = index
            self.slice_changed.emit()
            self._place_changed()

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

    def set_automatic_window(self) -> None:
        """Use the file's own window, or one computed from the slice shown."""
        image = self.image()
        if self.series is None or image is None:
            return
        stored = self.series.frames[self.slice_index].window if self.acquired_plane else None
        self.set_window(automatic_window(image.thinned().hu(), stored), "automatic")

    def reset(self) -> None:
        """Back to the whole slice in its first window, with the window/level tool."""
        self.set_view(View())
        self.session.set_tool(Tool.WINDOW)
        self.set_automatic_window()

    # What belongs to the place shown

    @property
    def box_slice(self) -> SliceBox | None:
        """The box the reader drew on the slice shown."""
        return self.session.box_at(self.place)

    def set_box(self, box_slice: SliceBox | None) -> None:
        """Keep a box on the slice shown, or remove it."""
        self.session.set_box_at(self.place, box_slice)

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """The measurements on the slice shown."""
        return self.session.measurements_at(self.place)

    def set_measurements(self, measurements: tuple[Measurement, ...]) -> None:
        """Replace the measurements on the slice shown."""
        self.session.set_measurements_at(self.place, measurements)

    @property
    def answer(self) -> Answer | None:
        """The newest explanation of the very pixels shown, None if there is none."""
        volume, index = self.volume, self.slice_index
        if volume is None or not self.explainable or not self.slice_loaded:
            return None
        if not self.session.may_explain(volume.unhashed_key(index)):
            return None  # spares the hash of the pixels while scrolling
        return self.session.answer_for(volume.key(index))

    def select_step(self, index: int | None) -> None:
        """Let one step's region stand out."""
        if index != self.selected_step:
            self.selected_step = index
            self.step_selected.emit(-1 if index is None else index)

    def _remember_look(self) -> None:
        if self.series is not None and self.volume is not None and not self._waits_for_window:
            look = Look(self.plane_name, self.slice_index, self.view, self.window, self.window_name)
            self.looks.remember(self.series, look)

    def _looked_at_mm(self) -> NDArray[np.float64] | None:
        image = self.image()
        if image is None or image.plane is None:
            return None
        rows, cols = image.stored.shape
        middle = self.view.centre[0] * cols, self.view.centre[1] * rows
        return image.plane.to_mm(*(self.box_slice.centre if self.box_slice else middle))

    def _place_changed(self) -> None:
        self.select_step(None)
        self.session.overlay_changed.emit()
        self.session.explanation_changed.emit()

    def _choose_first_window(self, slice_index: int) -> None:
        assert self.volume is not None
        if slice_index in self.volume.failed:
            return
        image = plane_image(self.volume, self._native, slice_index)
        stored = self.volume.series.frames[slice_index].window
        self.set_window(automatic_window(image.thinned().hu(), stored), "automatic")
