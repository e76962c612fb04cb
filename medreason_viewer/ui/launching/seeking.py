"""Looking for a target on disk and in the archive, off the GUI thread; the last one asked for wins."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject

from ...cancel import Cancel
from ...errors import Cancelled, LaunchRefused, MedReasonError
from ...network.inbox import files_wanted
from ...plugins.reading import ScanPath
from ...volume.scan import Progress
from ..series.searching import Searching
from .matching import Found, find
from .target import LaunchTarget

Places = Callable[[LaunchTarget], Iterable[Path]]
"""Where the reader had such a study before, latest first. Called on the seeking thread, and may block."""

Fetch = Callable[[LaunchTarget, Cancel], Path | None]
"""Bring a study from the archive; its folder, or None where the archive does not have it.

Called on the seeking thread and may block. Raises a MedReasonError with a sentence where it fails, and
Cancelled soon after the token asks.
"""

_NO_FILES: Final = ("/dev", "/proc", "/sys")  # of Linux: devices and the kernel's own
_NOT_FOUND: Final = (
    "The study asked for was not found: it is not open, not where studies were opened lately, and not where "
    "it was said to be. Nothing was changed."
)
_NOT_THERE: Final = "What was asked to be opened is no folder or file that can be read. Nothing was changed."
_FAULT: Final = "What was asked for could not be opened because of a fault in the program."


def nowhere(_target: LaunchTarget) -> Iterable[Path]:
    """No places known from before."""
    return ()


def no_archive(_target: LaunchTarget, _cancel: Cancel) -> Path | None:
    """No archive to ask."""
    return None


class Seeking(Searching):
    """One search at a time; what it finds is a :class:`.Found`."""

    def __init__(
        self, places: Places, fetch: Fetch, scan_path: ScanPath, parent: QObject | None = None
    ) -> None:
        super().__init__(_FAULT, parent)
        self._scan_path = scan_path
        self._places, self._fetch = places, fetch

    def seek(self, target: LaunchTarget) -> None:
        """Look for a target instead of whatever is being looked for."""
        self.search("what was asked for", partial(self._look, target))

    def _look(self, target: LaunchTarget, cancel: Cancel, tell: Progress) -> Found:
        trouble = LaunchRefused(_NOT_FOUND)
        for folder in self._candidates(target, cancel):
            cancel.check()
            try:
                _check_openable(folder)
                wanted = files_wanted(folder)
                scan = self._scan_path(folder, cancel=cancel, progress=tell, wanted=wanted)
                here = find(scan, target)
            except Cancelled:
                raise
            except MedReasonError as error:
                if folder == target.path:
                    trouble = LaunchRefused(str(error))
                continue  # a place from before may be gone: the next one may do
            if here is not None:
                return here
        raise trouble

    def _candidates(self, target: LaunchTarget, cancel: Cancel) -> Iterator[Path]:
        """Where to look, in order; the archive is only asked once nothing else has it."""
        if target.path is not None:
            yield target.path
        if not target.named:
            return
        yield from self._places(target)
        brought = self._fetch(target, cancel)
        if brought is not None:
            yield brought


def _check_openable(path: Path) -> None:
    """Refuse what the reader's own file dialog would not give: devices, pipes, what they may not read.

    Raises
    ------
    LaunchRefused
    """
    try:
        real = path.resolve(strict=True)
        kind = real.stat().st_mode
    except OSError:
        raise LaunchRefused(_NOT_THERE) from None
    of_the_kernel = sys.platform == "linux" and real.as_posix().startswith(_NO_FILES)
    plain = stat.S_ISDIR(kind) or stat.S_ISREG(kind)
    if of_the_kernel or not plain or not os.access(real, os.R_OK):
        raise LaunchRefused(_NOT_THERE)
