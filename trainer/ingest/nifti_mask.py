"""A multi-channel NIfTI mask, plane by plane: ReXGroundingCT's are (finding, i, j, k), one channel a finding.

Read here rather than through SimpleITK, which would hold all of a 4-D file at once.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import numpy as np
from numpy.typing import NDArray

from medreason_viewer.errors import UnreadableFile

_HEADER: Final = 348
_TYPES: Final = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
_LONGEST: Final = 65535


@dataclass(frozen=True, slots=True)
class MaskFile:
    """The header of a mask.

    Attributes
    ----------
    size : (int, int, int)
        Voxels along i, j, k, as the CT has them.
    findings : int
        Channels.
    channels_first : bool
        Whether the channel is the file's fastest axis.
    """

    path: Path
    size: tuple[int, int, int]
    findings: int
    channels_first: bool
    dtype: np.dtype[Any]
    offset: int

    def planes(self) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """(channel, k, labels of shape (j, i)) for every plane that is not empty.

        Raises
        ------
        UnreadableFile
            If the file is damaged or cut off.
        """
        columns, lines, slices = self.size
        try:
            with _opened(self.path) as file:
                _exactly(file, self.offset)
                if not self.channels_first:
                    for channel in range(self.findings):
                        for k in range(slices):
                            plane = self._numbers(file, lines * columns).reshape(lines, columns)
                            if plane.any():
                                yield channel, k, plane
                    return
                for k in range(slices):
                    block = self._numbers(file, lines * columns * self.findings)
                    block = block.reshape(lines, columns, self.findings)
                    for shown in np.flatnonzero(block.any(axis=(0, 1))):
                        yield int(shown), k, block[..., shown]
        except (EOFError, OSError, zlib.error):
            raise UnreadableFile(self.path, "its voxels are damaged or cut off") from None

    def _numbers(self, file: BinaryIO, count: int) -> NDArray[Any]:
        return np.frombuffer(_exactly(file, count * self.dtype.itemsize), self.dtype)


def _opened(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if path.name.endswith(".gz") else path.open("rb")


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise EOFError
    return data


def read_mask(path: Path, size: tuple[int, int, int]) -> MaskFile:
    """The header of the mask of a CT with that many voxels along i, j, k.

    Raises
    ------
    UnreadableFile
        If it is no NIfTI file, or not over the same grid.
    """
    try:
        with _opened(path) as file:
            header = _exactly(file, _HEADER)
    except (EOFError, OSError, zlib.error):
        raise UnreadableFile(path, "its header is damaged") from None
    order = "<" if header[:4] == struct.pack("<i", _HEADER) else ">"
    number = struct.unpack_from(order + "h", header, 70)[0]
    dims = struct.unpack_from(order + "8h", header, 40)
    offset = struct.unpack_from(order + "f", header, 108)[0]
    if header[344:347] != b"n+1" or number not in _TYPES or not 3 <= dims[0] <= 4:
        raise UnreadableFile(path, "it is not a mask in NIfTI-1")
    if not math.isfinite(offset) or not _HEADER <= offset <= _LONGEST:
        raise UnreadableFile(path, "its header is damaged")
    held = dims[1 : dims[0] + 1]
    shape = (1, *held) if len(held) == 3 else held
    dtype = np.dtype(order + _TYPES[number])
    if shape[1:] == size:
        return MaskFile(path, size, shape[0], True, dtype, int(offset))
    if shape[:3] == size:
        return MaskFile(path, size, shape[3], False, dtype, int(offset))
    raise UnreadableFile(path, f"its grid {held} is not its CT's {size}")
