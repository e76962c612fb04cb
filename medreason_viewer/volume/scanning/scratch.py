"""A private folder for what must be copied out of an archive; gone when nobody needs it any more."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Final

import psutil

_PREFIX: Final = "medreason-scan-"
_NAME: Final = re.compile(rf"{_PREFIX}(\d+)-\w+")


class Scratch:
    """Files under names of our own, readable by this user alone.

    The folder goes when the last reference to this object does, at the latest when the program ends. One left
    behind by a program that was killed goes when the next scratch folder is made.
    """

    def __init__(self) -> None:
        _sweep(Path(tempfile.gettempdir()))
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        self._count = 0
        self._remove = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def new_path(self, suffix: str) -> Path:
        """A path in the folder that nothing lies at yet."""
        self._count += 1
        return self.folder / f"{self._count:06d}{suffix}"

    def write(self, data: bytes, suffix: str) -> Path:
        """Write a new file; returns its path."""
        path = self.new_path(suffix)
        path.write_bytes(data)
        return path

    def remove(self) -> None:
        """Remove the folder now."""
        self._remove()


def _sweep(folder: Path) -> None:
    """Remove scratch folders whose program is gone."""
    for entry in folder.glob(f"{_PREFIX}*"):
        match = _NAME.fullmatch(entry.name)
        if match and entry.is_dir() and not entry.is_symlink() and not psutil.pid_exists(int(match[1])):
            shutil.rmtree(entry, ignore_errors=True)
