"""A made-up axial slice with a ball in the patient's right lung, for the tests of this room."""

from __future__ import annotations

from typing import Any

import numpy as np

from medreason_viewer.reasoning.request import ExplainRequest, Scope
from medreason_viewer.volume.ct import ImageKey
from medreason_viewer.volume.geometry import SliceBox, SlicePlane
from medreason_viewer.volume.window import Window

ROWS, COLS = 192, 256
PLANE = SlicePlane((-170.0, -130.0, 40.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.3, 1.3))
BALL = SliceBox(60, 86, 76, 102)
AROUND_BALL = SliceBox(54, 80, 82, 108)
IN_BALL = (68.0, 94.0)


def chest(ball_hu: float = 40.0) -> np.ndarray[Any, np.dtype[np.float64]]:
    """HU of a body with two lungs; shape (192, 256)."""
    y, x = np.mgrid[0:ROWS, 0:COLS] + 0.5

    def ellipse(cx: float, cy: float, rx: float, ry: float) -> Any:
        return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1

    hu = np.full((ROWS, COLS), -1000.0)
    hu[ellipse(128, 96, 118, 80)] = 40
    hu[ellipse(72, 94, 42, 58)] = -860
    hu[ellipse(184, 94, 42, 58)] = -860
    hu[ellipse(*IN_BALL, 8, 8)] = ball_hu
    return hu + np.random.default_rng(7).normal(0, 12, hu.shape)


def nothing_padded() -> np.ndarray[Any, np.dtype[np.bool_]]:
    """No padding on that slice."""
    return np.zeros((ROWS, COLS), np.bool_)


def key(**changes: Any) -> ImageKey:
    """The slice's key."""
    values: dict[str, Any] = {
        "patient_key": "P1",
        "study_uid": "1.2.1",
        "series_uid": "1.2.2",
        "sop_uid": "1.2.3",
        "frame_number": 1,
        "frame_of_reference_uid": "1.2.4",
        "origin_mm": PLANE.origin_mm,
        "x_axis": PLANE.x_axis,
        "y_axis": PLANE.y_axis,
        "spacing_mm": PLANE.spacing_mm,
        "pixels_sha256": "0" * 64,
    }
    return ImageKey(**(values | changes))


def request(**changes: Any) -> ExplainRequest:
    """A request about the ball's box; ``box_slice=None, point_slice=...`` for one about a point."""
    values: dict[str, Any] = {
        "id": "r1",
        "key": key(),
        "slice_index": 12,
        "hu": chest(),
        "padding": nothing_padded(),
        "plane": PLANE,
        "display_window": Window(50, 350),
        "scope": Scope("CT", "CHEST", "axial", "PHANTOM", ""),
        "box_slice": AROUND_BALL,
    }
    return ExplainRequest(**(values | changes))
