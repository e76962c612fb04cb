"""Regions that others drew, read back from their SR, SEG, GSPS and RTSTRUCT."""

from .objects import overlays_of
from .overlay import Overlay, Overlays

__all__ = ["Overlay", "Overlays", "overlays_of"]
