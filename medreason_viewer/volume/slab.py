"""Slabs of a plane that a volume shows without interpolation: neighbouring images, made into one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import VolumeError
from .ct import CtVolume
from .reformat import Stack, stack_of
from .slices import PlaneName3, SliceImage, native_plane, plane_count, plane_image, spacing_through

SlabMode = Literal["max", "mean", "min"]

_NAMES: Final[dict[SlabMode, str]] = {"max": "MIP", "mean": "Mean", "min": "MinIP"}
_NO_SLAB: Final = "No slab here: "


@dataclass(frozen=True, slots=True)
class Slab:
    """How thick, and how neighbouring images become one.

    Raises
    ------
    ValueError
        If the thickness is not positive.
    """

    mode: SlabMode
    thickness_mm: float

    def __post_init__(self) -> None:
        if not self.thickness_mm > 0:
            raise ValueError("a slab has a thickness")

    @property
    def name(self) -> str:
        """As readers say it: MIP 10 mm."""
        return f"{_NAMES[self.mode]} {self.thickness_mm:g} mm"


def slab_image(volume: CtVolume, plane_name: PlaneName3, index: int, slab: Slab) -> SliceImage:
    """The images about one of a plane, the fewest that are at least as thick as the slab, as one image.

    Values are those of the images, exactly (mean: rounded to a whole stored value); padding counts as air.

    Raises
    ------
    VolumeError
        Where the slices are tilted, unevenly spaced or without geometry, or some are not there.
    """
    stack = stack_of(volume.series)
    if stack.plane is None or not stack.even:
        raise VolumeError(_NO_SLAB + "the slices are tilted, unevenly spaced or without geometry.")
    wanted = _images_about(volume, plane_name, index, slab, stack)
    native = plane_name == native_plane(volume.series)
    if not (volume.loaded[wanted.start : wanted.stop] if native else volume.loaded).all():
        raise VolumeError(_NO_SLAB + "not all of its slices are there.")
    images = [plane_image(volume, plane_name, near) for near in wanted]
    stored, slope, intercept = _combined(images, slab.mode)
    return replace(
        images[index - wanted.start],
        stored=stored,
        slope=slope,
        intercept=intercept,
        padding_limits=None,
        native=False,
        slab=f"{slab.name} ({len(images)} images)",
    )


def _images_about(volume: CtVolume, plane_name: PlaneName3, index: int, slab: Slab, stack: Stack) -> range:
    """The images of a plane that a slab about one of them takes; fewer at either end of the stack."""
    step_mm = spacing_through(volume, plane_name, stack)
    reach = max(math.ceil((slab.thickness_mm / step_mm - 1) / 2 - 1e-6), 0)
    return range(max(index - reach, 0), min(index + reach + 1, plane_count(volume, plane_name)))


def _combined(images: list[SliceImage], mode: SlabMode) -> tuple[NDArray[Any], float, float]:
    """Stored values with their slope and intercept: the images' own where these are alike, else whole HU."""
    first = images[0]
    slope, intercept = first.slope, first.intercept
    if isinstance(slope, float) and isinstance(intercept, float) and slope > 0 and _alike(images):
        return _joined([image.stored for image in images], mode).astype(first.stored.dtype), slope, intercept
    hu = _joined([image.hu() for image in images], mode)
    return np.rint(hu).clip(-32768, 32767).astype(np.int16), 1.0, 0.0


def _alike(images: list[SliceImage]) -> bool:
    first = images[0]
    return all(
        image.padding_limits is None and (image.slope, image.intercept) == (first.slope, first.intercept)
        for image in images
    )


def _joined(values: list[NDArray[Any]], mode: SlabMode) -> NDArray[Any]:
    if mode == "mean":
        total = np.zeros(values[0].shape, np.float64)
        for value in values:
            total += value
        return np.rint(total / len(values))
    return reduce(np.maximum if mode == "max" else np.minimum, values)
