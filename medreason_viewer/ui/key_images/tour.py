"""Marking the image shown, and going from one key image to the next, also into another series or plane."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, Signal

from ...volume.series import Series
from ...volume.slices import PlaneName3, native_plane
from ..session import Session
from .marked import KeyImage

NO_IMAGE: Final = "There is no image here to mark yet: open a series, or wait until this slice has loaded."
NO_SLAB: Final = "A slab is no image of the series: turn it off (View > Slab) to mark the image it is about."
NO_KEY_IMAGES: Final = "There are no key images yet: mark the image shown with View > Key images."
_PLANES: Final[tuple[PlaneName3, ...]] = ("axial", "coronal", "sagittal")


class KeyImageTour(QObject):
    """What the reader does with key images.

    Signals
    -------
    message : str
        Why nothing happened, in a sentence.
    """

    message = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._waiting: KeyImage | None = None
        session.series_changed.connect(self._forget)
        session.volume_changed.connect(self._arrive)

    def toggle(self) -> None:
        """Mark the image shown, or take its mark away."""
        session = self._session
        if session.series is None or session.image() is None:
            self.message.emit(NO_IMAGE)
        elif session.slabs.chosen is not None:
            self.message.emit(NO_SLAB)
        else:
            session.key_images.toggle(session.series, session.plane_name, session.slice_index)

    def all(self) -> tuple[KeyImage, ...]:
        """The key images of all series that are open, in order."""
        scan = self._session.scan
        return self._session.key_images.among(scan.series) if scan else ()

    def step(self, by: int) -> None:
        """Show the next key image (1) or the one before (-1), round the end; any image may be shown now."""
        marked = self.all()
        if not marked:
            self.message.emit(NO_KEY_IMAGES)
            return
        ordered = marked if by > 0 else marked[::-1]
        here = self._rank(self._session.series, self._session.plane_name, self._session.slice_index)
        ranks = (self._rank(image.series, image.plane_name, image.index) for image in ordered)
        beyond = (
            image
            for image, rank in zip(ordered, ranks, strict=True)
            if (rank > here if by > 0 else rank < here)
        )
        self.show(next(beyond, ordered[0]))

    def show(self, image: KeyImage) -> None:
        """Show a key image; in a series whose volume is still to come, as soon as it is there."""
        session = self._session
        session.slabs.choose(None)  # the image was marked, not a slab about it
        if session.series is not image.series:
            session.select_series(image.series)
        native = native_plane(image.series)
        if session.volume is None and (image.plane_name, session.plane_name) != (native, native):
            self._waiting = image
            return
        session.set_plane(image.plane_name)
        session.go_to_slice(image.index)

    def _rank(self, series: Series | None, plane_name: PlaneName3, index: int) -> tuple[int, int, int]:
        """Place in the order of the list."""
        scan = self._session.scan
        ordered = scan.series if scan else ()
        place = next((i for i, one in enumerate(ordered) if one is series), -1)
        return place, _PLANES.index(plane_name), -index if plane_name == "axial" else index

    def _forget(self) -> None:
        """Another series was chosen meanwhile."""
        self._waiting = None

    def _arrive(self) -> None:
        image, session = self._waiting, self._session
        if image is not None and session.volume is not None and session.series is image.series:
            self._waiting = None
            self.show(image)
