"""The image the model sees: the slice in the model's window, with the enlarged region embedded in it.

Pure numpy and Pillow's 8-bit resampling (fixed-point, so the same everywhere); viewer and trainer call it
with the same manifest and get the same bytes. Three frames meet here, all with (0, 0) at the outer corner
of the first pixel: the slice, the model's image, and the crop shown in the inset.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import RegionError
from ..volume.geometry import PixelBox, SliceBox
from ..volume.window import to_grey
from .bundles.manifest import ImageSpec, Manifest, ZoomSpec

AIR_HU = -1000.0


@dataclass(frozen=True, slots=True)
class ModelBox(PixelBox):
    """A box in pixels of the model's image."""


@dataclass(frozen=True, slots=True)
class SliceMap:
    """From slice pixels to model pixels: one factor a side, no offset."""

    rows: int
    cols: int
    height: int
    width: int

    def box_to_model(self, box_slice: SliceBox) -> ModelBox:
        """The box in model pixels, not rounded."""
        sx, sy = self.width / self.cols, self.height / self.rows
        return ModelBox(box_slice.x0 * sx, box_slice.y0 * sy, box_slice.x1 * sx, box_slice.y1 * sy)

    def box_to_slice(self, box_model: ModelBox) -> SliceBox:
        """The box in slice pixels, cut at the slice's edge; the inverse of :meth:`box_to_model`."""
        sx, sy = self.cols / self.width, self.rows / self.height
        x1, y1 = min(box_model.x1 * sx, self.cols), min(box_model.y1 * sy, self.rows)
        return SliceBox(box_model.x0 * sx, box_model.y0 * sy, x1, y1)

    def integer_box(self, box_slice: SliceBox) -> tuple[int, int, int, int]:
        """The box as a model writes it: whole model pixels, at least one a side, inside the image."""
        box = self.box_to_model(box_slice)
        x0, x1 = _whole(box.x0, box.x1, self.width)
        y0, y1 = _whole(box.y0, box.y1, self.height)
        return x0, y0, x1, y1


def _whole(low: float, high: float, limit: int) -> tuple[int, int]:
    first = min(max(round(low), 0), limit - 1)
    return first, min(max(round(high), first + 1), limit)


@dataclass(frozen=True, slots=True, eq=False)
class ModelImage:
    """The plain slice as the model sees it; ``image`` is uint8 of shape (height, width, 3)."""

    image: NDArray[np.uint8]
    slice_map: SliceMap


@dataclass(frozen=True, slots=True, eq=False)
class Composite:
    """The image of a *reason* turn.

    Attributes
    ----------
    image : array of uint8, shape (height, width, 3)
        What the model sees.
    zoom : array of uint8, shape (row, col, 3), or None
        The crop as embedded, without border; None without a region.
    crop_slice : SliceBox or None
        The part of the slice that ``zoom`` shows, in whole slice pixels.
    inset_model : ModelBox or None
        Where ``zoom`` lies in ``image``, without border.
    slice_map : SliceMap
        Slice pixels to model pixels, outside the inset.
    """

    image: NDArray[np.uint8]
    slice_map: SliceMap
    zoom: NDArray[np.uint8] | None = None
    crop_slice: SliceBox | None = None
    inset_model: ModelBox | None = None

    def box_to_slice(self, box_model: ModelBox) -> SliceBox:
        """What a box on this image means on the slice.

        A box that lies wholly in the inset means the part of the slice that the inset shows there; any other
        box means the slice below it.
        """
        inset, crop = self.inset_model, self.crop_slice
        if inset is None or crop is None or not _inside(box_model, inset):
            return self.slice_map.box_to_slice(box_model)
        sx, sy = (crop.x1 - crop.x0) / (inset.x1 - inset.x0), (crop.y1 - crop.y0) / (inset.y1 - inset.y0)
        return SliceBox(
            crop.x0 + (box_model.x0 - inset.x0) * sx,
            crop.y0 + (box_model.y0 - inset.y0) * sy,
            min(crop.x0 + (box_model.x1 - inset.x0) * sx, crop.x1),
            min(crop.y0 + (box_model.y1 - inset.y0) * sy, crop.y1),
        )


def _inside(inner: ModelBox, outer: ModelBox) -> bool:
    return inner.x0 >= outer.x0 and inner.y0 >= outer.y0 and inner.x1 <= outer.x1 and inner.y1 <= outer.y1


def model_size(rows: int, cols: int, spec: ImageSpec) -> tuple[int, int]:
    """Height and width of the model's image for a slice: aspect kept, sides on the grid, limits respected.

    Sides are rounded to the nearest multiple, and down where that would exceed ``max_pixels``; a slice too
    long and thin for the limit loses length. A model's own processor must not resize the result again.
    """
    pixels = min(max(rows * cols, spec.min_pixels), spec.max_pixels)
    scale = math.sqrt(pixels / (rows * cols)) / spec.multiple
    blocks = spec.max_pixels // spec.multiple**2
    down, across = max(1, round(rows * scale)), max(1, round(cols * scale))
    if down * across > blocks:
        down, across = max(1, int(rows * scale + 1e-6)), max(1, int(cols * scale + 1e-6))
    if down > across:
        down = min(down, blocks // across)
    else:
        across = min(across, blocks // down)
    return down * spec.multiple, across * spec.multiple


def _channels(
    hu: NDArray[np.float64], padding: NDArray[np.bool_] | None, spec: ImageSpec
) -> list[NDArray[np.uint8]]:
    if hu.ndim != 2 or hu.size == 0:
        raise ValueError("hu must be one slice")
    if padding is not None and padding.any():
        hu = np.where(padding, AIR_HU, hu)
    return [to_grey(hu, window) for window in spec.windows]


def _resized(
    channels: list[NDArray[np.uint8]], height: int, width: int, part: tuple[int, int, int, int] | None = None
) -> NDArray[np.uint8]:
    """The channels (or a part x0, y0, x1, y1 of them) resampled, as (height, width, 3)."""
    bicubic = Image.Resampling.BICUBIC
    resized = [np.asarray(Image.fromarray(each).resize((width, height), bicubic, part)) for each in channels]
    return np.stack(resized if len(resized) == 3 else resized * 3, axis=-1)


def model_image(
    hu: NDArray[np.float64], manifest: Manifest, padding: NDArray[np.bool_] | None = None
) -> ModelImage:
    """The plain slice as the model sees it: the image of a *locate* turn.

    Parameters
    ----------
    hu : array of float, shape (row, col)
        Hounsfield units.
    padding : array of bool, same shape, optional
        Pixels that are not anatomy; shown as air.
    """
    return _plain(_channels(hu, padding, manifest.image), manifest.image)


def _plain(channels: list[NDArray[np.uint8]], spec: ImageSpec) -> ModelImage:
    rows, cols = channels[0].shape
    height, width = model_size(rows, cols, spec)
    return ModelImage(_resized(channels, height, width), SliceMap(rows, cols, height, width))


def crop_for(box_slice: SliceBox, rows: int, cols: int, spec: ZoomSpec) -> SliceBox:
    """The part of the slice that the inset shows, in whole slice pixels.

    A square around the region's centre, ``context`` times its longer side but at least ``min_crop`` of the
    slice's shorter side; moved inward at the edges, and cut where the slice is too small for it. It always
    holds the region.

    Raises
    ------
    RegionError
        If the region does not lie on the slice.
    """
    if not box_slice.fits(rows, cols):
        raise RegionError("The box lies outside the slice.")
    x0, y0, x1, y1 = box_slice.as_tuple()
    side = math.ceil(max(spec.context * max(x1 - x0, y1 - y0), spec.min_crop * min(rows, cols))) + 1
    (left, right), (top, bottom) = _span(x0, x1, side, cols), _span(y0, y1, side, rows)
    return SliceBox(left, top, right, bottom)


def _span(low: float, high: float, side: int, limit: int) -> tuple[int, int]:
    side = min(side, limit)
    first = math.floor((low + high) / 2 - (side - 1) / 2)
    first = min(max(first, 0), limit - side)
    return first, first + side


def composite(
    hu: NDArray[np.float64],
    box_slice: SliceBox | None,
    manifest: Manifest,
    padding: NDArray[np.bool_] | None = None,
) -> Composite:
    """The image of a *reason* turn: the slice with the enlarged region in the corner farthest from it.

    Parameters
    ----------
    hu, padding
        As for :func:`model_image`.
    box_slice : SliceBox or None
        The region; None gives the plain image. A manifest whose zoom is not embedded gives the region's
        outline alone, where it draws one.

    Raises
    ------
    RegionError
        If the region does not lie on the slice.
    """
    channels = _channels(hu, padding, manifest.image)
    plain = _plain(channels, manifest.image)
    if box_slice is None:
        return Composite(plain.image, plain.slice_map)
    spec, slice_map = manifest.zoom, plain.slice_map
    crop = crop_for(box_slice, slice_map.rows, slice_map.cols, spec)
    region = slice_map.box_to_model(box_slice)
    image = plain.image.copy()
    if spec.draw_region:
        _outline(image, slice_map.integer_box(box_slice), spec)
    if not spec.embedded:
        return Composite(image, slice_map)
    left, top, right, bottom = _inset(region.centre, crop, slice_map, spec)
    part = (int(crop.x0), int(crop.y0), int(crop.x1), int(crop.y1))
    zoom = _resized(channels, bottom - top, right - left, part)
    edge = spec.border_px
    image[top - edge : bottom + edge, left - edge : right + edge] = spec.border_grey
    image[top:bottom, left:right] = zoom
    return Composite(image, slice_map, zoom, crop, ModelBox(left, top, right, bottom))


def _inset(
    centre: tuple[float, float], crop: SliceBox, slice_map: SliceMap, spec: ZoomSpec
) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the inset without its border, in model pixels; ties go to the top left."""
    edge, height, width = spec.border_px, slice_map.height, slice_map.width
    side = max(1, round(spec.size * min(height, width)) - 2 * edge)
    longest = max(crop.x1 - crop.x0, crop.y1 - crop.y0)
    across = max(1, round(side * (crop.x1 - crop.x0) / longest))
    down = max(1, round(side * (crop.y1 - crop.y0) / longest))
    left = edge if centre[0] >= width / 2 else width - edge - across
    top = edge if centre[1] >= height / 2 else height - edge - down
    return left, top, left + across, top + down


def _outline(image: NDArray[np.uint8], box: tuple[int, int, int, int], spec: ZoomSpec) -> None:
    x0, y0, x1, y1 = box
    image[y0:y1, [x0, x1 - 1]] = spec.border_grey
    image[[y0, y1 - 1], x0:x1] = spec.border_grey
