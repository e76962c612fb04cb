"""The images of a viewport: a series, its pixels as they come, and one of its planes."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from ...volume.ct import CtVolume
from ...volume.series import Series
from ...volume.slices import PlaneName3, plane_count
from .display import Display


class Stack(Display):
    """Which images are there to be seen.

    Attributes
    ----------
    series, volume
        What is shown; None for nothing. ``volume`` fills up while ``volume_progress`` is emitted.
    problem : str
        Why the series cannot be shown, or empty.
    plane_name, slice_index
        The plane shown and the 0-based slice in it.
    """

    series_changed = Signal()
    volume_changed = Signal()
    volume_progress = Signal(int, int)  # loaded, total
    slice_changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.series: Series | None = None
        self.volume: CtVolume | None = None
        self.plane_name: PlaneName3 = "axial"
        self._native: PlaneName3 = "axial"
        self.slice_index, self.problem = 0, ""

    @property
    def progress(self) -> tuple[int, int]:
        """Slices that have arrived or failed, and how many there are; zeros without a volume."""
        if self.volume is None:
            return 0, 0
        return int(self.volume.loaded.sum()) + len(self.volume.failed), len(self.volume.loaded)

    @property
    def acquired_plane(self) -> bool:
        """Whether the plane shown is the one that was acquired."""
        return self.series is not None and self.plane_name == self._native

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
