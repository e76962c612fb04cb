"""Voxels of any number type -> 16 bits with slope and intercept, exactly wherever that is possible."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_STEPS: Final = 65535
_FARTHEST: Final = 1e9  # a marker for "nothing here" (-3.4e38), not a value


@dataclass(frozen=True, slots=True, eq=False)
class StoredVolume:
    """Voxels as stored values: HU = stored * slope + intercept.

    Attributes
    ----------
    stored : array of int16 or uint16, shape (slice, row, col)
    slope, intercept : float
    """

    stored: NDArray[np.int16] | NDArray[np.uint16]
    slope: float
    intercept: float


def stays_unsigned(dtype: np.dtype[Any]) -> bool:
    """Whether values of this type are stored as uint16; all others become int16."""
    return dtype in (np.dtype(np.uint8), np.dtype(np.uint16))


def narrow(values: NDArray[Any]) -> StoredVolume:
    """Store HU of any number type in 16 bits; always a copy.

    Integers that span no more than 65,536 stay exact, whatever their type. Other values are rounded to a
    power of two, the finest of which 65,535 steps span their range: 1/16 HU for a range of 4,095 HU. What is
    not a number, or beyond any value, becomes the lowest one.

    Parameters
    ----------
    values : array of numbers, shape (slice, row, col)
        HU.
    """
    if values.dtype.itemsize <= 2 and values.dtype.kind in "iu":
        if stays_unsigned(values.dtype):
            return StoredVolume(np.array(values, np.uint16, order="C"), 1.0, 0.0)
        return StoredVolume(np.array(values, np.int16, order="C"), 1.0, 0.0)
    finite = values if values.dtype.kind in "iu" else _finite(values)
    low, high = float(finite.min()), float(finite.max())
    exact = _whole(finite) and high - low <= _STEPS
    slope = 1.0 if exact else _step(high - low)
    intercept = 0.0 if exact and low >= -32768 and high <= 32767 else low + 32768 * slope
    stored = np.rint((finite.astype(np.float64) - intercept) / slope)
    return StoredVolume(np.clip(stored, -32768, 32767).astype(np.int16), slope, intercept)


def _step(span: float) -> float:
    """The finest power of two of which 65,535 cover the span."""
    return 2.0 ** math.ceil(math.log2(span / _STEPS)) if span > 0 else 1.0


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    good = np.isfinite(values) & (np.abs(values) < _FARTHEST)
    if good.all():
        return values
    return np.where(good, values, values[good].min() if good.any() else 0)


def _whole(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "iu" or bool((values == np.rint(values)).all())
