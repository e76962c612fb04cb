"""A private folder for what must be copied out of an archive; gone when nobody needs it any more."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

import psutil

_PREFIX: Final = "medreason-scan-"
_NAME: Final = re.compile(rf"{_PREFIX}(\d+)-\w+")
_DESCRIPTORS: Final = Path("/proc/self/fd")
_NEW_S: Final = 60.0  # a folder may be this new and not locked yet


class Scratch:
    """Files under names of our own, readable by this user alone.

    The folder goes when the last reference to this object does, at the latest when the program ends. One left
    behind by a program that was killed goes when the next scratch folder is made, or the next window.
    """

    def __init__(self) -> None:
        sweep(Path(tempfile.gettempdir()))
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        self._count = 0
        self._open: list[IO[bytes]] = []
        self._remove = weakref.finalize(self, _remove, self.folder, _lock(self.folder), self._open)

    def new_path(self, suffix: str) -> Path:
        """A path in the folder that nothing lies at yet."""
        self._count += 1
        return self.folder / f"{self._count:06d}{suffix}"

    def write(self, data: bytes, suffix: str) -> Path:
        """Write a new file; returns its path."""
        path = self.new_path(suffix)
        path.write_bytes(data)
        return path

    def write_nameless(self, data: bytes, suffix: str) -> Path:
        """Write a new file that does not outlive this program, however it ends: for what names a patient.

        The path is a link to an open file without a name, which this program's children can open, too. Where
        there is no such thing (on other systems than Linux, or with half the descriptors in use), it is a
        file as :meth:`write` makes it.
        """
        path = self.new_path(suffix)
        if not (sys.platform == "linux" and _descriptors_left() and self._write_nameless(data, path)):
            path.write_bytes(data)
        return path

    def remove(self) -> None:
        """Remove the folder now."""
        self._remove()

    def _write_nameless(self, data: bytes, path: Path) -> bool:
        """Whether there is now such a file at the path, and it can be opened there."""
        with contextlib.ExitStack() as undo:
            file = undo.enter_context(tempfile.TemporaryFile(dir=self.folder))
            file.write(data)
            file.flush()
            path.symlink_to(f"/proc/{os.getpid()}/fd/{file.fileno()}")
            undo.callback(path.unlink)
            with contextlib.suppress(OSError), path.open("rb"):
                self._open.append(file)
                undo.pop_all()
                return True
        return False


def sweep(folder: Path) -> None:
    """Remove scratch folders whose program is gone."""
    for entry in folder.glob(f"{_PREFIX}*"):
        match = _NAME.fullmatch(entry.name)
        if match and entry.is_dir() and not entry.is_symlink() and _is_gone(int(match[1]), entry):
            shutil.rmtree(entry, ignore_errors=True)


def sweep_aside() -> None:
    """The same for the folder of temporary files, in a thread that nobody waits for."""
    folder = Path(tempfile.gettempdir())
    threading.Thread(target=sweep, args=(folder,), name="scratch-sweep", daemon=True).start()


def _is_gone(process: int, folder: Path) -> bool:
    """Whether a folder's owner has ended; another process may have its number since, but not its lock."""
    if not psutil.pid_exists(process):
        return True
    if process == os.getpid() or sys.platform == "win32":
        return False
    try:
        if time.time() - folder.stat().st_mtime < _NEW_S:
            return False
    except OSError:  # another program sweeps, too
        return False
    lock = _lock(folder)
    if lock is not None:
        os.close(lock)
    return lock is not None


def _lock(folder: Path) -> int | None:
    """A descriptor that holds the folder until this program ends; None if another does, or on Windows."""
    if sys.platform == "win32":
        return None
    import fcntl

    descriptor = None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if descriptor is not None:
            os.close(descriptor)
        return None
    return descriptor


def _descriptors_left() -> bool:
    import resource  # there is none on Windows

    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most == resource.RLIM_INFINITY or 2 * len(os.listdir(_DESCRIPTORS)) < most


def _remove(folder: Path, lock: int | None, nameless: Sequence[IO[bytes]]) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # before the links lead to other files
    for file in nameless:
        file.close()
    if lock is not None:
        os.close(lock)
