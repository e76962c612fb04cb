"""The menu of key images: mark, go to the next, and every one of them to jump to."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from ...drawing import style
from ...volume.slices import native_plane
from .. import theme
from ..explanation import wording
from ..plain import literal
from ..session import Session
from .marked import KeyImage
from .tour import KeyImageTour


class KeyImageMenu(QMenu):
    """Made anew each time it opens.

    Parameters
    ----------
    keys_for : callable
        The keys bound to an action of the input profile, to name them.
    """

    def __init__(
        self,
        session: Session,
        tour: KeyImageTour,
        keys_for: Callable[[str], tuple[str, ...]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("&Key images", parent)
        self._session, self._tour, self._keys_for = session, tour, keys_for
        self.aboutToShow.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is marked now."""
        self.clear()
        series, images = self._session.series, self._tour.all()
        here = next((image for image in images if self._shown(image)), None)
        mark = self._add("&Mark this image" if here is None else "Remove the &mark", "key_image")
        mark.setIcon(theme.icon("mdi6.star-outline" if here is None else "mdi6.star", style.KEY.name()))
        mark.setEnabled(series is not None and self._session.slabs.chosen is None)
        mark.triggered.connect(self._tour.toggle)
        for words, name, by in (
            ("&Next key image", "next_key_image", 1),
            ("&Previous key image", "previous_key_image", -1),
        ):
            step = self._add(words, name)
            step.setEnabled(bool(images))
            step.triggered.connect(lambda _checked=False, by=by: self._tour.step(by))
        self.addSeparator()
        for image in images:
            self._add_image(image, chosen=image is here)
        if not images:
            self.addAction("No image is marked").setEnabled(False)

    def _add(self, words: str, name: str) -> QAction:
        keys = self._keys_for(name)
        return self.addAction(f"{words}\t{keys[0]}" if keys else words)

    def _add_image(self, image: KeyImage, *, chosen: bool) -> None:
        action = self.addAction(literal(image_words(image)))
        action.setCheckable(True)
        action.setChecked(chosen)
        action.triggered.connect(lambda _checked=False: self._tour.show(image))

    def _shown(self, image: KeyImage) -> bool:
        session = self._session
        return image.is_at(session.series, session.plane_name, session.slice_index)


def image_words(image: KeyImage) -> str:
    """Series and image by the numbers the reader sees; no patient."""
    identity = image.series.identity
    number = f"Series {identity.series_number}" if identity.series_number is not None else ""
    description = wording.shortened(identity.series_description, 40)
    native = image.plane_name == native_plane(image.series)
    place = (
        f"image {wording.image_number(image.series, image.index)}"
        if native
        else f"{image.plane_name} {image.index + 1}"
    )
    return " · ".join(part for part in (number, description, place) if part)
