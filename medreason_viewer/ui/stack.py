"""How many slices a plane of a series has, and in which order a reader goes through them."""

from __future__ import annotations

from ..volume.series import PlaneName, Series


def plane_count(series: Series, plane_name: PlaneName) -> int:
    """Slices of a plane: the acquired one has one per frame, the others one per row or column."""
    if plane_name == series.plane_name:
        return len(series.frames)
    acquired_rows: dict[PlaneName, PlaneName] = {"axial": "coronal", "coronal": "axial", "sagittal": "axial"}
    return series.rows if acquired_rows.get(series.plane_name) == plane_name else series.cols


def reading_sign(plane_name: PlaneName) -> int:
    """+1 where the next image has a higher ``slice_index``, -1 for axial, which is read from head to feet."""
    return -1 if plane_name == "axial" else 1
