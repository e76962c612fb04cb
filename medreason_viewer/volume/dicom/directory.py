"""DICOMDIR: which files of a medium are images, and that they lie on that medium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from pydicom.dataset import Dataset

from ...errors import VolumeError
from ..series import Unreadable
from .full import read_whole

_LARGEST: Final = 64 * 1024 * 1024
_MOST_FILES: Final = 200_000


def listed_files(path: Path) -> tuple[list[Path], list[Unreadable]]:
    """Files that a DICOMDIR refers to, in its order, and references that are refused.

    A reference is followed only to a file below the DICOMDIR's own folder, symbolic links resolved.

    Raises
    ------
    VolumeError
        If the directory cannot be read.
    """
    root = path.parent.resolve()
    files: dict[Path, None] = {}
    refused = []
    for parts in _references(path):
        shown = path.parent / PurePosixPath(*parts)
        found = _inside(root, parts)
        if found is None:
            refused.append(Unreadable(shown, "the DICOMDIR points outside its own folder"))
        elif not found.is_file():
            refused.append(Unreadable(shown, "the DICOMDIR names it, but it is missing"))
        else:
            files[found] = None
    return list(files), refused


def _references(path: Path) -> Iterator[tuple[str, ...]]:
    if path.stat().st_size > _LARGEST:
        raise VolumeError(f"{path.name} is larger than any DICOMDIR.")
    try:
        records = read_whole(path).get("DirectoryRecordSequence") or []
        references = [_parts(record) for record in records[:_MOST_FILES]]
    except Exception as error:  # pydicom's parser meets the file here: it may raise anything
        raise VolumeError(f"{path.name} is damaged. Open its folder instead.") from error
    yield from (parts for parts in references if parts)


def _parts(record: Dataset) -> tuple[str, ...]:
    value = record.get("ReferencedFileID")
    if not value:
        return ()
    return (str(value),) if isinstance(value, str) else tuple(str(part) for part in value)


def _inside(root: Path, parts: tuple[str, ...]) -> Path | None:
    """The file below the root; None if the reference leaves it."""
    if any(part in ("", ".", "..") or set(part) & set("/\\:\0") for part in parts):
        return None
    found = root
    for part in parts:
        found = _as_written(found, part)
    resolved = found.resolve()
    return resolved if resolved.is_relative_to(root) else None


def _as_written(folder: Path, name: str) -> Path:
    """The entry of that name, in whatever case the medium was copied."""
    exact = folder / name
    if exact.exists() or not folder.is_dir():
        return exact
    alike = (entry for entry in folder.iterdir() if entry.name.lower() == name.lower())
    return next(alike, exact)
