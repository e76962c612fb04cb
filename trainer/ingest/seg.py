"""DICOM SEG: each segment's frames as masks on the images they were drawn over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pydicom
from pydicom.dataset import Dataset

from medreason_viewer.findings.dicom.seg_frames import SegFrame, onto, seg_frames, segment_labels
from medreason_viewer.volume.dicom.names import SEGMENTATION_CLASSES

from .images import Library, Place
from .intake import Intake
from .marked import Form, Marked, Mask, objection, place_of

_ALIGNED: Final = 0.999  # of the cosine between normals: 2.6 degrees


def segments(path: Path, library: Library, intake: Intake) -> Iterator[Marked]:
    """The segments of a SEG file with their masks on the library's images.

    Frames are placed by the image they refer to, or else by where they lie; their pixels are taken over one
    by one where the grids agree, else by the nearest. A fractional segment counts from half on.
    """
    try:
        seg = pydicom.dcmread(path)
        labels = segment_labels(seg)
        frames = list(seg_frames(seg))
    except (OSError, ValueError, AttributeError, IndexError, RuntimeError, NotImplementedError) as error:
        intake.problem(path.name, f"it cannot be read as a segmentation ({error})")
        return
    found: dict[int, list[tuple[Place, Mask]]] = {number: [] for number in labels}
    for frame in frames:
        place = _place(seg, frame, library)
        problem = _objection(seg, place, frame)
        if place is None or place.frame.plane is None or problem:
            intake.problem(f"{path.name}, frame {frame.number}", problem)
            continue
        shape = place.series.rows, place.series.cols
        for segment, mask in frame.masks():
            moved = onto(mask, frame.plane, place.frame.plane, shape)
            found.setdefault(segment, []).append((place, moved))
    for segment, masks in found.items():
        label = labels.get(segment, "")
        yield Marked(f"{path.name}, segment {segment} {label!r}", label, masks)


SEGMENTATIONS: Final = Form(
    "DICOM segmentations", "DICOM segmentation", tuple(SEGMENTATION_CLASSES), segments
)


def _place(seg: Dataset, frame: SegFrame, library: Library) -> Place | None:
    reference = str(seg.get("FrameOfReferenceUID", ""))
    return place_of(frame.references, frame.corner_mm()[0], reference, library)


def _objection(seg: Dataset, place: Place | None, frame: SegFrame) -> str:
    problem = objection(place, str(seg.get("PatientID", "")), frame.corner_mm())
    if problem or place is None or place.frame.plane is None:
        return problem
    aligned = abs(float(place.frame.plane.normal @ frame.plane.normal)) >= _ALIGNED
    return "" if aligned else "it does not lie in the plane of the image it refers to"
