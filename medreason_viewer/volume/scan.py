"""A path -> the studies and series it holds, from headers only."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ..cancel import Cancel
from ..errors import NothingToOpen, PathNotFound, UnreadableFile
from .dicom_headers import Header, read_headers
from .dicom_tags import NotDicom
from .grouping import studies_of
from .series import Scan, Unreadable

log = logging.getLogger(__name__)
Progress = Callable[[int, int], None]


def scan(path: Path | str, *, cancel: Cancel | None = None, progress: Progress | None = None) -> Scan:
    """Read the headers of all that a folder, file, zip archive or DICOMDIR holds.

    Parameters
    ----------
    progress : callable, optional
        Called with (files done, files in all) as the scan goes on.

    Raises
    ------
    PathNotFound, NothingToOpen
        If the path is not there, or holds no image.
    Cancelled
        If a stop was requested.
    """
    path = Path(path)
    if not path.exists():
        raise PathNotFound(path)
    files = sorted(files_under(path))
    headers: list[Header] = []
    unreadable: list[Unreadable] = []
    for done, file in enumerate(files, start=1):
        if cancel is not None:
            cancel.check()
        _read_one(file, headers, unreadable)
        if progress is not None:
            progress(done, len(files))
    if not headers:
        raise NothingToOpen(f"There is no image in {path} that this program reads.")
    return Scan(path, studies_of(headers), tuple(unreadable))


def files_under(path: Path) -> Iterator[Path]:
    """The file itself, or every file below the folder."""
    if path.is_file():
        yield path
        return
    for folder, folders, files in os.walk(path):
        folders.sort()
        for name in files:
            yield Path(folder, name)


def _read_one(path: Path, headers: list[Header], unreadable: list[Unreadable]) -> None:
    try:
        headers += read_headers(path)
    except UnreadableFile as error:
        unreadable.append(Unreadable(path, error.reason))
    except NotDicom:
        unreadable.append(Unreadable(path, "it is not a medical image"))
    except Exception as error:  # one damaged file of a thousand must not cost the reader the others
        log.debug("a header could not be read: %s", type(error).__name__)
        unreadable.append(Unreadable(path, "its header is damaged"))
