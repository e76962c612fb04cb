"""A case on its way into a data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.data.case import Case, Split


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A case as a reader found it, not yet part of a data set; it alone still knows the patient's own id.

    Attributes
    ----------
    where : str
        File and row, for a person to find it.
    case : Case
        ``case.patient`` is the source's id.
    pixels : array of int16, shape (row, col), or of uint8, shape (row, col, 3)
        HU, or a finished picture; ``case.pixels`` says which.
    mask : array of bool, shape (row, col)
        The lesion; empty where there is none.
    split : Split or None
        As the source gives it.
    """

    where: str
    case: Case
    pixels: NDArray[np.int16] | NDArray[np.uint8]
    mask: NDArray[np.bool_]
    split: Split | None = None

    def __post_init__(self) -> None:
        if self.pixels.shape[:2] != self.mask.shape:
            raise ValueError("pixels and mask are not of one slice")
        if self.case.box_slice is not None and not self.case.box_slice.fits(*self.mask.shape):
            raise ValueError("the box lies outside the image")
