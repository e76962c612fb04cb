"""Structure sets as outlines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from pydicom.dataset import Dataset

from ..contours import Structure, structures
from ..coordinates import Outline
from ..text import spoken_name
from .overlay import Overlay
from .placing import Placing


def structure_regions(dataset: Dataset, placing: Placing) -> Iterator[Overlay]:
    """Each region of interest on each slice; contours that enclose nothing as lines of their own."""
    for region in structures(dataset):
        by_slice: dict[tuple[int, bool], list[Outline]] = defaultdict(list)
        for contour in region.contours:
            reference = region.frame_of_reference or str(dataset.get("FrameOfReferenceUID", ""))
            index = placing.in_space(contour.points_mm, reference, contour.references)
            if index is not None:
                by_slice[index, contour.closed].append(placing.on_slice(index, contour.points_mm))
        for (index, closed), outlines in by_slice.items():
            frame = placing.series.frames[index]
            yield Overlay(
                "RTSTRUCT",
                frame.sop_uid,
                frame.number,
                index,
                tuple(outlines),
                closed,
                region.name,
                _maker(dataset, region),
                str(dataset.SOPInstanceUID),
            )


def _maker(dataset: Dataset, region: Structure) -> str:
    parts = (
        spoken_name(region.interpreter),
        spoken_name(dataset.get("OperatorsName")),
        dataset.get("Manufacturer"),
    )
    return ", ".join(str(part) for part in parts if part)
