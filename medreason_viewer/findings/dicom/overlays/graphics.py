"""Presentation states as outlines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from pydicom.dataset import Dataset

from ..coordinates import Outline
from ..text import spoken_name
from .overlay import Overlay
from .placing import Placing, pairs
from .shapes import circle, flat_ellipse

_SHAPES: Final[dict[str, Callable[[Outline], Outline]]] = {
    "POINT": lambda points: points,
    "POLYLINE": lambda points: points,
    "INTERPOLATED": lambda points: points,
    "CIRCLE": circle,
    "ELLIPSE": flat_ellipse,
}
_NOT_IN_PIXELS: Final = "it is drawn on the screen, not on the image"


def graphics(state: Dataset, placing: Placing) -> Iterator[Overlay]:
    """Lines, and texts as labelled points, of each annotation on each image it refers to."""
    for annotation in state.get("GraphicAnnotationSequence", ()):
        references = annotation.get("ReferencedImageSequence") or list(_all_images(state))
        slices = list(placing.of_references(references))
        drawn = [*_lines(annotation, placing), *_texts(annotation, placing)] if slices else []
        for index in slices:
            frame = placing.series.frames[index]
            for outline, closed, label in drawn:
                yield Overlay(
                    "GSPS",
                    frame.sop_uid,
                    frame.number,
                    index,
                    (outline,),
                    closed,
                    label,
                    _maker(state),
                    str(state.SOPInstanceUID),
                )


_Drawn = tuple[Outline, bool, str]


def _lines(annotation: Dataset, placing: Placing) -> Iterator[_Drawn]:
    for item in annotation.get("GraphicObjectSequence", ()):
        shape = _SHAPES.get(str(item.GraphicType))
        if shape is None or item.GraphicAnnotationUnits != "PIXEL":
            placing.problems.append(_NOT_IN_PIXELS)
            continue
        points = shape(pairs(item.GraphicData))
        closed = str(item.GraphicType) in ("CIRCLE", "ELLIPSE")
        if len(points) > 2 and points[0] == points[-1]:
            points, closed = points[:-1], True
        yield points, closed, str(item.get("TrackingID", "") or annotation.get("GraphicLayer", ""))


def _texts(annotation: Dataset, placing: Placing) -> Iterator[_Drawn]:
    for item in annotation.get("TextObjectSequence", ()):
        point, units = item.get("AnchorPoint"), item.get("AnchorPointAnnotationUnits")
        if point is None:
            point, units = item.get("BoundingBoxTopLeftHandCorner"), item.get("BoundingBoxAnnotationUnits")
        if point is None or units != "PIXEL":
            placing.problems.append(_NOT_IN_PIXELS)
            continue
        yield pairs(point), False, str(item.get("UnformattedTextValue", ""))


def _all_images(state: Dataset) -> Iterator[Dataset]:
    for series in state.get("ReferencedSeriesSequence", ()):
        yield from series.get("ReferencedImageSequence", ())


def _maker(state: Dataset) -> str:
    parts = (spoken_name(state.get("ContentCreatorName")), state.get("Manufacturer"))
    return ", ".join(str(part) for part in parts if part)
