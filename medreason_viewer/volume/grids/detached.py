"""Text headers that keep their voxels in another file: that file must lie in the same folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from ...errors import UnreadableFile

_LONGEST_HEADER: Final = 1024 * 1024
_NRRD: Final = re.compile(rb"(?im)^data ?file:\s*(.+?)\s*$")
_META: Final = re.compile(rb"(?im)^\s*ElementDataFile\s*=\s*(.+?)\s*$")


def companion(path: Path) -> Path | None:
    """The file that holds the voxels of a NRRD or MetaImage header; None if the header's own file does.

    Raises
    ------
    UnreadableFile
        If it lies outside the header's folder, is missing, or is a list of files.
    """
    name = _data_file(path)
    if name is None:
        return None
    if re.search(r"%0?\d*[du]|^LIST\b", name):
        raise UnreadableFile(path, "its voxels are spread over several files")
    folder = path.parent.resolve()
    found = (folder / name).resolve()
    if "\0" in name or found.parent != folder:
        raise UnreadableFile(path, "its header points to a file outside its own folder")
    if not found.is_file():
        raise UnreadableFile(path, "the file with its voxels is missing")
    return path.parent / found.name


def _data_file(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEADER)
    if head.startswith(b"NRRD0"):
        match = _NRRD.search(re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0])
    else:
        match = _META.search(head)
    name = match[1].decode("utf-8", "replace") if match else None
    return None if name is None or name.upper() == "LOCAL" else name
