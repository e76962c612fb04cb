"""A region that somebody drew on an image, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..coordinates import Outline

Kind = Literal["SR", "SEG", "GSPS", "RTSTRUCT"]


@dataclass(frozen=True, slots=True)
class Overlay:
    """One region on one image, and whose it is; shown on that image of that series, or not at all.

    Attributes
    ----------
    sop_uid : str
    frame_number : int
        From 1.
    slice_index : int
        Of that image in the series the overlay was read for.
    outlines_slice : tuple of outlines
        Lines in slice pixels; those of one region are filled by the even-odd rule, so that one inside another
        is a hole. A line of one point marks that point.
    closed : bool
        Whether each line ends where it begins (its first point is not repeated).
    label, maker : str
        What it is called, and who made it; plain text from a file.
    object_uid : str
        SOP instance UID of the object it was read from.
    """

    kind: Kind
    sop_uid: str
    frame_number: int
    slice_index: int
    outlines_slice: tuple[Outline, ...]
    closed: bool
    label: str
    maker: str
    object_uid: str


@dataclass(frozen=True, slots=True)
class Overlays:
    """What objects draw on a series, and what of them is not drawn and why (a sentence each)."""

    regions: tuple[Overlay, ...]
    notes: tuple[str, ...] = ()

    def on(self, slice_index: int) -> tuple[Overlay, ...]:
        """The overlays of one slice."""
        return tuple(region for region in self.regions if region.slice_index == slice_index)
