"""Segmentations as outlines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from ....volume.dicom.names import DEFLATED, NATIVE_SYNTAXES
from ..seg_frames import SegFrame, onto, seg_frames
from ..text import spoken_name
from .overlay import Overlay
from .placing import Placing
from .shapes import mask_outlines, pieces

_ALIGNED: Final = 0.999  # of the cosine between normals: 2.6 degrees
_OWN_DECODER: Final = {
    str(RLELossless): "pydicom"
}  # plain Python: no foreign decoder sees a foreign file here
_MOST_PIXELS: Final = 2**32
_MOST_PIECES: Final = 4096  # on one slice: more is noise, and takes seconds to trace


def masks(seg: Dataset, placing: Placing) -> Iterator[Overlay]:
    """Each segment of each frame, traced along its pixels' edges."""
    syntax = str(seg.file_meta.TransferSyntaxUID)
    if syntax not in (*NATIVE_SYNTAXES, DEFLATED, *_OWN_DECODER):
        placing.problems.append("its pixels are compressed in a way that is not read here")
        return
    if int(seg.Rows) * int(seg.Columns) * int(seg.get("NumberOfFrames") or 1) > _MOST_PIXELS:
        placing.problems.append("it is too large")
        return
    named = {int(item.SegmentNumber): item for item in seg.SegmentSequence}
    for frame in seg_frames(seg, _OWN_DECODER.get(syntax, "")):
        index = placing.in_space(frame.corner_mm(), str(seg.get("FrameOfReferenceUID", "")), frame.references)
        if index is not None:
            yield from _on_slice(seg, frame, named, placing, index)


def _on_slice(
    seg: Dataset, frame: SegFrame, named: dict[int, Dataset], placing: Placing, index: int
) -> Iterator[Overlay]:
    series, image = placing.series, placing.series.frames[index]
    plane = image.plane
    assert plane is not None  # or the frame would not have been placed
    if abs(float(plane.normal @ frame.plane.normal)) < _ALIGNED:
        placing.problems.append("it does not lie in the plane of these images")
        return
    for segment, mask in frame.masks():
        moved = onto(mask, frame.plane, plane, (series.rows, series.cols))
        if pieces(moved) > _MOST_PIECES:
            placing.problems.append("it is in too many pieces")
        elif outlines := mask_outlines(moved):
            item = named.get(segment, Dataset())
            yield Overlay(
                "SEG",
                image.sop_uid,
                image.number,
                index,
                outlines,
                closed=True,
                label=str(item.get("SegmentLabel", "")),
                maker=_maker(seg, item),
                object_uid=str(seg.SOPInstanceUID),
            )


def _maker(seg: Dataset, segment: Dataset) -> str:
    parts = (
        spoken_name(seg.get("ContentCreatorName")),
        segment.get("SegmentAlgorithmName"),
        seg.get("Manufacturer"),
    )
    way = str(segment.get("SegmentAlgorithmType", "") or "").lower()
    return ", ".join(str(part) for part in (*parts, way) if part)
