"""Measurements and key images of the journal when their series is opened again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ...drawing.overlay import Angle, Distance, Measurement
from ...findings.journal import KeyImageMarked, Measured, Views
from ...findings.journal.views import About
from ...volume.ct import CtVolume, ImageKey
from ...volume.slices import PlaneName3, image_key, native_plane, plane_count, plane_image
from .coming_back import Kept
from .marks_kept import MarkKeeping

_PLANES: tuple[PlaneName3, ...] = ("axial", "coronal", "sagittal")
Mark = Measured | KeyImageMarked


@dataclass(frozen=True, slots=True)
class _Found:
    """A mark, and where it lies in the volume."""

    mark: Mark
    plane_name: PlaneName3
    index: int


def kept_marks(keeping: MarkKeeping) -> Kept[Mark, _Found]:
    """Measurements and key images, as the window brings them back."""
    return Kept(_marks, _recognised, partial(_show, keeping))


def _marks(journal: Views, of: About) -> list[Mark]:
    return [*journal.measurements(of), *journal.key_images(of)]


def _recognised(volume: CtVolume, marks: tuple[Mark, ...]) -> list[tuple[Mark, _Found]]:
    return [(each.mark, each) for each in places_of(volume, marks)]


def _show(keeping: MarkKeeping, volume: CtVolume, found: list[_Found]) -> None:
    for each in found:
        mark, place = each.mark, (id(volume.series), each.plane_name, each.index)
        if isinstance(mark, KeyImageMarked):
            keeping.take_key_image(volume, place)
        elif (drawn := _drawn(mark)) is not None:
            keeping.take(place, mark, drawn)


def places_of(volume: CtVolume, marks: tuple[Mark, ...]) -> list[_Found]:
    """Marks whose image is loaded and has the very key that the mark names; reformats once all is loaded."""
    found = []
    for mark in marks:
        for plane_name, index in _candidates(volume, mark.key, mark.slice_index):
            if image_key(volume, plane_image(volume, plane_name, index)) == mark.key:
                found.append(_Found(mark, plane_name, index))
                break
    return found


def _candidates(volume: CtVolume, key: ImageKey, slice_index: int) -> list[tuple[PlaneName3, int]]:
    native = native_plane(volume.series)
    if key.sop_uid:
        frames = enumerate(volume.series.frames)
        same = (index for index, frame in frames if frame.sop_uid == key.sop_uid)
        return [(native, index) for index in same if volume.loaded[index]]
    if not volume.loaded.all():
        return []
    planes = (name for name in _PLANES if name != native or not volume.series.frames[0].sop_uid)
    return [(name, slice_index) for name in planes if slice_index < plane_count(volume, name)]


def _drawn(mark: Measured) -> Measurement | None:
    """As it is drawn; None for a tool that this version does not know."""
    match mark.tool, mark.points_slice:
        case "distance", (start, end):
            return Distance(start, end)
        case "angle", (start, vertex, end):
            return Angle(start, vertex, end)
    return None
