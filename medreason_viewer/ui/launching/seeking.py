"""Looking for a target on disk and in the archive, off the GUI thread; the last one asked for wins."""

from __future__ import annotations

import logging
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Qt, Signal, Slot

from ...cancel import Cancel
from ...errors import Cancelled, LaunchRefused, MedReasonError
from ...plugins.reading import ScanPath
from .matching import Found, find
from .target import LaunchTarget

log = logging.getLogger(__name__)

Places = Callable[[LaunchTarget], Iterable[Path]]
"""Where the reader had such a study before, latest first. Called on the seeking thread, and may block."""

Fetch = Callable[[LaunchTarget, Cancel], Path | None]
"""Bring a study from the archive; its folder, or None where the archive does not have it.

Called on the seeking thread and may block. Raises a MedReasonError with a sentence where it fails, and
Cancelled soon after the token asks.
"""

_INTERVAL_S: Final = 0.05
_NO_FILES: Final = ("/dev", "/proc", "/sys")  # of Linux: devices and the kernel's own
_NOT_FOUND: Final = (
    "The study asked for was not found: it is not open, not where studies were opened lately, and not where "
    "it was said to be. Nothing was changed."
)
_NOT_THERE: Final = "What was asked to be opened is no folder or file that can be read. Nothing was changed."
_UNEXPECTED: Final = "What was asked for could not be opened because of a fault in the program."


def nowhere(_target: LaunchTarget) -> Iterable[Path]:
    """No places known from before."""
    return ()


def no_archive(_target: LaunchTarget, _cancel: Cancel) -> Path | None:
    """No archive to ask."""
    return None


class Seeking(QObject):
    """One search at a time.

    Signals
    -------
    started, progressed, ended
        A search began (in words); files seen and their number; it is over, in whichever way.
    found, failed
        A :class:`.Found`; a sentence why not.
    """

    started = Signal(str)
    progressed = Signal(int, int)
    ended = Signal()
    found = Signal(object)
    failed = Signal(str)
    _outcome = Signal(object, object)

    def __init__(
        self, places: Places, fetch: Fetch, scan_path: ScanPath, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._scan_path = scan_path
        self._places, self._fetch = places, fetch
        self._cancel: Cancel | None = None
        self._thread: threading.Thread | None = None
        self._outcome.connect(self._receive, Qt.ConnectionType.QueuedConnection)

    def seek(self, target: LaunchTarget) -> None:
        """Look for a target instead of whatever is being looked for."""
        self.cancel()
        self._cancel = Cancel()
        arguments = (target, self._cancel)
        self._thread = threading.Thread(target=self._run, args=arguments, name="seeking", daemon=True)
        self.started.emit("what was asked for")
        self._thread.start()

    def cancel(self) -> None:
        """Look no further; what is open stays open."""
        if self._cancel is not None:
            self._cancel.request()
            self._cancel = None
            self.ended.emit()

    def close(self) -> None:
        """Stop and wait for the thread."""
        self.cancel()
        if self._thread is not None:
            self._thread.join(5)

    def _run(self, target: LaunchTarget, cancel: Cancel) -> None:
        try:
            self._outcome.emit(cancel, self._look(target, cancel))
        except Cancelled:
            return
        except MedReasonError as error:
            self._outcome.emit(cancel, str(error))
        except Exception as error:  # the thread's boundary; a traceback may name a patient's path
            log.error("looking for a study failed: %s", type(error).__name__)  # noqa: TRY400
            self._outcome.emit(cancel, _UNEXPECTED)

    def _look(self, target: LaunchTarget, cancel: Cancel) -> Found:
        trouble = LaunchRefused(_NOT_FOUND)
        for folder in self._candidates(target, cancel):
            cancel.check()
            try:
                _check_openable(folder)
                here = find(self._scan_path(folder, cancel=cancel, progress=self._teller(cancel)), target)
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

    def _teller(self, cancel: Cancel) -> Callable[[int, int], None]:
        """Passes on a count at most every few hundredths of a second."""
        last = 0.0

        def tell(done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= _INTERVAL_S and not cancel.requested:
                last = now
                self.progressed.emit(done, total)

        return tell

    @Slot(object, object)
    def _receive(self, cancel: Cancel, outcome: Found | str) -> None:
        if cancel is not self._cancel:
            return  # something else was asked for meanwhile
        self._cancel = None
        self.ended.emit()
        if isinstance(outcome, str):
            self.failed.emit(outcome)
        else:
            self.found.emit(outcome)


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
