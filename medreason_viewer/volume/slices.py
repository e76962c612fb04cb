"""One plane of a volume, with its pixel <-> mm map: axial, coronal or sagittal.

The *native* plane is the acquired one. It is shown as stored, whatever its orientation, with the letters its
axes give. The other two are reformats in the radiological way: the patient's right on the left of the
picture (axial, coronal), anterior on the left (sagittal), head up. Indices grow with the LPS component:
axial feet to head, coronal front to back, sagittal right to left.

A reformat of evenly spaced, upright slices is a view of the volume. Where slices are uneven or tilted, every
line of the picture takes the nearest slice, shifted by whole pixels to where it lies in the patient: no HU
is made up, and the mm map holds to half a pixel. Notes say so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .ct import AIR_HU, CtVolume, ImageKey, pixels_sha256
from .geometry import SlicePlane
from .reformat import PlaneName3, Reformat, Stack, native_plane, reformat
from .series import Note, PlaneName
from .window import Window, grey_table, to_grey

__all__ = [
    "PlaneName3",
    "SliceImage",
    "image_key",
    "index_at",
    "native_plane",
    "plane_count",
    "plane_image",
    "spacing_through",
]

Stored = NDArray[np.int16] | NDArray[np.uint16]
PerLine = float | NDArray[np.float64]

_FLAGS = frozenset({"tilt", "gap", "uneven_spacing", "no_geometry", "uncalibrated"})


@dataclass(frozen=True, slots=True, eq=False)
class SliceImage:
    """One plane, ready to be shown or measured.

    Attributes
    ----------
    stored : array of int16 or uint16, shape (row, col)
        Stored values; a view of the volume where the plane allows it.
    slope, intercept : float, or array of float64, shape (row, 1) or (1, col)
        HU = stored * slope + intercept.
    padding_limits : pair of the same, or None
        Stored values from the first to the second are padding.
    excluded : array of bool, shape broadcasting to (row, col), or None
        Pixels without data: slices not loaded yet, or outside the tilted stack.
    plane : SlicePlane or None
        None without geometry.
    notes : tuple of Note
        What the reader must know about this plane's geometry.
    slab : str
        Which slab it is, such as ``MIP 10 mm (11 images)``; empty for a single image.
    """

    plane_name: PlaneName
    index: int
    stored: Stored
    slope: PerLine
    intercept: PerLine
    padding_limits: tuple[PerLine, PerLine] | None
    excluded: NDArray[np.bool_] | None
    plane: SlicePlane | None
    native: bool
    inverted: bool
    notes: tuple[Note, ...] = ()
    slab: str = ""

    def padding(self) -> NDArray[np.bool_]:
        """Where there is no anatomy: padding values and pixels without data; shape (row, col)."""
        mask = np.zeros(self.stored.shape, np.bool_)
        if self.padding_limits is not None:
            low, high = self.padding_limits
            mask |= (self.stored >= low) & (self.stored <= high)
        if self.excluded is not None:
            mask |= self.excluded
        return mask

    def hu(self) -> NDArray[np.float64]:
        """HU in float64, padding as air; shape (row, col)."""
        hu = self.stored.astype(np.float64) * self.slope + self.intercept
        if self.padding_limits is not None or self.excluded is not None:
            hu[self.padding()] = AIR_HU
        return hu

    def thinned(self, side: int = 256) -> SliceImage:
        """Every n-th pixel of every n-th row, ``side`` to twice as many a side: enough for a histogram."""
        step = max(1, min(self.stored.shape) // side)
        limits = self.padding_limits
        return replace(
            self,
            stored=self.stored[::step, ::step],
            slope=_thin(self.slope, step),
            intercept=_thin(self.intercept, step),
            padding_limits=None if limits is None else (_thin(limits[0], step), _thin(limits[1], step)),
            excluded=None if self.excluded is None else self.excluded[::step, ::step],
            plane=None,
        )

    def grey(self, window: Window) -> NDArray[np.uint8]:
        """Grey values in a window, inverted for MONOCHROME1, black where there is no data yet."""
        grey = self._mapped(window)
        if self.excluded is not None:
            grey[np.broadcast_to(self.excluded, grey.shape)] = 0
        return grey

    def _mapped(self, window: Window) -> NDArray[np.uint8]:
        if isinstance(self.slope, float) and isinstance(self.intercept, float):
            limits = _whole(self.padding_limits)
            if limits is not None or self.padding_limits is None:
                table = _table(
                    self.stored.dtype.str, self.slope, self.intercept, window, limits, self.inverted
                )
                return np.take(table, self.stored.view(np.uint16))
        grey = to_grey(self.hu(), window)
        return 255 - grey if self.inverted else grey


def _thin(values: PerLine, step: int) -> PerLine:
    return values if isinstance(values, float) else values[::step, ::step]


def _whole(limits: tuple[PerLine, PerLine] | None) -> tuple[int, int] | None:
    if limits is None or not isinstance(limits[0], float) or not isinstance(limits[1], float):
        return None
    return int(limits[0]), int(limits[1])


@lru_cache(maxsize=8)
def _table(
    dtype: str,
    slope: float,
    intercept: float,
    window: Window,
    padding: tuple[int, int] | None,
    inverted: bool,
) -> NDArray[np.uint8]:
    """Stored value (its 16 bits as uint16) to grey, with padding as air and MONOCHROME1 inverted."""
    kind: np.dtype[np.int16] | np.dtype[np.uint16] = np.dtype(dtype)
    table = grey_table(kind, slope, intercept, window)
    if padding is not None:
        stored = np.arange(65536, dtype=np.uint16).view(kind)
        table[(stored >= padding[0]) & (stored <= padding[1])] = to_grey(np.array(AIR_HU), window)
    return 255 - table if inverted else table


def plane_count(volume: CtVolume, plane_name: PlaneName3) -> int:
    """How many images the plane has."""
    if plane_name == native_plane(volume.series):
        return volume.shape[0]
    return _reformat(volume, plane_name).count


def spacing_through(volume: CtVolume, plane_name: PlaneName3, stack: Stack) -> float:
    """Millimetres from one image of a plane to the next; ``stack`` is the series' own."""
    through = 0 if plane_name == native_plane(volume.series) else _reformat(volume, plane_name).order[0]
    return float(stack.spacing_mm[through])


def plane_image(volume: CtVolume, plane_name: PlaneName3, index: int) -> SliceImage:
    """One image of a plane.

    Raises
    ------
    IndexError
        If there is no such image.
    """
    if not 0 <= index < plane_count(volume, plane_name):
        raise IndexError(f"no {plane_name} image {index}")
    if plane_name == native_plane(volume.series):
        return _native(volume, plane_name, index)
    return _reformatted(volume, plane_name, index)


def index_at(volume: CtVolume, plane_name: PlaneName3, point_mm: NDArray[np.float64]) -> int | None:
    """Index of the plane's image nearest to a point (LPS mm); None without geometry or outside the stack."""
    planes = [frame.plane for frame in volume.series.frames]
    first = planes[0]
    if first is None:
        return None
    if plane_name == native_plane(volume.series):
        places = np.array([plane.origin_mm for plane in planes if plane is not None]) @ first.normal
        index = int(np.abs(places - np.asarray(point_mm) @ first.normal).argmin())
    else:
        index = _reformat(volume, plane_name).index_at(np.asarray(point_mm))
    return index if 0 <= index < plane_count(volume, plane_name) else None


def image_key(volume: CtVolume, image: SliceImage) -> ImageKey:
    """The immutable key of an image: the slice's own, or for a reformat one that its pixels identify."""
    if image.native:
        return volume.key(image.index)
    identity, plane = volume.series.identity, image.plane
    return ImageKey(
        patient_key=identity.patient_key,
        study_uid=identity.study_uid,
        series_uid=identity.series_uid,
        sop_uid="",
        frame_number=0,
        frame_of_reference_uid=identity.frame_of_reference_uid,
        origin_mm=plane.origin_mm if plane else None,
        x_axis=plane.x_axis if plane else None,
        y_axis=plane.y_axis if plane else None,
        spacing_mm=plane.spacing_mm if plane else None,
        pixels_sha256=pixels_sha256(image.hu()),
    )


def _native(volume: CtVolume, plane_name: PlaneName3, index: int) -> SliceImage:
    frame = volume.series.frames[index]
    return SliceImage(
        plane_name=plane_name,
        index=index,
        stored=volume.stored[index],
        slope=float(volume.slope[index]),
        intercept=float(volume.intercept[index]),
        padding_limits=None if frame.padding is None else (float(frame.padding[0]), float(frame.padding[1])),
        excluded=None if volume.loaded[index] else np.ones((1, 1), np.bool_),
        plane=frame.plane,
        native=True,
        inverted=volume.series.inverted,
        notes=_notes(volume, native=True),
    )


def _reformatted(volume: CtVolume, plane_name: PlaneName3, index: int) -> SliceImage:
    way = _reformat(volume, plane_name)
    stored, outside = way.take(volume.stored, index)
    missing = way.along(~volume.loaded[way.lines]) if not volume.loaded.all() else None
    return SliceImage(
        plane_name=plane_name,
        index=index,
        stored=stored,
        slope=_per_line(way, volume.slope),
        intercept=_per_line(way, volume.intercept),
        padding_limits=_padding_lines(volume, way),
        excluded=missing if outside is None else outside if missing is None else outside | missing,
        plane=way.plane(index),
        native=False,
        inverted=volume.series.inverted,
        notes=_notes(volume, native=False),
    )


def _notes(volume: CtVolume, *, native: bool) -> tuple[Note, ...]:
    wanted = _FLAGS - {"tilt", "gap", "uneven_spacing"} if native else _FLAGS
    return tuple(note for note in volume.series.warnings if note.code in wanted)


def _per_line(way: Reformat, values: NDArray[np.float64]) -> PerLine:
    if (values == values[0]).all():
        return float(values[0])
    return way.along(values[way.lines])


def _padding_lines(volume: CtVolume, way: Reformat) -> tuple[PerLine, PerLine] | None:
    limits = [frame.padding for frame in volume.series.frames]
    if not any(limits):
        return None
    # A frame without padding gets an empty range.
    low = np.array([np.inf if pair is None else pair[0] for pair in limits])
    high = np.array([-np.inf if pair is None else pair[1] for pair in limits])
    return _per_line(way, low), _per_line(way, high)


def _reformat(volume: CtVolume, plane_name: PlaneName3) -> Reformat:
    found = volume.reformats.get(plane_name)
    if found is None:
        found = volume.reformats[plane_name] = reformat(volume.series, plane_name)
    return found
