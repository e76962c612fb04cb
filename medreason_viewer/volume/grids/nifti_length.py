"""Whether a NIfTI file holds all the voxels it promises: SimpleITK fills in zeros and says nothing."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import Any, Final

from ...errors import UnreadableFile

_STEP: Final = 4 * 1024 * 1024


def check_length(path: Path, reader: Any) -> None:
    """Count the bytes of a NIfTI file whose header ``reader`` has read; a compressed one is inflated for it.

    Raises
    ------
    UnreadableFile
        If there are fewer than the header says.
    """
    try:
        held = _inflated_bytes(path) if path.name.lower().endswith(".gz") else path.stat().st_size
    except (EOFError, OSError, zlib.error):
        held = 0
    if held < _promised_bytes(reader):
        raise UnreadableFile(path, "its voxels are damaged or cut off")


def _promised_bytes(reader: Any) -> int:
    voxels = math.prod(map(int, reader.GetSize())) * int(reader.GetNumberOfComponents())
    return voxels * int(reader.GetMetaData("bitpix")) // 8 + int(float(reader.GetMetaData("vox_offset")))


def _inflated_bytes(path: Path) -> int:
    total = 0
    with gzip.open(path, "rb") as file:
        while part := file.read(_STEP):
            total += len(part)
    return total
