"""Uncompressed frames, read in process: the bytes go from the file straight into the volume.

Reading into an array releases the interpreter's lock, so that the window stays alive meanwhile.
"""

from __future__ import annotations

import os

import numpy as np

from ...errors import UnreadableFile
from ..series import Frame
from .pixels import NotCtPixels, Stored, check_layout, frame_bytes, native_dtype, put_cells


def read_native(frame: Frame, out: Stored) -> None:
    """Fill ``out`` with the stored values of a frame whose ``offset`` is known.

    Parameters
    ----------
    out : array of int16 or uint16, shape (row, col), contiguous

    Raises
    ------
    UnreadableFile
        If the file is gone or cut, or holds pixels that no CT has.
    """
    layout = frame.layout
    try:
        check_layout(layout)
        if native_dtype(layout) == np.dtype("<u2") and out.dtype.isnative:
            _read_into(frame, out)
            put_cells(out.view(np.uint16), layout, out)
            return
        cells = np.empty(layout.rows * layout.cols, native_dtype(layout))
        _read_into(frame, cells)
        put_cells(cells, layout, out)
    except NotCtPixels as refused:
        raise UnreadableFile(frame.path, str(refused)) from None
    except OSError as error:
        raise UnreadableFile(frame.path, error.strerror or "it cannot be read") from None


def _read_into(frame: Frame, cells: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> None:
    if cells.nbytes != frame_bytes(frame.layout) or frame.offset is None:
        raise NotCtPixels("its pixels do not fit its header")
    descriptor = os.open(frame.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        file.seek(frame.offset)
        view, done = cells.data.cast("B"), 0
        while done < len(view):
            got = file.readinto(view[done:])
            if not got:
                raise NotCtPixels("its pixel data is cut off")
            done += got
