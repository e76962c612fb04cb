"""What the viewer would measure of a case's region: the truth beside which a model's words are judged."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from medreason_viewer.reasoning import evidence
from medreason_viewer.reasoning.request import Evidence, Side
from medreason_viewer.volume.geometry import SliceBox, SlicePlane
from medreason_viewer.volume.measure import box_statistics, statistics

from ..data.case import Case
from ..data.dataset import DataSet

_SIDES: Final[dict[str, Side]] = {"right": "right", "left": "left", "midline": "midline"}


def measured(data: DataSet, index: int) -> Evidence | None:
    """Measurements of a case's region; None for a case without a region, or without HU.

    The lesion is the drawn one, a phantom's, or what the viewer itself segments inside the box. Where there
    is but a box, there is no lesion: only the side can be said. The side is that of the data set.
    """
    case = data.cases[index]
    if case.box_slice is None or case.pixels != "hu":
        return None
    hu, plane, side = data.hu(index), _plane(case), _SIDES.get(case.side)
    if case.mask_from == "segmented":
        found = evidence.measure(hu, np.zeros(hu.shape, np.bool_), plane, case.box_slice)
        return Evidence(found.box, found.lesion, side, found.lesion_outline_slice, found.lesion_cut)
    box = box_statistics(hu, np.zeros(hu.shape, np.bool_), case.box_slice, plane)
    if case.mask_from not in ("drawn", "phantom"):
        return Evidence(box, None, side)
    mask = _inside(data.mask(index), case.box_slice)
    return Evidence(box, statistics(hu, mask, plane) if mask.any() else None, side)


def _plane(case: Case) -> SlicePlane | None:
    """Where the slice lies; its spacing alone, at no place in particular, is enough to measure lengths."""
    if case.plane is not None or case.spacing_mm is None:
        return case.plane
    return SlicePlane((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), case.spacing_mm)


def _inside(mask: NDArray[np.bool_], box: SliceBox) -> NDArray[np.bool_]:
    """The lesion in the box: others of the slice have no part in it."""
    inside = np.zeros_like(mask)
    x0, y0, x1, y1 = int(box.x0), int(box.y0), int(np.ceil(box.x1)), int(np.ceil(box.y1))
    inside[y0:y1, x0:x1] = mask[y0:y1, x0:x1]
    return inside
