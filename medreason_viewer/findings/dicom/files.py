"""DICOM files by the kind of object they hold."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...errors import UnreadableFile
from ...volume.dicom.names import SOP_CLASS
from ...volume.dicom.tags import NotDicom, read_tags


def files_of_class(path: Path, classes: Iterable[str]) -> list[Path]:
    """The DICOM files at a path, or below it, that are of one of the SOP classes; by name."""
    wanted = frozenset(classes)
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    return [file for file in files if sop_class(file) in wanted]


def sop_class(path: Path) -> str:
    """The SOP class of a file, from its header alone; empty if it is no DICOM, or not safe to read."""
    try:
        return read_tags(path, frozenset((SOP_CLASS,))).text(SOP_CLASS)
    except (NotDicom, UnreadableFile, OSError):
        return ""
