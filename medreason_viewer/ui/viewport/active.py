"""The viewport that panels follow: its attributes, signals and methods, whichever viewport it is."""

from __future__ import annotations

from functools import partial
from typing import Final, Generic, TypeVar

from PySide6.QtCore import Signal, SignalInstance

from ...drawing.overlay import Measurement
from ...drawing.placement import View
from ...volume.ct import CtVolume, ImageKey
from ...volume.geometry import SliceBox
from ...volume.series import Series
from ...volume.slices import PlaneName3, SliceImage
from ...volume.window import Window
from ..explanation.answer import Answer
from .marks import Marks, Place
from .others import Others
from .slabs import Slabs
from .viewport import Viewport

_Value = TypeVar("_Value")
_RELAYED: Final = (
    "series_changed",
    "volume_changed",
    "volume_progress",
    "slice_changed",
    "window_changed",
    "view_changed",
    "step_selected",
)


class _Attribute(Generic[_Value]):
    """An attribute of the viewport that is active, under the same name; to be read alone."""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, of: OfActive, _owner: type) -> _Value:
        value: _Value = getattr(of.active, self._name)
        return value


class OfActive(Marks):
    """Everything of the active viewport under its own name (see :class:`.Viewport`).

    Attributes
    ----------
    active : Viewport
        The one that panels follow.
    """

    active: Viewport

    series_changed = Signal()
    volume_changed = Signal()
    volume_progress = Signal(int, int)  # loaded, total
    slice_changed = Signal()
    window_changed = Signal()
    view_changed = Signal()
    step_selected = Signal(int)  # -1 for none
    slab_changed = Signal()

    series = _Attribute[Series | None]()
    volume = _Attribute[CtVolume | None]()
    problem = _Attribute[str]()
    plane_name = _Attribute[PlaneName3]()
    slice_index = _Attribute[int]()
    slice_count = _Attribute[int]()
    slice_loaded = _Attribute[bool]()
    reading_place = _Attribute[int]()
    reads_upward = _Attribute[bool]()
    place = _Attribute[Place]()
    acquired_plane = _Attribute[bool]()
    explainable = _Attribute[bool]()
    window = _Attribute[Window]()
    window_name = _Attribute[str]()
    view = _Attribute[View]()
    slabs = _Attribute[Slabs]()
    others = _Attribute[Others]()
    answer = _Attribute[Answer | None]()
    selected_step = _Attribute[int | None]()
    box_slice = _Attribute[SliceBox | None]()
    measurements = _Attribute[tuple[Measurement, ...]]()

    def relay(self, viewport: Viewport) -> None:
        """Pass on the signals of a viewport, while it is active."""
        for name in _RELAYED:
            signal: SignalInstance = getattr(viewport, name)
            signal.connect(partial(self._pass_on, viewport, name))
        viewport.slabs.changed.connect(partial(self._pass_on, viewport, "slab_changed"))

    def announce(self) -> None:
        """Another viewport is active: all of it is new to whoever follows."""
        now = self.active
        self.series_changed.emit()
        if now.volume is not None or now.problem:
            self.volume_changed.emit()
        if now.volume is not None:
            self.volume_progress.emit(*now.progress)
        for signal in (self.window_changed, self.view_changed, self.slice_changed, self.slab_changed):
            signal.emit()
        self.step_selected.emit(-1 if now.selected_step is None else now.selected_step)
        self.overlay_changed.emit()
        self.explanation_changed.emit()

    def _pass_on(self, viewport: Viewport, name: str, *said: object) -> None:
        if viewport is self.active:
            signal: SignalInstance = getattr(self, name)
            signal.emit(*said)

    def close_series(self) -> None:
        """Show nothing."""
        self.active.close_series()

    def step_series(self, by: int) -> None:
        """Turn to the next series that can be shown, or the one before (-1)."""
        self.active.step_series(by)

    def image(self) -> SliceImage | None:
        """The slice shown, or the slab about it; None while its pixels are not there."""
        return self.active.image()

    def image_key(self) -> ImageKey | None:
        """The key of the pixels shown; None while there are none."""
        return self.active.image_key()

    def go_to_slice(self, index: int) -> None:
        """Show a slice; beyond either end, the last one there."""
        self.active.go_to_slice(index)

    def go_to_reading_place(self, place: int) -> None:
        """Show the slice at a place in reading order."""
        self.active.go_to_reading_place(place)

    def scroll(self, images: int) -> None:
        """Move on by ``images`` in reading order."""
        self.active.scroll(images)

    def set_plane(self, plane_name: PlaneName3) -> None:
        """Show another plane."""
        self.active.set_plane(plane_name)

    def set_window(self, window: Window, name: str = "") -> None:
        """Show HU in another window; ``name`` is the preset's."""
        self.active.set_window(window, name)

    def set_preset(self, name: str) -> None:
        """Use a preset of ``volume.window.PRESETS``."""
        self.active.set_preset(name)

    def set_automatic_window(self) -> None:
        """Use the file's own window, or one computed from the slice shown."""
        self.active.set_automatic_window()

    def set_view(self, view: View) -> None:
        """Zoom and pan."""
        self.active.set_view(view)

    def reset(self) -> None:
        """Back to the whole slice in its first window, with the window/level tool."""
        self.active.reset()

    def set_box(self, box_slice: SliceBox | None) -> None:
        """Keep a box on the slice shown, or remove it."""
        self.active.set_box(box_slice)

    def set_measurements(self, measurements: tuple[Measurement, ...]) -> None:
        """Replace the measurements on the slice shown."""
        self.active.set_measurements(measurements)

    def select_step(self, index: int | None) -> None:
        """Let one step's region stand out."""
        self.active.select_step(index)
