"""Files whose pixels have no place of their own: deflated ones, and those only a full parser understands."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.filereader import dcmread, read_dataset, read_file_meta_info

from ..dicom.inflate import inflate
from ..series import PixelLayout
from .pixels import NotCtPixels, frame_bytes, native_dtype

Cells = tuple[NDArray[Any], bool]

_DEFLATED = "1.2.840.10008.1.2.1.99"


def native_cells(
    path: Path,
    number: int,
    count: int,
    layout: PixelLayout,
    decode: Callable[[bytes, PixelLayout], Cells],
) -> Cells:
    """The pixel cells of one frame, from a file parsed whole.

    Raises
    ------
    NotCtPixels, UnreadableFile
        If they are not there, or inflate beyond the limit.
    """
    dataset = _inflated(path) if layout.transfer_syntax == _DEFLATED else dcmread(path, force=True)
    pixels = bytes(dataset.PixelData)
    if dataset["PixelData"].is_undefined_length:
        return decode(get_frame(pixels, number - 1, number_of_frames=count), layout)
    size = frame_bytes(layout)
    cells = pixels[(number - 1) * size : number * size]
    if len(cells) != size:
        raise NotCtPixels("its pixel data is cut off")
    return np.frombuffer(cells, native_dtype(layout)), True


def _inflated(path: Path) -> Dataset:
    """The data set of a deflated file, explicit little endian, inflated under a cap."""
    read_file_meta_info(path)
    with path.open("rb") as file:
        data = file.read()
    start = 132 if data[128:132] == b"DICM" else 0
    start += 12 + int.from_bytes(data[start + 8 : start + 12], "little")  # group length, then so many bytes
    return read_dataset(io.BytesIO(inflate(data[start:], path)), is_implicit_VR=False, is_little_endian=True)
