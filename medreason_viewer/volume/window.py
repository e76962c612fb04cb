"""HU to grey: the single implementation of windowing, for screen, model and training alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Window:
    """A display window in HU.

    Raises
    ------
    ValueError
        If the width is not positive or a value is not finite.
    """

    centre_hu: float
    width_hu: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.centre_hu) and np.isfinite(self.width_hu) and self.width_hu > 0):
            raise ValueError(f"not a window: {self}")


PRESETS: Final[dict[str, Window]] = {
    "brain": Window(40, 80),
    "subdural": Window(75, 200),
    "stroke": Window(40, 40),
    "lung": Window(-600, 1500),
    "mediastinum": Window(50, 350),
    "abdomen": Window(40, 400),
    "liver": Window(90, 150),
    "bone": Window(480, 2500),
    "angio": Window(200, 600),
}


def to_grey(hu: NDArray[np.floating], window: Window) -> NDArray[np.uint8]:
    """Grey values of HU in a window, linearly (LINEAR_EXACT of DICOM PS3.3 C.11.2.1.3.2).

    Parameters
    ----------
    hu : array of float, any shape
        Hounsfield units.

    Returns
    -------
    array of uint8, same shape
        0 at and below the window's lower edge, 255 at and above its upper edge.
    """
    low = window.centre_hu - window.width_hu / 2
    grey = (np.asarray(hu, dtype=np.float64) - low) * (255.0 / window.width_hu)
    return np.rint(np.clip(grey, 0, 255)).astype(np.uint8)


def grey_table(
    dtype: np.dtype[np.int16] | np.dtype[np.uint16], slope: float, intercept: float, window: Window
) -> NDArray[np.uint8]:
    """A table from stored values to grey, indexed by the value's 16 bits read as ``uint16``.

    Parameters
    ----------
    dtype : int16 or uint16
        How the stored values are to be understood.
    slope, intercept : float
        Modality rescale: HU = stored * slope + intercept.

    Returns
    -------
    array of uint8, shape (65536,)
        ``table[stored.view(np.uint16)]`` equals ``to_grey(stored * slope + intercept, window)``.
    """
    stored = np.arange(65536, dtype=np.uint16).view(dtype)
    return to_grey(stored * np.float64(slope) + np.float64(intercept), window)
