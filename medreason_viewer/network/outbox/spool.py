"""Copies of what is to be sent, in a folder that its user alone may enter, under names that say nothing."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..inbox import private_folder
from ..part10 import copy_as_part10

_ORPHAN_S: Final = 3600.0  # a copy that old and on no record belongs to a process that was killed


@dataclass(frozen=True, slots=True)
class Spooled:
    """A copy, and what it is a copy of."""

    file: str
    sop_uid: str
    digest: str


class Spool:
    """The folder of copies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        private_folder(folder)

    def path(self, file: str) -> Path:
        """Where a copy lies."""
        return self._folder / file

    def copy(self, source: Path) -> Spooled:
        """Copy a DICOM file and flush it.

        Raises
        ------
        UnreadableFile
            If it is none.
        OSError
            If it cannot be read, or there is no room.
        """
        path = self.path(secrets.token_hex(16))
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o600)
            with os.fdopen(descriptor, "w+b") as file:
                label = copy_as_part10(source, file)
                file.flush()
                os.fsync(file.fileno())
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Spooled(path.name, label.sop_uid, digest)

    def flush(self) -> None:
        """Until the names of the copies are on disk as well."""
        if os.name != "posix":
            return
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def drop(self, files: Iterable[str]) -> None:
        """Delete copies."""
        for file in files:
            with contextlib.suppress(OSError):
                self.path(file).unlink(missing_ok=True)

    def keep_only(self, recorded: Callable[[], set[str]]) -> None:
        """Delete old copies that are on no record; a copy too young may be on its way into it."""
        before = time.time() - _ORPHAN_S
        old = [file for file in self._folder.iterdir() if file.stat().st_mtime < before]
        if old:
            known = recorded()
            self.drop([file.name for file in old if file.name not in known])
