"""Going through a stack in the order in which it is read, whichever way its slices are counted."""

from __future__ import annotations

from PySide6.QtCore import QObject

from ...volume.slices import PlaneName3


class ReadingOrder(QObject):
    """Slices by their place in reading order.

    Attributes
    ----------
    plane_name, slice_index
        The plane shown and the 0-based slice in it.
    """

    plane_name: PlaneName3
    slice_index: int

    @property
    def slice_count(self) -> int:
        """Slices in the plane shown."""
        raise NotImplementedError

    def go_to_slice(self, index: int) -> None:
        """Show a slice."""
        raise NotImplementedError

    @property
    def reads_upward(self) -> bool:
        """Whether reading order runs against ``slice_index``: axial images are read from head to feet."""
        return self.plane_name == "axial"

    @property
    def reading_place(self) -> int:
        """Place of the slice shown in reading order; 0 is the first."""
        return self.slice_count - 1 - self.slice_index if self.reads_upward else self.slice_index

    def go_to_reading_place(self, place: int) -> None:
        """Show the slice at a place in reading order."""
        self.go_to_slice(self.slice_count - 1 - place if self.reads_upward else place)

    def scroll(self, images: int) -> None:
        """Move on by ``images`` in reading order."""
        self.go_to_reading_place(self.reading_place + images)
