"""What others drew on the images shown: SR, SEG, GSPS and RTSTRUCT that lie beside them, as overlays."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from ...drawing.overlay import Drawn
from ...findings.dicom.overlays import overlays_of
from ...volume.series import Scan, Series
from .latest import LatestWins

if TYPE_CHECKING:
    from .viewport import Viewport


class Others(QObject):
    """Reads the objects beside a series off the GUI thread, whenever another is shown.

    Attributes
    ----------
    notes : tuple of str
        What is not drawn, and why, a sentence each.

    Signals
    -------
    arrived
        What others drew on the series shown is known now, or has gone with the series before.
    """

    arrived = Signal()

    def __init__(self, shown: Viewport) -> None:
        super().__init__(shown)
        self._shown = shown
        shown.series_changed.connect(self.look)
        self.notes: tuple[str, ...] = ()
        self._items: dict[int, tuple[Drawn, ...]] = {}
        self._worker = LatestWins("objects of others", self)

    def look(self) -> None:
        """Read what lies beside the series shown now."""
        self._worker.cancel()
        self._items, self.notes = {}, ()
        series, scan = self._shown.series, self._shown.session.scan
        paths = objects_beside(scan) if scan is not None else []
        if series is not None and series.format == "dicom" and paths:
            self._worker.run(partial(_read, paths, series), partial(self._take, series), self._miss)
        self.arrived.emit()

    def items(self, slice_index: int) -> tuple[Drawn, ...]:
        """What to draw on a slice as acquired."""
        return self._items.get(slice_index, ())

    def close(self) -> None:
        """Wait for the thread."""
        self._worker.close()

    def _take(self, series: Series, read: _Read) -> None:
        if series is self._shown.series:
            self._items, self.notes = read
            self.arrived.emit()

    def _miss(self, why: str) -> None:
        self.notes = (why,)
        self.arrived.emit()


_Read = tuple[dict[int, tuple[Drawn, ...]], tuple[str, ...]]


def objects_beside(scan: Scan) -> list[Path]:
    """Files of a scan that hold no CT images, and so perhaps something drawn on them."""
    hidden = (frame.path for series in scan.series if not series.loadable for frame in series.frames)
    return list(dict.fromkeys([*(item.path for item in scan.unreadable), *hidden]))


def _read(paths: list[Path], series: Series) -> _Read:
    found = overlays_of(paths, series)
    items: dict[int, tuple[Drawn, ...]] = {}
    for region in found.regions:
        label = " · ".join(part for part in (region.label, region.maker) if part)
        drawn = Drawn(region.outlines_slice, region.closed, label)
        items[region.slice_index] = (*items.get(region.slice_index, ()), drawn)
    return items, found.notes
