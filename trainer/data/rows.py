"""One row of the table: its columns, and the way from a case to a row and back.

=============  =============================================================================================
patient        salted hash; empty where the source names nobody
split          train, validation or test
finding        the answer class; ``side``: right, left, midline or empty; ``level``: words or empty
x0 y0 x1 y1    the region in slice pixels (edges, half-open); null without one
corners_mm     its four corners, LPS mm, 12 numbers; null without region or geometry
plane_mm       centre of the first pixel, x axis, y axis: 9 numbers; ``row_mm``, ``col_mm``: spacing
size_mm        the lesion's long axis; ``thickness_mm``: of the slice
exhaustive     whether what is not marked is known to be absent
turns          list of {turn, question (null: the bundle's), options, answer, reliable, region (its own: four
               numbers in slice pixels; null where it is the case's)}
pixels         hu or picture; ``mask_from``: drawn, segmented, phantom, box or none
modality ...   ``body_part``, ``kernel``, ``plane_name``: coarse attributes
source         and ``licence``, in words
rows, cols     of the slice
hu             int16, little-endian, row order; null for a picture
picture        PNG in three channels, window burnt in; null for HU
mask           the lesion's bits (numpy.packbits)
=============  =============================================================================================
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

import datasets
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medreason_viewer.volume.geometry import SliceBox, SlicePlane

from .case import Case, Turn

_TEXTS: Final = (
    *("patient", "split", "finding", "side", "level", "source", "licence"),
    *("pixels", "mask_from", "modality", "body_part", "kernel", "plane_name"),
)
_NUMBERS: Final = ("x0", "y0", "x1", "y1", "size_mm", "row_mm", "col_mm", "thickness_mm")
BYTES: Final = ("hu", "picture", "mask")


def features() -> datasets.Features:
    """The columns and their types."""
    text, number, numbers = datasets.Value("string"), datasets.Value("float64"), datasets.Value("float64")
    turn = {
        **dict.fromkeys(("turn", "question", "answer"), text),
        "options": datasets.List(text),
        "reliable": datasets.Value("bool"),
        "region": datasets.List(number),
    }
    return datasets.Features(
        {
            **dict.fromkeys(_TEXTS, text),
            **dict.fromkeys(_NUMBERS, number),
            "corners_mm": datasets.List(numbers),
            "plane_mm": datasets.List(numbers),
            "exhaustive": datasets.Value("bool"),
            "turns": datasets.List(turn),
            "rows": datasets.Value("int32"),
            "cols": datasets.Value("int32"),
            **dict.fromkeys(BYTES, datasets.Value("binary")),
        }
    )


def parsed(row: dict[str, Any]) -> Case:
    """The case in a row, its pixels left out.

    Raises
    ------
    KeyError
        If a column is missing.
    TypeError, ValueError
        If a value makes no sense.
    """
    corners = [row[name] for name in ("x0", "y0", "x1", "y1")]
    plane, turns = row["plane_mm"], row["turns"]
    return Case(
        **{name: row[name] for name in _TEXTS},
        box_slice=None if corners[0] is None else SliceBox(*corners),
        size_mm=row["size_mm"],
        spacing_mm=None if row["row_mm"] is None else (row["row_mm"], row["col_mm"]),
        thickness_mm=row["thickness_mm"],
        exhaustive=row["exhaustive"],
        plane=None if not plane else _plane(plane, (row["row_mm"], row["col_mm"])),
        turns=tuple(_turn(turn) for turn in turns),
    )


def _turn(row: dict[str, Any]) -> Turn:
    region = row.get("region")  # sets made before it was asked about regions have none
    values = {name: value for name, value in row.items() if name not in ("region", "options")}
    box = SliceBox(*region) if region else None
    return Turn(**values, options=tuple(row["options"]), region_slice=box)


def _plane(numbers: Sequence[float], spacing_mm: tuple[float, float]) -> SlicePlane:
    x, y, z, *axes = numbers
    return SlicePlane((x, y, z), (axes[0], axes[1], axes[2]), (axes[3], axes[4], axes[5]), spacing_mm)


def as_row(
    case: Case, pixels: NDArray[np.int16] | NDArray[np.uint8], mask: NDArray[np.bool_]
) -> dict[str, Any]:
    """The row of a case with its pixels and mask."""
    corners = case.box_slice.as_tuple() if case.box_slice else (None,) * 4
    row_mm, col_mm = case.spacing_mm or (None, None)
    plane, region = case.plane, case.corners_mm
    return {
        **{name: getattr(case, name) for name in (*_TEXTS, "size_mm", "thickness_mm", "exhaustive")},
        **dict(zip(("x0", "y0", "x1", "y1"), corners, strict=True)),
        "row_mm": row_mm,
        "col_mm": col_mm,
        "corners_mm": None if region is None else region.ravel().tolist(),
        "plane_mm": None if plane is None else [*plane.origin_mm, *plane.x_axis, *plane.y_axis],
        "turns": [_turn_row(turn) for turn in case.turns],
        "rows": mask.shape[0],
        "cols": mask.shape[1],
        "hu": pixels.astype("<i2").tobytes() if case.pixels == "hu" else None,
        "picture": _png(pixels) if case.pixels == "picture" else None,
        "mask": np.packbits(mask).tobytes(),
    }


def _turn_row(turn: Turn) -> dict[str, Any]:
    return {
        "turn": turn.turn,
        "question": turn.question,
        "answer": turn.answer,
        "options": list(turn.options),
        "reliable": turn.reliable,
        "region": list(turn.region_slice.as_tuple()) if turn.region_slice else None,
    }


def _png(pixels: NDArray[Any]) -> bytes:
    """The picture written anew, so that nothing but its pixels is kept."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
