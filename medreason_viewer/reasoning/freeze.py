"""Freezing a request: the one way from a loaded volume to what the model is asked."""

from __future__ import annotations

import uuid
from dataclasses import replace

from ..errors import RegionError
from ..volume.ct import CtVolume
from ..volume.geometry import SliceBox
from ..volume.series import Series
from ..volume.window import Window
from .request import ExplainRequest, Scope


def freeze_request(
    volume: CtVolume,
    slice_index: int,
    *,
    box: SliceBox | None = None,
    point: tuple[float, float] | None = None,
    question: str | None = None,
    display_window: Window,
) -> ExplainRequest:
    """A request about one slice as acquired, with a new id; later scrolling changes nothing in it.

    It hashes the slice and computes its HU: tens of milliseconds for a large one, so not on the GUI thread.

    Parameters
    ----------
    box, point
        What the reader marked, in slice pixels: exactly one.

    Raises
    ------
    RegionError
        As :func:`check_region`.
    """
    check_region(volume, slice_index, box=box, point=point)
    return ExplainRequest(
        id=uuid.uuid4().hex,
        key=volume.key(slice_index),
        slice_index=slice_index,
        hu=volume.hu(slice_index),
        padding=volume.padding(slice_index),
        plane=volume.series.frames[slice_index].plane,
        display_window=display_window,
        scope=_scope(volume.series),
        box_slice=box,
        point_slice=point,
        question=question,
    )


def freeze_again(volume: CtVolume, slice_index: int, request: ExplainRequest) -> ExplainRequest:
    """An earlier request with its pixels, which are not kept with it; hashes the slice, as above.

    Raises
    ------
    RegionError
        If the slice has not been loaded, or is not the very image that the request was about.
    """
    check_region(volume, slice_index, box=request.box_slice, point=request.point_slice)
    if volume.key(slice_index) != request.key:
        raise RegionError("This is not the image that was explained: explain the region here instead.")
    return replace(request, hu=volume.hu(slice_index), padding=volume.padding(slice_index))


def check_region(
    volume: CtVolume, slice_index: int, *, box: SliceBox | None, point: tuple[float, float] | None
) -> None:
    """Whether a request can be frozen; takes no time.

    Raises
    ------
    RegionError
        If the box or point is not wholly on the slice, or the slice has not been loaded.
    """
    if not volume.loaded[slice_index]:
        raise RegionError("This slice has not been loaded yet: wait until it is shown, then ask again.")
    _, rows, cols = volume.shape
    size = f"The slice is {cols} pixels wide and {rows} high"
    if box is not None and not box.fits(rows, cols):
        raise RegionError(
            f"{size}; the box {','.join(f'{v:g}' for v in box.as_tuple())} is not wholly on it."
        )
    if point is not None and not (0 <= point[0] < cols and 0 <= point[1] < rows):
        raise RegionError(f"{size}; the point {point[0]:g},{point[1]:g} is not on it.")


def _scope(series: Series) -> Scope:
    identity = series.identity
    return Scope(
        modality=identity.modality,
        body_part=identity.body_part,
        plane=series.plane_name,
        kernel=identity.kernel,
        contrast=identity.contrast,
    )
