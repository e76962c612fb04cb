"""What the reader sees now, frozen for a file or for paper: it stays so whatever is done meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ...drawing.compose import (
    explanation_items,
    patient_corner,
    position_corner,
    series_corner,
    window_corner,
)
from ...drawing.overlay import KeyMark, Outline, OverlayItem, RegionBox
from ...drawing.placement import Size
from ...drawing.scene import Corners, SliceScene
from ...volume.series import Series
from ...volume.slices import SliceImage, native_plane
from ..explanation import wording
from ..explanation.answer import Answer
from ..viewport.slice_scene import SceneSource

NOTHING_SHOWN: Final = "There is no image here yet: open a series, or wait until this slice has loaded."
_ANY_SIZE: Final[Size] = (1000.0, 1000.0)  # a scene does not depend on it, but for the zoom left out here


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One image with what is drawn on it and what the model said of it.

    Attributes
    ----------
    scene : SliceScene
        As on screen, but without the pointer and the handles for editing; its corners name no patient.
    answer : Answer or None
        The explanation of these very pixels.
    folded : bool
        Whether steps and answer wait for the reader's own read (*your read first*).
    progress : str
        How far the explanation is, in words.
    """

    series: Series
    image: SliceImage
    scene: SliceScene
    answer: Answer | None = None
    folded: bool = False
    progress: str = ""

    @property
    def key_image(self) -> bool:
        """Whether the reader marked it."""
        return any(isinstance(item, KeyMark) for item in self.scene.items)

    def scene_with_patient(self) -> SliceScene:
        """The scene with the patient and the series in its corners, as on screen."""
        named = replace(
            self.scene.corners,
            top_left=patient_corner(self.series.identity),
            top_right=series_corner(self.series),
        )
        return replace(self.scene, corners=named)

    def scene_with_region(self) -> SliceScene:
        """The scene with the region in any case: what is said of a region never stands without it."""
        drawn = [item for item in self.scene.items if isinstance(item, RegionBox)]
        if self.answer is None or self.answer.region is None or drawn:
            return self.scene
        region = self.answer.region
        items = explanation_items(replace(region, label="") if self.folded else region, self.answer.evidence)
        return replace(self.scene, items=(*self.scene.items, *items))

    def without_explanation(self) -> Shown:
        """The same without what the model said and proposed; a box that the reader drew stays."""
        if self.answer is None:
            return self
        kept = (item for item in self.scene.items if not _of_the_model(item))
        own = tuple(replace(item, label="") if isinstance(item, RegionBox) else item for item in kept)
        return replace(self, answer=None, scene=replace(self.scene, items=own))

    @property
    def number(self) -> str:
        """Plane and number of the image in words fit for the name of a file: no patient, no series."""
        image, slab = self.image, "-slab" if self.image.slab else ""
        if image.plane_name != native_plane(self.series):
            return f"{image.plane_name}{slab}-{image.index + 1}"
        return f"{image.plane_name}{slab}-image-{wording.image_number(self.series, image.index)}"


def shown_now(source: SceneSource) -> Shown | None:
    """What a viewport shows now; None while there are no pixels."""
    shown = source.shown
    image, session = shown.image(), shown.session
    if shown.series is None or image is None:
        return None
    scene, answer = source.scene(_ANY_SIZE), shown.answer
    corners = Corners(
        bottom_left=window_corner(shown.window, shown.window_name, 1.0)[-1:],
        bottom_right=position_corner(shown.series, image, shown.slice_count),
    )
    return Shown(
        series=shown.series,
        image=image,
        scene=replace(scene, corners=corners, items=tuple(map(_finished, scene.items))),
        answer=answer,
        folded=answer is not None and session.folds(answer),
        progress=wording.progress(answer, session.model_state) if answer is not None else "",
    )


def _of_the_model(item: OverlayItem) -> bool:
    return isinstance(item, Outline) or (isinstance(item, RegionBox) and item.source != "reader")


def _finished(item: OverlayItem) -> OverlayItem:
    """Without the handles by which it is edited."""
    return replace(item, handles=False) if isinstance(item, RegionBox) else item
