"""What was measured in the region, and which of the model's claims it supports or contradicts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..volume import measure as volume_measure
from ..volume.geometry import SliceBox, SlicePlane
from .request import Check, Evidence


def measure(
    hu: NDArray[np.float64], padding: NDArray[np.bool_], plane: SlicePlane | None, box_slice: SliceBox
) -> Evidence:
    """Measure a region: the box, the lesion that stands out inside it, and the side of the body.

    Parameters
    ----------
    hu, padding : arrays, shape (row, col)
    plane : SlicePlane or None
        None leaves millimetres and side out.

    Raises
    ------
    RegionError
        If the box leaves the slice or holds nothing but padding.
    """
    box = volume_measure.box_statistics(hu, padding, box_slice, plane)
    mask = volume_measure.segment_lesion(hu, padding, box_slice)
    if mask is None:
        return Evidence(box, None, volume_measure.body_side(hu, padding, plane, *box_slice.centre))
    side = volume_measure.body_side(hu, padding, plane, *volume_measure.mask_centre(mask))
    lesion = volume_measure.statistics(hu, mask, plane)
    return Evidence(box, lesion, side, volume_measure.outline(mask))


def check(text: str, evidence: Evidence) -> tuple[Check, ...]:
    """The claims of a sentence beside what was measured."""
    return ()
