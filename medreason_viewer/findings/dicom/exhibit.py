"""A finding beside the very image it belongs to: all that an object is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportRefused, RegionError
from ...reasoning.evidence import measure
from ...reasoning.request import Evidence
from ...volume.ct import CtVolume
from ...volume.geometry import SliceBox, SlicePlane
from ...volume.measure import outline, segment_lesion
from ...volume.series import Frame, Series
from ..finding import Finding
from .contours import filled
from .header import SourceHeader, source_header
from .origin import PURPOSE

OTHER_IMAGES: Final = (
    "These are not the images of this finding: its key names other pixels. Give its own images."
)


@dataclass(frozen=True, slots=True, eq=False)
class Exhibit:
    """What an object says, and what it refers to.

    Attributes
    ----------
    evidence : Evidence or None
        Of the region that counts now, measured anew if the reader moved it; None where they left none.
    lesion : array of bool, shape (row, col), or None
        What stands out inside that region.
    """

    finding: Finding
    header: SourceHeader
    series: Series
    frame: Frame
    evidence: Evidence | None
    lesion: NDArray[np.bool_] | None

    @property
    def plane(self) -> SlicePlane:
        """Where the slice lies."""
        assert self.frame.plane is not None  # or there would be no header
        return self.frame.plane

    @property
    def in_hu(self) -> bool:
        """Whether the values are Hounsfield units."""
        return "not_hu" not in {note.code for note in self.series.warnings}

    @property
    def standing(self) -> str:
        """Whether a reader stands behind it, and what it is, in a line: as every object says."""
        judged = self.finding.judgement
        return f"AI-generated, {judged.verdict if judged else 'not verified'}: {PURPOSE}"

    def region(self) -> SliceBox:
        """The region that counts now.

        Raises
        ------
        ExportRefused
            If the reader left none.
        """
        if self.finding.box_slice is None:
            raise ExportRefused("The reader left no region, so there is nothing to mark.")
        return self.finding.box_slice


def exhibit(finding: Finding, volume: CtVolume, slice_index: int) -> Exhibit:
    """Put a finding beside its image, which has to be loaded.

    Raises
    ------
    ExportRefused
        If it is another image, or one that no object can refer to.
    """
    check_images(finding, volume, slice_index)
    frame = volume.series.frames[slice_index]
    header = source_header(frame)
    return Exhibit(finding, header, volume.series, frame, *measured(finding, volume, slice_index))


def check_images(finding: Finding, volume: CtVolume, slice_index: int) -> None:
    """Whether the finding belongs to that loaded slice: its whole key, pixels among it.

    Raises
    ------
    ExportRefused
        If it does not.
    """
    if not volume.loaded[slice_index] or volume.key(slice_index) != finding.explanation.key:
        raise ExportRefused(OTHER_IMAGES)


def measured(
    finding: Finding, volume: CtVolume, slice_index: int
) -> tuple[Evidence | None, NDArray[np.bool_] | None]:
    """Evidence and lesion of the region that counts now; None where the reader left no region.

    Raises
    ------
    ExportRefused
        If the region cannot be measured: it leaves the slice, or holds padding only.
    """
    box = finding.box_slice
    if box is None:
        return None, None
    hu, padding = volume.hu(slice_index), volume.padding(slice_index)
    try:
        again = measure(hu, padding, volume.series.frames[slice_index].plane, box)
    except RegionError as error:
        raise ExportRefused(str(error)) from error
    unmoved = box == finding.explanation.region.box_slice
    evidence = finding.explanation.evidence if unmoved else again
    return evidence, _lesion(evidence, segment_lesion(hu, padding, box), hu.shape)


def _lesion(
    evidence: Evidence, again: NDArray[np.bool_] | None, shape: tuple[int, ...]
) -> NDArray[np.bool_] | None:
    """The lesion that the evidence speaks of; another version of the program may have seen another."""
    told = evidence.lesion_outline_slice
    if not told:
        return None
    if again is not None and outline(again) == told:
        return again
    return filled(np.array(told), shape[0], shape[1])
