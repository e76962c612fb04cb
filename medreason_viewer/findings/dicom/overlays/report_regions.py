"""Regions of structured reports, in whichever template they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from ..coordinates import Outline
from ..text import spoken_name
from .overlay import Overlay
from .placing import Placing, pairs
from .shapes import circle, ellipse, flat_ellipse

_FINDING, _TRACKING = ("121071", "DCM"), ("112039", "DCM")
_PERSON, _DEVICE = ("121008", "DCM"), ("121013", "DCM")
_FLAT: Final[dict[str, Callable[[Outline], Outline]]] = {
    "POINT": lambda points: points,
    "MULTIPOINT": lambda points: points,
    "POLYLINE": lambda points: points,
    "CIRCLE": circle,
    "ELLIPSE": flat_ellipse,
}
_SPATIAL: Final[dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]]] = {
    "POINT": lambda points: points,
    "MULTIPOINT": lambda points: points,
    "POLYLINE": lambda points: points,
    "POLYGON": lambda points: points,
    "ELLIPSE": ellipse,
}
_ROUND: Final = ("CIRCLE", "ELLIPSE", "POLYGON")
_DEEPEST: Final = 30


@dataclass(frozen=True, slots=True)
class _Report:
    """What its overlays have in common."""

    placing: Placing
    maker: str
    uid: str

    def overlays(self, index: int, points: Outline, graphic_type: str, label: str) -> Iterator[Overlay]:
        frame, closed = self.placing.series.frames[index], graphic_type in _ROUND
        if len(points) > 2 and points[0] == points[-1]:
            points, closed = points[:-1], True
        outlines = tuple((point,) for point in points) if graphic_type == "MULTIPOINT" else (points,)
        yield Overlay("SR", frame.sop_uid, frame.number, index, outlines, closed, label, self.maker, self.uid)


def report_regions(report: Dataset, placing: Placing) -> Iterator[Overlay]:
    """Each SCOORD on the image it was selected from, each SCOORD3D in the plane it lies in."""
    read = _Report(placing, _maker(report), str(report.SOPInstanceUID))
    yield from _regions(report, read, "", 0)


def _regions(item: Dataset, read: _Report, label: str, depth: int) -> Iterator[Overlay]:
    if depth > _DEEPEST:
        return
    own = _label(item) or label
    for child in item.get("ContentSequence", ()):
        kind = child.get("ValueType")
        if kind == "SCOORD":
            yield from _flat(child, read, own or _name(child))
        elif kind == "SCOORD3D":
            yield from _spatial(child, read, own or _name(child))
        yield from _regions(child, read, own, depth + 1)


def _flat(item: Dataset, read: _Report, label: str) -> Iterator[Overlay]:
    shape = _FLAT.get(str(item.GraphicType))
    if shape is None:
        read.placing.problems.append("its shape is not known")
        return
    images = [
        reference
        for child in item.get("ContentSequence", ())
        if child.get("ValueType") == "IMAGE"
        for reference in child.get("ReferencedSOPSequence", ())
    ]
    for index in read.placing.of_references(images):
        yield from read.overlays(index, shape(pairs(item.GraphicData)), str(item.GraphicType), label)


def _spatial(item: Dataset, read: _Report, label: str) -> Iterator[Overlay]:
    shape = _SPATIAL.get(str(item.GraphicType))
    if shape is None:
        read.placing.problems.append("its shape lies on no single slice")
        return
    points = shape(np.array(item.GraphicData, np.float64).reshape(-1, 3))
    index = read.placing.in_space(points, str(item.get("ReferencedFrameOfReferenceUID", "")))
    if index is not None:
        flat = read.placing.on_slice(index, points)
        yield from read.overlays(index, flat, str(item.GraphicType), label)


def _label(item: Dataset) -> str:
    """What a group of measurements is about: its finding, else its tracking identifier."""
    for wanted in (_FINDING, _TRACKING):
        for child in item.get("ContentSequence", ()):
            if _code(child) == wanted:
                return _value(child)
    return ""


def _maker(report: Dataset) -> str:
    observers = [
        _value(child) for child in report.get("ContentSequence", ()) if _code(child) in (_PERSON, _DEVICE)
    ]
    made = ", ".join(part for part in observers if part) or str(report.get("Manufacturer", "") or "")
    return made if report.get("VerificationFlag") == "VERIFIED" else f"{made}, unverified".lstrip(", ")


def _code(item: Dataset) -> tuple[str, str]:
    for code in item.get("ConceptNameCodeSequence", ()):
        return str(code.get("CodeValue", "")), str(code.get("CodingSchemeDesignator", ""))
    return "", ""


def _name(item: Dataset) -> str:
    for code in item.get("ConceptNameCodeSequence", ()):
        return str(code.get("CodeMeaning", ""))
    return ""


def _value(item: Dataset) -> str:
    for code in item.get("ConceptCodeSequence", ()):
        return str(code.get("CodeMeaning", ""))
    return str(item.get("TextValue") or spoken_name(item.get("PersonName")))
