"""Regions that others drew, read back from their SR, SEG, GSPS and RTSTRUCT."""

from .objects import objects_below, overlays_of
from .overlay import Overlay, Overlays

__all__ = ["Overlay", "Overlays", "objects_below", "overlays_of"]
