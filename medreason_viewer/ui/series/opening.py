"""Scanning a path off the GUI thread, and which of its series to show first."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject

from ...network.inbox import files_wanted
from ...plugins.reading import ScanPath
from ...volume.scan import scan
from ...volume.series import Scan, Series
from .searching import Searching

_FAULT: Final = "This could not be opened because of a fault in the program; nothing was changed."


class Opening(Searching):
    """One scan at a time, which ends as ``finished``.

    Attributes
    ----------
    scan_path : callable
        As :func:`~medreason_viewer.volume.scan.scan`; plug-ins may have a part in it.
    """

    def __init__(self, parent: QObject | None = None, scan_path: ScanPath = scan) -> None:
        super().__init__(_FAULT, parent)
        self.scan_path = scan_path

    def open(self, path: Path) -> None:
        """Scan ``path`` instead of whatever is being scanned."""
        scan_path = self.scan_path
        self.search(
            path.name or str(path),
            lambda cancel, tell: scan_path(path, cancel=cancel, progress=tell, wanted=files_wanted(path)),
        )


def first_series(scan: Scan) -> Series | None:
    """The series to show first: of those that can be shown, CT before others, then the largest."""
    loadable = [series for series in scan.series if series.loadable]
    return max(loadable, key=_interest, default=None)


def _interest(series: Series) -> tuple[bool, int]:
    return series.identity.modality in ("CT", ""), len(series.frames)
