"""The slab that the reader looks at in place of single images, worked out off the GUI thread."""

from __future__ import annotations

from functools import partial
from typing import Final, Protocol

from PySide6.QtCore import QObject, Signal

from ...volume.ct import CtVolume
from ...volume.reformat import PlaneName3
from ...volume.slab import Slab, slab_image
from ...volume.slices import SliceImage
from .latest import LatestWins

THICKNESSES_MM: Final = (5.0, 10.0, 20.0)
SLABS: Final = tuple(Slab(mode, mm) for mode in ("max", "mean", "min") for mm in THICKNESSES_MM)
_KEY: Final = (None, *(slab for slab in SLABS if slab.mode == "max"))  # what the key goes through

_Place = tuple[object, ...]


class Shown(Protocol):
    """Which slice is shown, and whether it is there yet."""

    volume: CtVolume | None
    plane_name: PlaneName3
    slice_index: int

    @property
    def slice_loaded(self) -> bool: ...


class Slabs(QObject):
    """Makes the slab about the slice shown, whenever it is told that this changed.

    Attributes
    ----------
    chosen : Slab or None
        None for single images.
    problem : str
        Why the slice shown has no slab, or empty.

    Signals
    -------
    changed
        Another slab was chosen.
    arrived
        The slab of the slice shown is there, or cannot be.
    """

    changed = Signal()
    arrived = Signal()

    def __init__(self, shown: Shown, parent: QObject) -> None:
        super().__init__(parent)
        self._shown = shown
        self.chosen: Slab | None = None
        self.problem = ""
        self._image: SliceImage | None = None
        self._place: _Place | None = None
        self._worker = LatestWins("slab", self)

    def choose(self, slab: Slab | None) -> None:
        """Show slabs of that kind; None for single images."""
        if slab != self.chosen:
            self.chosen = slab
            self.changed.emit()
            self.work_out()
            self.arrived.emit()

    def next(self) -> None:
        """Turn to the next thicker MIP, and from the thickest back to single images."""
        place = _KEY.index(self.chosen) if self.chosen in _KEY else 0
        self.choose(_KEY[(place + 1) % len(_KEY)])

    @property
    def image(self) -> SliceImage | None:
        """The slab about the slice shown; None where there is none (yet)."""
        return self._image if self._place == self._here() else None

    @property
    def pending(self) -> bool:
        """Whether the slab of the slice shown is still being made."""
        return self.chosen is not None and self._shown.slice_loaded and self._place != self._here()

    def close(self) -> None:
        """Stop, and wait for the thread."""
        self._worker.close()

    def _here(self) -> _Place | None:
        shown = self._shown
        if self.chosen is None or shown.volume is None:
            return None
        # A slab that waits for slices is tried again as they come.
        loaded = int(shown.volume.loaded.sum())
        return id(shown.volume), loaded, shown.plane_name, shown.slice_index, self.chosen

    def work_out(self) -> None:
        """Make the slab about the slice that is shown now."""
        shown, place = self._shown, self._here()
        if self.chosen is None or shown.volume is None or place is None or not shown.slice_loaded:
            self._worker.cancel()
            self._image, self._place, self.problem = None, None, ""
        elif place != self._place:
            make = partial(slab_image, shown.volume, shown.plane_name, shown.slice_index, self.chosen)
            self._worker.run(make, partial(self._take, place), partial(self._miss, place))

    def _take(self, place: _Place, image: SliceImage) -> None:
        self._image, self._place, self.problem = image, place, ""
        self.arrived.emit()

    def _miss(self, place: _Place, why: str) -> None:
        self._image, self._place, self.problem = None, place, why
        self.arrived.emit()
