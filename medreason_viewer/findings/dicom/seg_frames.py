"""The frames of a segmentation: masks with their planes, and the images they were drawn over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.utils import iter_pixels

from ...volume.geometry import SlicePlane

Mask = NDArray[np.bool_]
_SAME_MM: Final = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class SegFrame:
    """One frame.

    Attributes
    ----------
    number : int
        From 1.
    references : tuple of Dataset
        The images it was derived from, as the object names them; may be empty.
    pixels : array, shape (row, col)
        As stored: segment numbers if ``segment`` is None (a label map), else values of that segment, which
        count from ``least`` on.
    """

    number: int
    plane: SlicePlane
    references: tuple[Dataset, ...]
    pixels: NDArray[Any]
    segment: int | None
    least: float

    def masks(self) -> Iterator[tuple[int, Mask]]:
        """Each segment that the frame shows, by number, as a mask on the frame's own grid; one at a time."""
        if self.segment is not None:
            yield self.segment, self.pixels >= self.least
            return
        for number in np.unique(self.pixels[self.pixels > 0]):
            yield int(number), self.pixels == number

    def corner_mm(self) -> NDArray[np.float64]:
        """Where the first pixel's centre lies; LPS mm, shape (1, 3)."""
        return self.plane.to_mm(0.5, 0.5)[None]


def segment_labels(seg: Dataset) -> dict[int, str]:
    """What each segment is called."""
    return {int(item.SegmentNumber): str(item.SegmentLabel) for item in seg.SegmentSequence}


def seg_frames(seg: Dataset, decoding_plugin: str = "") -> Iterator[SegFrame]:
    """The frames in their order, one in memory at a time; a fractional segment counts from half on.

    Parameters
    ----------
    decoding_plugin : str
        The only one of pydicom's decoders to use; any by default.

    Raises
    ------
    whatever pydicom does where elements are missing or pixels cannot be decoded
    """
    for index, pixels in enumerate(iter_pixels(seg, raw=True, decoding_plugin=decoding_plugin)):
        plane, references = plane_of_frame(seg, index), _references(seg, index)
        yield SegFrame(index + 1, plane, references, pixels, _segment(seg, index), _least(seg))


def plane_of_frame(seg: Dataset, index: int) -> SlicePlane:
    """Where a frame, counted from 0, lies."""
    x, y, z = _numbers(_group(seg, index, "PlanePositionSequence").ImagePositionPatient)
    axes = _numbers(_group(seg, index, "PlaneOrientationSequence").ImageOrientationPatient)
    row_mm, col_mm = _numbers(_group(seg, index, "PixelMeasuresSequence").PixelSpacing)
    return SlicePlane((x, y, z), (axes[0], axes[1], axes[2]), (axes[3], axes[4], axes[5]), (row_mm, col_mm))


def onto(mask: Mask, plane: SlicePlane, image: SlicePlane, shape: tuple[int, int]) -> Mask:
    """A mask on an image's own pixels: one by one where the grids agree, else by the nearest.

    Parameters
    ----------
    mask : array of bool, shape (row, col)
        On ``plane``.
    shape : tuple of int
        (rows, cols) of the image, which lies on the plane ``image``.
    """
    corners = [(0.5, 0.5), (shape[1] - 0.5, 0.5), (0.5, shape[0] - 0.5)]
    placed = [np.array(plane.to_slice(image.to_mm(x, y))) for x, y in corners]
    if mask.shape == shape and all(
        np.hypot(*(there - here)) < _SAME_MM for there, here in zip(placed, corners, strict=True)
    ):
        return mask
    origin, right, down = placed
    across, along = (right - origin) / max(shape[1] - 1, 1), (down - origin) / max(shape[0] - 1, 1)
    rows, cols = np.indices(shape)
    x, y = (np.floor(origin[axis] + cols * across[axis] + rows * along[axis]).astype(int) for axis in (0, 1))
    inside = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    moved = np.zeros(shape, np.bool_)
    moved[inside] = mask[y[inside], x[inside]]
    return moved


def _group(seg: Dataset, index: int, name: str) -> Dataset:
    """A functional group of one frame, or else the one that all frames share."""
    own = seg.PerFrameFunctionalGroupsSequence[index]
    holder = own if name in own else seg.SharedFunctionalGroupsSequence[0]
    group: Dataset = getattr(holder, name)[0]
    return group


def _numbers(values: Any) -> list[float]:
    return [float(value) for value in values]


def _segment(seg: Dataset, index: int) -> int | None:
    if seg.SegmentationType == "LABELMAP":
        return None
    return int(_group(seg, index, "SegmentIdentificationSequence").ReferencedSegmentNumber)


def _least(seg: Dataset) -> float:
    return int(seg.MaximumFractionalValue) / 2 if seg.SegmentationType == "FRACTIONAL" else 1


def _references(seg: Dataset, index: int) -> tuple[Dataset, ...]:
    try:
        return tuple(_group(seg, index, "DerivationImageSequence").get("SourceImageSequence") or ())
    except (AttributeError, IndexError):
        return ()
