"""The window a slice is first shown in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...volume.window import Window

_ALL = 0.999
_AIR_HU = -900.0  # outside the patient: says nothing about the contrast wanted


def automatic_window(hu: NDArray[np.float64], stored_window: tuple[float, float] | None) -> Window:
    """The file's own window where it has one that shows something, else one that spans this slice's tissue.

    Parameters
    ----------
    hu : array of float64, shape (row, col)
        The slice in HU.
    stored_window : tuple of float or None
        ``(centre, width)`` of the file (0028,1050 and 0028,1051).
    """
    if stored_window is not None and np.isfinite(stored_window).all() and stored_window[1] > 0:
        window = Window(*stored_window)
        if _shows_something(hu, window):
            return window
    values = hu[hu > _AIR_HU]
    if values.size < hu.size / 100:
        values = hu.ravel()
    low, high = np.percentile(values, (2, 99))
    return Window(float(low + high) / 2, max(float(high - low), 1.0))


def _shows_something(hu: NDArray[np.float64], window: Window) -> bool:
    """Whether the slice is neither all black nor all white in a window."""
    low, high = window.centre_hu - window.width_hu / 2, window.centre_hu + window.width_hu / 2
    return bool(max((hu <= low).mean(), (hu >= high).mean()) < _ALL)
