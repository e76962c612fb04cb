"""From the viewport to the scene that is painted, keeping what has not changed since the last time."""

from __future__ import annotations

from dataclasses import replace
from textwrap import wrap
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from ...drawing.compose import (
    compose,
    explanation_items,
    patient_corner,
    position_corner,
    series_corner,
    window_corner,
)
from ...drawing.overlay import KeyMark, OverlayItem, RegionBox
from ...drawing.placement import Placement, Size
from ...drawing.scene import Corners, SliceScene
from ...volume.slices import SliceImage, plane_image
from ..explanation.answer import Answer
from .linked import reference_line
from .viewport import Viewport

_WORDS: Final = 36  # characters of a sentence among the flags, which have less than half the width
_EMPTY = SliceScene(None, (1, 1), notice="Open a folder, an archive or a file with CT images.")
_NO_SERIES = SliceScene(None, (1, 1), notice="Choose a series for this viewport, or drag one here.")


class SceneSource(QObject):
    """Builds the scene of one viewport; the grey image is made anew only for another slice or window."""

    def __init__(self, shown: Viewport, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.shown = shown
        self._base: SliceScene | None = None
        self._image: SliceImage | None = None
        for signal in (
            shown.series_changed,
            shown.volume_changed,
            shown.window_changed,
            shown.slabs.arrived,
        ):
            signal.connect(self._forget)
        shown.slice_changed.connect(self._forget_slice)

    def scene(self, size: Size, drafts: tuple[OverlayItem, ...] = (), probe: str = "") -> SliceScene:
        """What to paint now; ``drafts`` are marks still being drawn."""
        shown, base = self.shown, self._known()
        if shown.series is None:
            return base
        scale = replace(base, view=shown.view).placement(size).scale[0]
        bottom_left = window_corner(shown.window, shown.window_name, scale, probe)
        return replace(
            base,
            view=shown.view,
            items=(*self._items(), *self._key_mark(), *drafts),
            corners=replace(base.corners, bottom_left=bottom_left),
        )

    def placement(self, size: Size) -> Placement:
        """Where the slice lies in a viewport of that size."""
        return replace(self._known(), view=self.shown.view).placement(size)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols) of the slice shown."""
        return self._known().shape

    def probe(self, x: float, y: float) -> str:
        """HU and place of the pixel at a point (slice pixels); empty outside the slice."""
        self._known()
        image = self._image
        if image is None or not self.shown.slice_loaded:
            return ""
        col, row = int(np.floor(x)), int(np.floor(y))
        rows, cols = image.stored.shape
        if not (0 <= col < cols and 0 <= row < rows):
            return ""
        where = "" if image.plane is None else "   " + _patient_text(image.plane.to_mm(col + 0.5, row + 0.5))
        return f"{_value_text(image, row, col)}   x {col}  y {row}{where}"

    def _forget(self) -> None:
        self._base = self._image = None

    def _forget_slice(self) -> None:
        """While the next slab is made, the one before stays in view, with its own place in the corner."""
        held = self._image is not None and self._image.plane_name == self.shown.plane_name
        if not (held and self.shown.slabs.pending):
            self._forget()

    def _known(self) -> SliceScene:
        if self._base is None:
            self._base = self._build()
        return self._base

    def _build(self) -> SliceScene:
        shown = self.shown
        series, volume = shown.series, shown.volume
        if series is None:
            return _EMPTY if shown.session.scan is None else _NO_SERIES
        if volume is None:
            notice = shown.problem or "Loading the first image …"
            corners = Corners(patient_corner(series.identity), series_corner(series))
            return SliceScene(None, (series.rows, series.cols), corners=corners, notice=notice)
        image = shown.image() or plane_image(volume, shown.plane_name, shown.slice_index)
        self._image = image
        corners = Corners(
            top_left=patient_corner(series.identity),
            top_right=series_corner(series),
            bottom_right=position_corner(series, image, shown.slice_count),
        )
        scene = compose(series, image, shown.window, corners=corners)
        if shown.slabs.problem:
            why = wrap(f"▲ {shown.slabs.problem}", _WORDS, subsequent_indent="   ")
            scene = replace(scene, warnings=(*scene.warnings, *why))
        return scene if shown.slice_loaded else replace(scene, image=None, notice=self._why_not())

    def _why_not(self) -> str:
        volume, index = self.shown.volume, self.shown.slice_index
        reason = volume.failed.get(index) if volume else None
        if reason is not None:
            return reason
        return "This slice is still loading …"

    def _key_mark(self) -> tuple[OverlayItem, ...]:
        """What the reader marked is not hidden with the regions: it is no drawing on the anatomy."""
        shown = self.shown
        if shown.series is None or not shown.slice_loaded or shown.slabs.chosen is not None:
            return ()
        marked = shown.session.key_images.marked(shown.series, shown.plane_name, shown.slice_index)
        return (KeyMark(),) if marked else ()

    def _items(self) -> tuple[OverlayItem, ...]:
        shown = self.shown
        if not shown.session.overlay_visible or self._holds_another():
            return ()
        items: list[OverlayItem] = [] if (line := reference_line(shown)) is None else [line]
        if shown.explainable:  # what others drew belongs to single images as acquired
            items += shown.others.items(shown.slice_index)
        items += shown.measurements
        if (answer := shown.answer) is not None:
            items += self._explanation_items(answer)
        drawn = shown.box_slice
        if drawn is not None and not any(isinstance(i, RegionBox) and i.box_slice == drawn for i in items):
            items.append(RegionBox(drawn, "reader", handles=True))
        return tuple(items)

    def _holds_another(self) -> bool:
        """Whether the image that stays in view, while a slab is made, is of another place than the marks."""
        image, shown = self._image, self.shown
        return image is not None and (image.plane_name, image.index) != (shown.plane_name, shown.slice_index)

    def _explanation_items(self, answer: Answer) -> tuple[OverlayItem, ...]:
        region, step = answer.region, self.shown.selected_step
        if self.shown.session.folds(answer):  # the region may be seen, but not what the model calls it
            return explanation_items(replace(region, label="") if region else None, answer.evidence)
        chosen = None if step is None else answer.step(step)
        return (*explanation_items(region, answer.evidence, chosen), *_of_reader(answer))


def _of_reader(answer: Answer) -> tuple[OverlayItem, ...]:
    """The region as the reader corrected it, beside the model's, which stays as it was."""
    judged = answer.judgement
    if judged is None or judged.verdict != "corrected" or judged.box_slice is None:
        return ()
    return (RegionBox(judged.box_slice, "reader", f"corrected: {judged.answer}"),)


def _value_text(image: SliceImage, row: int, col: int) -> str:
    def here(values: float | NDArray[np.generic]) -> float:
        return float(np.broadcast_to(values, image.stored.shape)[row, col])

    stored, limits = float(image.stored[row, col]), image.padding_limits
    outside = image.excluded is not None and bool(here(image.excluded))
    if outside or (limits is not None and here(limits[0]) <= stored <= here(limits[1])):
        return "no data here"
    return f"{stored * here(image.slope) + here(image.intercept):.0f} HU".replace("-", "−")


def _patient_text(point_mm: NDArray[np.float64]) -> str:
    """LPS mm with the letter of the side each number counts towards."""
    letters = (("L", "R"), ("P", "A"), ("H", "F"))
    parts = (
        f"{pair[int(value < 0)]} {abs(value):.1f}" for pair, value in zip(letters, point_mm, strict=True)
    )
    return "  ".join(parts) + " mm"
