"""Files of one result, written together or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path


def write_together(folder: Path, writers: Mapping[str, Callable[[Path], object]]) -> None:
    """Write files into a folder, each by its writer, which is given the path to write to.

    They are made in a folder beside, flushed and then moved, so that a failure leaves nothing half-written.

    Raises
    ------
    OSError
        If the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".medreason-", dir=folder))
    try:
        for name, write in writers.items():
            write(beside / name)
            _flush(beside / name)
        for name in writers:
            os.replace(beside / name, folder / name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
