"""What the window shows, observable: the only place for state that two widgets need. No widgets here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from PySide6.QtCore import QObject, Signal

from ..reasoning.request import ExplainRequest
from ..volume.ct import CtVolume
from ..volume.series import Scan, Series
from .explanation.answer import Answer, ExplainTarget
from .key_images.marked import KeyImages
from .viewport.active import OfActive
from .viewport.grown import Grown
from .viewport.marks import Place
from .viewport.viewport import Viewport

__all__ = ["Answer", "ExplainTarget", "Session"]

MOST_VIEWPORTS: Final = 2


class Session(OfActive):
    """The study that is open, the viewports on it, and every explanation got so far.

    One viewport is active: what panels show and commands act on. Its attributes, methods and signals are
    offered here under their own names (see :class:`.Viewport`); when another becomes active, all are emitted.

    Attributes
    ----------
    scan : Scan or None
        What is open.
    viewports : tuple of Viewport
        Those in sight, from left to right.
    every_viewport : tuple of Viewport
        The same with the one that is hidden in a layout of one: it shows nothing.
    active : Viewport
        The one that panels follow.
    key_images : KeyImages
        The images the reader marked.
    """

    scan_changed = Signal()
    study_opened = Signal()  # the scan is another, not the same with more images
    scan_grown = Signal(object)  # a Grown: it is the same with more images
    layout_changed = Signal()
    activated = Signal()
    message = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.scan: Scan | None = None
        self.key_images = KeyImages(self)
        self.key_images.changed.connect(self.overlay_changed)
        self.every_viewport = tuple(Viewport(self) for _ in range(MOST_VIEWPORTS))
        self.active = self.every_viewport[0]
        self.viewports: tuple[Viewport, ...] = (self.active,)
        for viewport in self.every_viewport:
            self.relay(viewport)

    # Viewports

    def activate(self, viewport: Viewport) -> None:
        """Let panels and commands turn to a viewport in sight."""
        if viewport is self.active or viewport not in self.viewports:
            return
        self.active = viewport
        self.activated.emit()
        self.announce()

    def activate_next(self) -> None:
        """Turn to the next viewport in sight, round the end."""
        here = self.viewports.index(self.active)
        self.activate(self.viewports[(here + 1) % len(self.viewports)])

    def set_layout(self, count: int) -> None:
        """Show one viewport, the active one, or two; a viewport that goes frees its pixels."""
        if count == len(self.viewports) or not 1 <= count <= MOST_VIEWPORTS:
            return
        self.viewports = self.every_viewport if count > 1 else (self.active,)
        for viewport in self.every_viewport:
            if viewport not in self.viewports:
                viewport.close_series()
        self.layout_changed.emit()
        self.fill()

    def toggle_layout(self) -> None:
        """One viewport where there are two, two where there is one."""
        self.set_layout(1 if len(self.viewports) > 1 else MOST_VIEWPORTS)

    def select_series(self, series: Series) -> None:
        """Turn the active viewport to a series: where the reader left it, or at its middle slice."""
        self.active.select_series(series)
        self.fill()

    def fill(self) -> None:
        """Give viewports that are empty a series: the next one that can be shown, or else the same."""
        shown = self.shown_series
        here = next((i for i, series in enumerate(shown) if series is self.series), None)
        for viewport in self.viewports:
            if viewport.series is None and here is not None:
                viewport.select_series(shown[(here + 1) % len(shown)])

    # The study

    @property
    def shown_series(self) -> list[Series]:
        """The series of the study that can be shown, in order."""
        return [series for series in self.scan.series if series.loadable] if self.scan else []

    def open_scan(self, scan: Scan) -> None:
        """Show what a path holds; everything of the study before it is forgotten."""
        for viewport in self.every_viewport:
            viewport.close_series()
            viewport.looks.clear()
        self.scan = scan
        self.forget_marks()
        self.forget_answers()
        self.study_opened.emit()
        self.scan_changed.emit()

    def grow_scan(self, scan: Scan, grown: Grown) -> None:
        """The same study with more images: what was drawn, asked and looked at stays with its image."""
        turning = [(viewport, viewport.let_go(grown)) for viewport in self.every_viewport]
        self.move_marks(grown.place)
        self.move_answers(grown.answered)
        self.scan = scan
        self.scan_grown.emit(grown)
        self.scan_changed.emit()
        for viewport, series in sorted(turning, key=lambda pair: pair[0] is not self.active):
            if series is not None:
                viewport.select_series(series)

    def set_volume(self, volume: CtVolume) -> None:
        """The volume of a series exists, and begins to fill: every viewport on that series shows it."""
        for viewport in self.every_viewport:
            viewport.set_volume(volume)

    def slices_arrived(self, volume: CtVolume, indices: Iterable[int]) -> None:
        """Slices of a volume were filled in (or failed); told to the viewports that show it."""
        arrived = tuple(indices)
        for viewport in self.every_viewport:
            viewport.slices_arrived(volume, arrived)

    def fail_series(self, series: Series, text: str) -> None:
        """The series cannot be shown; ``text`` says why."""
        failed = [viewport for viewport in self.every_viewport if viewport.series is series]
        for viewport in failed:
            viewport.fail(text)
        if failed:
            self.message.emit(text)

    def volume_at(self, place: Place) -> CtVolume | None:
        """The volume of the series of a place, None where no viewport shows it."""
        shown = (viewport.volume for viewport in self.every_viewport if id(viewport.series) == place[0])
        return next((volume for volume in shown if volume is not None), None)

    def begin_explanation(self, request: ExplainRequest) -> None:
        """A request was sent; its answer will be shown where its key is shown, and nowhere else."""
        for viewport in self.every_viewport:
            viewport.select_step(None)
        super().begin_explanation(request)
