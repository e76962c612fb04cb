"""From the bits of a frame to stored values: masking, sign, byte order.

Runs in the viewer for plain frames and in the decoding children for compressed ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..series import PixelLayout

Stored = NDArray[np.int16] | NDArray[np.uint16]

_MOST_SIDE = 65535  # Rows and Columns are 16 bits wide


class NotCtPixels(Exception):
    """Pixels of a kind that no CT has; the text is a clause for the reader."""


def check_layout(layout: PixelLayout) -> None:
    """Refuse what stored values of a CT cannot be, before a byte is allocated.

    Raises
    ------
    NotCtPixels
        With the reason, a clause.
    """
    if layout.samples != 1:
        raise NotCtPixels("it is a colour picture, not a CT")
    if not (0 < layout.rows <= _MOST_SIDE and 0 < layout.cols <= _MOST_SIDE):
        raise NotCtPixels("its size makes no sense")
    if layout.bits_allocated not in (8, 16, 32):
        raise NotCtPixels(f"it has {layout.bits_allocated} bits per pixel, which is not supported")
    if not 0 < layout.bits_stored <= min(16, layout.bits_allocated):
        raise NotCtPixels(f"it stores {layout.bits_stored} bits per pixel, which is not supported")
    if not layout.bits_stored - 1 <= layout.high_bit < layout.bits_allocated:
        raise NotCtPixels("its description of bits makes no sense")


def check_fits(layout: PixelLayout, out: Stored) -> None:
    """Refuse stored values that the volume's type cannot hold.

    Raises
    ------
    NotCtPixels
        With the reason, a clause.
    """
    if out.dtype.kind == "i" and not layout.signed and layout.bits_stored == 16:
        raise NotCtPixels("its values are unsigned beside signed ones")
    if out.dtype.kind == "u" and layout.signed:
        raise NotCtPixels("its values are signed beside unsigned ones")


def frame_bytes(layout: PixelLayout) -> int:
    """Bytes of one uncompressed frame."""
    return layout.rows * layout.cols * layout.samples * layout.bits_allocated // 8


def native_dtype(layout: PixelLayout) -> np.dtype[Any]:
    """How pixel cells lie in a file that is not compressed."""
    order = ">" if layout.transfer_syntax == "1.2.840.10008.1.2.2" else "<"
    return np.dtype(f"{order}u{layout.bits_allocated // 8}")


def put_cells(cells: NDArray[Any], layout: PixelLayout, out: Stored) -> None:
    """Write the stored values of pixel cells as they lie in a file, shifted down to bit 0 first.

    Parameters
    ----------
    cells : array of unsigned integers, any shape with rows * cols elements
    out : array of int16 or uint16, shape (row, col)

    Raises
    ------
    NotCtPixels
        If the values do not fit into ``out``.
    """
    shift = layout.high_bit + 1 - layout.bits_stored
    put_values(cells >> cells.dtype.type(shift) if shift else cells, layout, out)


def put_values(values: NDArray[Any], layout: PixelLayout, out: Stored) -> None:
    """Write values, keeping BitsStored bits and spreading the sign where the layout has one.

    Raises
    ------
    NotCtPixels
        If there are too few or too many values, or they do not fit into ``out``.
    """
    if values.size != out.size or values.dtype.kind not in "iu":
        raise NotCtPixels("its pixels do not fit its header")
    check_fits(layout, out)
    bits = out.view(np.uint16)
    np.copyto(bits, values.reshape(out.shape), casting="unsafe")
    _mask(bits, layout)


def _mask(bits: NDArray[np.uint16], layout: PixelLayout) -> None:
    unused = 16 - layout.bits_stored
    if not unused:
        return
    if layout.signed:
        bits <<= np.uint16(unused)
        signed = bits.view(np.int16)
        signed >>= np.int16(unused)
    else:
        bits &= np.uint16((1 << layout.bits_stored) - 1)
