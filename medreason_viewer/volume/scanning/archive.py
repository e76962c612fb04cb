"""Zip archives: members one by one, under limits, never under names of the archive's choosing."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...errors import TooLarge, UnreadableFile, VolumeError
from ..dicom.inflate import LARGEST_BYTES, inflation_limit

MOST_MEMBERS: Final = 100_000
LARGEST_TOTAL: Final = 64 * 1024**3
_LARGEST_RATIO: Final = 100
_SMALL_TOTAL: Final = 64 * 1024 * 1024
_STEP: Final = 1024 * 1024
_ENCRYPTED: Final = 0x1


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive; ``origin`` is what the reader is told, not a place on this computer."""

    origin: Path
    data: bytes


def is_zip(path: Path) -> bool:
    """Whether the file begins as a zip archive does."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


class Archive:
    """A zip archive that is read member by member.

    Raises
    ------
    VolumeError
        If it is damaged or encrypted.
    TooLarge
        If it has more members than any study, or would inflate beyond the room there is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise VolumeError(f"{path.name} is a damaged zip archive.") from error
        self._infos = [info for info in self._zip.infolist() if not info.is_dir()]
        self._room = self._checked_room()

    def __len__(self) -> int:
        return len(self._infos)

    def members(self) -> Iterator[Member | UnreadableFile]:
        """Every file of the archive, or why it cannot be read; raises TooLarge as the limits are reached."""
        with self._zip:
            for info in self._infos:
                origin = self._path / info.filename.replace("\0", "").lstrip("/\\")
                try:
                    yield Member(origin, self._read(info, origin))
                except (
                    zipfile.BadZipFile,
                    zlib.error,
                    EOFError,
                    NotImplementedError,
                    RuntimeError,
                    ValueError,
                ):
                    yield UnreadableFile(origin, "it is damaged inside the archive")
                except UnreadableFile as error:
                    yield error

    def _checked_room(self) -> int:
        """How many bytes may come out of the archive in all."""
        if len(self._infos) > MOST_MEMBERS:
            raise TooLarge(f"{self._path.name} holds {len(self._infos)} files, more than any study has.")
        if any(info.flag_bits & _ENCRYPTED for info in self._infos):
            raise VolumeError(f"{self._path.name} is encrypted. Unpack it first, then open the folder.")
        ratio = max(_SMALL_TOTAL, _LARGEST_RATIO * self._path.stat().st_size)
        free = shutil.disk_usage(tempfile.gettempdir()).free
        total = sum(info.file_size for info in self._infos)
        if total > min(ratio, LARGEST_TOTAL):
            raise self._bomb()
        if total > free:
            raise TooLarge(
                f"{self._path.name} needs {total >> 20} MB of temporary space; there are {free >> 20}."
            )
        return min(ratio, LARGEST_TOTAL, free)

    def _bomb(self) -> TooLarge:
        return TooLarge(f"{self._path.name} would inflate beyond any plausible size; it was not opened.")

    def _read(self, info: zipfile.ZipInfo, origin: Path) -> bytes:
        limit = min(inflation_limit(info.compress_size), LARGEST_BYTES)
        parts, total = [], 0
        with self._zip.open(info) as member:
            while part := member.read(_STEP):
                total += len(part)
                self._room -= len(part)
                if self._room < 0:
                    raise self._bomb()
                if total > limit:
                    raise UnreadableFile(origin, "it would inflate beyond any plausible size")
                parts.append(part)
        return b"".join(parts)
