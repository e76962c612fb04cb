"""Planes at any angle, and slabs, cut out of a volume by vtkImageReslice. The only VTK file beside render3d.

A cut takes tens of milliseconds: the window runs it in a worker that keeps only the latest request.
"""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util import numpy_support
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkImagingCore import vtkImageReslice

from ..errors import VolumeError
from .ct import AIR_HU, CtVolume
from .decoding.pixels import Stored
from .geometry import SlicePlane
from .reformat import Stack, stack_of
from .slab import SlabMode
from .slices import SliceImage

Interpolation = Literal["linear", "nearest", "cubic"]

_LOWEST_HU: Final = -1024.0  # the lowest HU of 12 bits: what is below it came from padding
_numpy_support: Final[Any] = numpy_support  # it ships no types
_SLAB: Final = {"max": "SetSlabModeToMax", "mean": "SetSlabModeToMean", "min": "SetSlabModeToMin"}
_INTERPOLATION: Final = {
    "linear": "SetInterpolationModeToLinear",
    "nearest": "SetInterpolationModeToNearestNeighbor",
    "cubic": "SetInterpolationModeToCubic",
}


def reslice(
    volume: CtVolume,
    plane: SlicePlane,
    size: tuple[int, int],
    slab_mm: float = 0.0,
    mode: SlabMode = "max",
    interpolation: Interpolation = "linear",
) -> SliceImage:
    """Cut a plane or a slab out of a volume.

    Parameters
    ----------
    plane : SlicePlane
        Where the picture lies (LPS mm); a slab reaches half its thickness to either side.
    size : tuple of int
        (rows, cols) of the picture.
    slab_mm : float
        Thickness; 0 for a plane.
    mode : "max", "mean" or "min"
        How a slab becomes one value: MIP, mean, MinIP.

    Returns
    -------
    SliceImage
        Named ``oblique``; values rounded to whole stored values; pixels outside the stack excluded.

    Raises
    ------
    VolumeError
        If the volume has no geometry.
    """
    source = _source(volume)
    to_voxels = source.to_voxels @ _plane_matrix(plane)
    cut = _reslicer(source, to_voxels, plane, size)
    getattr(cut, _INTERPOLATION[interpolation])()
    if slab_mm > 0:
        _thicken(cut, source, plane, slab_mm, mode)
    cut.Update()
    return SliceImage(
        plane_name="oblique",
        index=0,
        stored=_values(cut, source, volume, size),
        slope=source.slope,
        intercept=source.intercept,
        padding_limits=None,
        excluded=_outside(to_voxels, plane, size, source.voxels.shape),
        plane=plane,
        native=False,
        inverted=volume.series.inverted,
        notes=volume.series.warnings,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """A volume as VTK sees it: in voxel indices, so that any affine stack, sheared ones too, fits.

    ``voxels`` is kept because VTK only borrows its memory.
    """

    stack: Stack
    voxels: Stored
    image: Any
    to_voxels: NDArray[np.float64]
    slope: float
    intercept: float

    def stored(self, hu: float) -> int:
        """The stored value nearest to a HU."""
        limits = np.iinfo(self.voxels.dtype)
        return int(np.clip(round((hu - self.intercept) / self.slope), limits.min, limits.max))


_sources: weakref.WeakKeyDictionary[CtVolume, _Source] = weakref.WeakKeyDictionary()


def _source(volume: CtVolume) -> _Source:
    found = _sources.get(volume)
    if found is None:
        found = _make_source(volume)
        if volume.loaded.all():  # before that, a copied volume would keep its holes
            _sources[volume] = found
    return found


def _make_source(volume: CtVolume) -> _Source:
    stack = stack_of(volume.series)
    if stack.plane is None:
        raise VolumeError("This series has no geometry, so that no other plane can be cut out of it.")
    voxels, slope, intercept = _uniform(volume)
    if not np.array_equal(stack.nearest, np.arange(len(voxels))):
        voxels = voxels[stack.nearest]
    image = vtkImageData()
    image.SetDimensions(voxels.shape[2], voxels.shape[1], voxels.shape[0])
    image.GetPointData().SetScalars(_numpy_support.numpy_to_vtk(voxels.reshape(-1), deep=False))
    return _Source(stack, voxels, image, _to_voxels(stack), slope, intercept)


def _uniform(volume: CtVolume) -> tuple[Stored, float, float]:
    """Stored values with one slope and intercept for all; a copy in whole HU where the slices' own differ."""
    same = np.ptp(volume.slope) == 0 and np.ptp(volume.intercept) == 0
    if same and _padding_is_low(volume):
        return volume.stored, float(volume.slope[0]), float(volume.intercept[0])
    whole = np.empty(volume.shape, np.int16)
    for index in range(volume.shape[0]):
        whole[index] = np.clip(np.rint(volume.hu(index)), -32768, 32767)
    return whole, 1.0, 0.0


def _padding_is_low(volume: CtVolume) -> bool:
    """Whether all padding lies below air, so that cutting off the result there is enough."""
    tops = {frame.padding[1] for frame in volume.series.frames if frame.padding is not None}
    return all(top * volume.slope[0] + volume.intercept[0] <= AIR_HU for top in tops)


def _to_voxels(stack: Stack) -> NDArray[np.float64]:
    """LPS mm (homogeneous) to voxel indices (col, row, line) of the laid-out stack; shape (4, 4)."""
    assert stack.plane is not None
    to_mm = np.eye(4)
    to_mm[:3, 0] = stack.axes[2] * stack.spacing_mm[2]
    to_mm[:3, 1] = stack.axes[1] * stack.spacing_mm[1]
    to_mm[:3, 2] = stack.step_mm
    to_mm[:3, 3] = stack.plane.origin_mm
    return np.asarray(np.linalg.inv(to_mm), np.float64)


def _plane_matrix(plane: SlicePlane) -> NDArray[np.float64]:
    """Millimetres along the picture's x, y and normal to LPS mm; shape (4, 4)."""
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2] = plane.x_axis, plane.y_axis, plane.normal
    matrix[:3, 3] = plane.origin_mm
    return matrix


def _reslicer(
    source: _Source, to_voxels: NDArray[np.float64], plane: SlicePlane, size: tuple[int, int]
) -> Any:
    axes = vtkMatrix4x4()
    axes.DeepCopy(to_voxels.ravel().tolist())
    cut = vtkImageReslice()
    cut.SetInputData(source.image)
    cut.SetResliceAxes(axes)
    cut.SetOutputDimensionality(2)
    cut.SetOutputSpacing(plane.spacing_mm[1], plane.spacing_mm[0], 1.0)
    cut.SetOutputOrigin(0.0, 0.0, 0.0)
    cut.SetOutputExtent(0, size[1] - 1, 0, size[0] - 1, 0, 0)
    cut.SetBackgroundLevel(float(source.stored(AIR_HU)))
    return cut


def _thicken(cut: Any, source: _Source, plane: SlicePlane, slab_mm: float, mode: SlabMode) -> None:
    """Make the cut a slab, sampled at least as finely as the stack itself."""
    step_mm = float(source.stack.spacing_mm.min())
    samples = max(2, math.ceil(slab_mm / step_mm) + 1)
    getattr(cut, _SLAB[mode])()
    cut.SetSlabNumberOfSlices(samples)
    cut.SetOutputSpacing(plane.spacing_mm[1], plane.spacing_mm[0], slab_mm / (samples - 1))


def _values(cut: Any, source: _Source, volume: CtVolume, size: tuple[int, int]) -> Stored:
    """What was cut, shape (row, col); padding mixed into it shows as the lowest HU there is."""
    stored: Stored = _numpy_support.vtk_to_numpy(cut.GetOutput().GetPointData().GetScalars()).reshape(size)
    if any(frame.padding for frame in volume.series.frames):
        lowest = stored.dtype.type(source.stored(_LOWEST_HU))
        stored = np.maximum(stored, lowest)
    return stored


def _outside(
    to_voxels: NDArray[np.float64], plane: SlicePlane, size: tuple[int, int], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Pixels that lie outside the stack, whose voxels end half a step beyond their centres."""
    x = np.arange(size[1]) * plane.spacing_mm[1]
    y = np.arange(size[0])[:, None] * plane.spacing_mm[0]
    outside = np.zeros(size, np.bool_)
    for axis, count in enumerate(reversed(shape)):
        voxel = to_voxels[axis, 0] * x + to_voxels[axis, 1] * y + to_voxels[axis, 3]
        outside |= (voxel < -0.5) | (voxel > count - 0.5)
    return outside
