"""What is painted of one slice, as data: its pixels, where they lie, and what is drawn and written on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from PySide6.QtGui import QImage

from ..volume.geometry import Letters
from .overlay import OverlayItem
from .placement import Placement, Size, View, place

RESEARCH_USE: Final = "Research use only · not for diagnosis"
Lines = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Corners:
    """Lines of plain text for the four corners; empty lines are left out."""

    top_left: Lines = ()
    top_right: Lines = ()
    bottom_left: Lines = ()
    bottom_right: Lines = ()


@dataclass(frozen=True, slots=True)
class SliceScene:
    """All that is needed to paint one slice.

    Parameters
    ----------
    image : QImage or None
        Grey pixels, one per pixel of the slice; None where there are none to show.
    shape : tuple of int
        ``(rows, cols)`` of the slice.
    spacing_mm : tuple of float or None
        ``(row, col)``; None draws square pixels, and no scale bar.
    letters : Letters or None
        Patient directions at the edges; None without geometry.
    warnings : tuple of str
        What the reader must know of this image, a few words each.
    items : tuple of OverlayItem
        Regions, outlines and measurements, the last on top.
    notice : str
        A sentence in place of the image: loading, or why it cannot be shown.
    """

    image: QImage | None
    shape: tuple[int, int]
    spacing_mm: tuple[float, float] | None = None
    view: View = field(default_factory=View)
    letters: Letters | None = None
    corners: Corners = field(default_factory=Corners)
    warnings: tuple[str, ...] = ()
    items: tuple[OverlayItem, ...] = ()
    notice: str = ""
    footer: str = RESEARCH_USE

    def placement(self, size: Size) -> Placement:
        """Where the slice lies in a viewport of ``size`` logical pixels."""
        return place(self.view, self.shape, self.spacing_mm, size)
