"""The window a slice is first shown in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..volume.window import Window

_AIR_HU = -900.0  # outside the patient: says nothing about the contrast wanted


def automatic_window(hu: NDArray[np.float64], stored_window: tuple[float, float] | None) -> Window:
    """The file's own window where it has one, else one that spans the tissue of this slice.

    Parameters
    ----------
    hu : array of float64, shape (row, col)
        The slice in HU.
    stored_window : tuple of float or None
        ``(centre, width)`` of the file (0028,1050 and 0028,1051).
    """
    if stored_window is not None and np.isfinite(stored_window).all() and stored_window[1] > 0:
        return Window(*stored_window)
    values = hu[hu > _AIR_HU]
    if values.size < hu.size / 100:
        values = hu.ravel()
    low, high = np.percentile(values, (2, 99))
    return Window(float(low + high) / 2, max(float(high - low), 1.0))
