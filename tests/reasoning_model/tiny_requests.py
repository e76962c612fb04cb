"""What the tests of this room ask: a manifest for the tiny model, and requests on a synthetic slice."""

from __future__ import annotations

import uuid

import numpy as np

from medreason_viewer.reasoning.bundles.manifest import DecodingSpec, ImageSpec, Manifest
from medreason_viewer.reasoning.request import ExplainRequest, Scope
from medreason_viewer.volume.ct import ImageKey
from medreason_viewer.volume.geometry import SliceBox, SlicePlane
from medreason_viewer.volume.window import Window

MANIFEST = Manifest(
    name="tiny",
    base_model="random",
    licence="Apache-2.0",
    intended_use="tests",
    trained_on="nothing",
    image=ImageSpec(min_pixels=112 * 112, max_pixels=112 * 112),
    decoding=DecodingSpec(24, 48),
)


def slice_request(**changes: object) -> ExplainRequest:
    """A request about a box around a bright disc in the right half of a disc-shaped body."""
    rows, cols = np.mgrid[0:64, 0:64]
    hu = np.where((rows - 32) ** 2 + (cols - 32) ** 2 < 28**2, 40.0, -1000.0)
    lung = (rows - 30) ** 2 + (cols - 20) ** 2 < 10**2
    hu[lung] = -850
    hu[(rows - 30) ** 2 + (cols - 20) ** 2 < 3**2] = 30
    key = ImageKey("p", "1.2", "1.2.3", "1.2.3.4", 1, "1.2.9", (0, 0, 0), (1, 0, 0), (0, 1, 0), (2, 2), "ab")
    values: dict[str, object] = {
        "id": uuid.uuid4().hex,
        "key": key,
        "slice_index": 7,
        "hu": hu,
        "padding": np.zeros(hu.shape, np.bool_),
        "plane": SlicePlane((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (2.0, 2.0)),
        "display_window": Window(-600, 1500),
        "scope": Scope("CT", "CHEST", "axial", "", ""),
        "box_slice": SliceBox(16, 26, 25, 35),
    }
    return ExplainRequest(**(values | changes))  # type: ignore[arg-type]
