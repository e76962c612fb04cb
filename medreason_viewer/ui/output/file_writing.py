"""Files made off the GUI thread, one after the other: written beside, flushed, renamed."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

log = logging.getLogger(__name__)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that ``path`` holds the old content or the new one whole.

    Raises
    ------
    OSError
        If it cannot be written; what was at ``path`` is then untouched, and nothing lies beside it.
    """
    beside = path.with_name(f".medreason-{secrets.token_hex(6)}.new")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


class FileWriting(QObject):
    """Writes what it is given; nothing that was asked for is dropped, not even when the window closes.

    Signals
    -------
    written : str
        The name of a file that is on the disk.
    failed : str
        Why one is not, and what to do, in a sentence.
    """

    written = Signal(str)
    failed = Signal(str)
    _ended = Signal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="file writing")
        self._ended.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    def write(self, path: Path, make: Callable[[], bytes]) -> None:
        """Write what ``make`` gives, which is called on the writing thread."""
        self._thread.submit(self._write, path, make)

    def close(self) -> None:
        """Wait until all is written."""
        self._thread.shutdown(wait=True)

    def _write(self, path: Path, make: Callable[[], bytes]) -> None:
        try:
            write_whole(path, make())
        except OSError as error:
            self._ended.emit(path, error.strerror or type(error).__name__)
        except Exception as error:  # the thread's boundary; a traceback may name a patient's path
            log.error("a file could not be made: %s", type(error).__name__)  # noqa: TRY400
            self._ended.emit(path, "a fault in the program")
        else:
            self._ended.emit(path, "")

    def _tell(self, path: Path, reason: str) -> None:
        if reason:
            self.failed.emit(f"{path} could not be saved ({reason}). Save it again in another folder.")
        else:
            self.written.emit(path.name)
