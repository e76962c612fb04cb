"""DICOM SEG: each segment's frames as masks on the images they were drawn over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from medreason_viewer.volume.dicom.names import SEGMENTATION_CLASSES
from medreason_viewer.volume.geometry import SlicePlane

from .images import Library, Place
from .intake import Intake
from .marked import Form, Marked, Mask, objection, place_of

_SAME_MM: Final = 0.01
_ALIGNED: Final = 0.999  # of the cosine between normals: 2.6 degrees


def segments(path: Path, library: Library, intake: Intake) -> Iterator[Marked]:
    """The segments of a SEG file with their masks on the library's images.

    Frames are placed by the image they refer to, or else by where they lie; their pixels are taken over one
    by one where the grids agree, else by the nearest. A fractional segment counts from half on.
    """
    try:
        seg = pydicom.dcmread(path)
        frames = seg.pixel_array.reshape(-1, int(seg.Rows), int(seg.Columns))
        labels = {int(item.SegmentNumber): str(item.SegmentLabel) for item in seg.SegmentSequence}
        planes = [_plane(seg, number) for number in range(len(frames))]
    except (OSError, ValueError, AttributeError, IndexError, RuntimeError, NotImplementedError) as error:
        intake.problem(path.name, f"it cannot be read as a segmentation ({error})")
        return
    found: dict[int, list[tuple[Place, Mask]]] = {number: [] for number in labels}
    for number, (pixels, plane) in enumerate(zip(frames, planes, strict=True)):
        place = _place(seg, number, plane, library)
        problem = _objection(seg, place, plane)
        if place is None or problem:
            intake.problem(f"{path.name}, frame {number + 1}", problem)
            continue
        for segment, mask in _masks(seg, number, pixels):
            found.setdefault(segment, []).append((place, _onto(mask, plane, place)))
    for segment, masks in found.items():
        label = labels.get(segment, "")
        yield Marked(f"{path.name}, segment {segment} {label!r}", label, masks)


SEGMENTATIONS: Final = Form(
    "DICOM segmentations", "DICOM segmentation", tuple(SEGMENTATION_CLASSES), segments
)


def _groups(seg: Dataset, number: int, name: str) -> Dataset:
    """A functional group of one frame, or else the one that all frames share."""
    own = seg.PerFrameFunctionalGroupsSequence[number]
    holder = own if name in own else seg.SharedFunctionalGroupsSequence[0]
    group: Dataset = getattr(holder, name)[0]
    return group


def _plane(seg: Dataset, number: int) -> SlicePlane:
    def numbers(values: Any) -> list[float]:
        return [float(value) for value in values]

    x, y, z = numbers(_groups(seg, number, "PlanePositionSequence").ImagePositionPatient)
    axes = numbers(_groups(seg, number, "PlaneOrientationSequence").ImageOrientationPatient)
    row_mm, col_mm = numbers(_groups(seg, number, "PixelMeasuresSequence").PixelSpacing)
    return SlicePlane((x, y, z), (axes[0], axes[1], axes[2]), (axes[3], axes[4], axes[5]), (row_mm, col_mm))


def _masks(seg: Dataset, number: int, pixels: NDArray[Any]) -> Iterator[tuple[int, Mask]]:
    """The segments that a frame shows."""
    if seg.SegmentationType == "LABELMAP":
        for segment in np.unique(pixels[pixels > 0]):
            yield int(segment), pixels == segment
        return
    segment = int(_groups(seg, number, "SegmentIdentificationSequence").ReferencedSegmentNumber)
    least = int(seg.MaximumFractionalValue) / 2 if seg.SegmentationType == "FRACTIONAL" else 1
    yield segment, pixels >= least


def _place(seg: Dataset, number: int, plane: SlicePlane, library: Library) -> Place | None:
    try:
        sources = _groups(seg, number, "DerivationImageSequence").get("SourceImageSequence")
    except (AttributeError, IndexError):
        sources = None
    return place_of(sources, plane.to_mm(0.5, 0.5), str(seg.get("FrameOfReferenceUID", "")), library)


def _objection(seg: Dataset, place: Place | None, plane: SlicePlane) -> str:
    problem = objection(place, str(seg.get("PatientID", "")), plane.to_mm(0.5, 0.5)[None])
    if problem or place is None or place.frame.plane is None:
        return problem
    aligned = abs(float(place.frame.plane.normal @ plane.normal)) >= _ALIGNED
    return "" if aligned else "it does not lie in the plane of the image it refers to"


def _onto(mask: Mask, plane: SlicePlane, place: Place) -> Mask:
    """The mask on the image's own pixels."""
    image, shape = place.frame.plane, (place.series.rows, place.series.cols)
    assert image is not None
    corners = [(0.5, 0.5), (shape[1] - 0.5, 0.5), (0.5, shape[0] - 0.5)]
    if mask.shape == shape and all(
        np.hypot(*np.subtract(plane.to_slice(image.to_mm(x, y)), (x, y))) < _SAME_MM for x, y in corners
    ):
        return mask
    origin, right, down = (np.array(plane.to_slice(image.to_mm(x, y))) for x, y in corners)
    across, along = (right - origin) / max(shape[1] - 1, 1), (down - origin) / max(shape[0] - 1, 1)
    rows, cols = np.indices(shape)
    x, y = (np.floor(origin[axis] + cols * across[axis] + rows * along[axis]).astype(int) for axis in (0, 1))
    inside = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    moved = np.zeros(shape, np.bool_)
    moved[inside] = mask[y[inside], x[inside]]
    return moved
