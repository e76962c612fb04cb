"""The same changes through VTK's image mappers, off screen: the peer that ``bench view`` compares with."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Spread = dict[str, float]
SIDE: Final = 512
SLICES: Final = 300
_SPACING_MM: Final = (0.75, 0.75, 1.0)  # x, y, z
_SLAB_MM: Final = 10.0
_WARM: Final = 3
_AXES: Final = {"axial": 2, "coronal": 1, "sagittal": 0}


def vtk_figures(size: int, repeats: int) -> dict[str, dict[str, Spread | None] | str | None]:
    """Both mappers' figures, from a child process: without any OpenGL, VTK may end the process it runs in.

    Returns
    -------
    dict
        ``vtk_slice_mapper`` and ``vtk_reslice_mapper``, None with ``vtk_problem`` where VTK did not run.
    """
    try:
        with ProcessPoolExecutor(1, get_context("spawn")) as child:
            return child.submit(_measure_both, size, repeats).result()
    except BrokenProcessPool:
        problem = "VTK ended its process: there is no OpenGL here, not even in software."
        return {"vtk_slice_mapper": None, "vtk_reslice_mapper": None, "vtk_problem": problem}


def noise_volume() -> NDArray[np.int16]:
    """Noise, no two slices alike, the same in every process; shape (300, 512, 512), HU."""
    tile = np.random.default_rng(7).normal(0, 200, (SIDE, SIDE)).astype(np.int16)
    stored = np.empty((SLICES, SIDE, SIDE), np.int16)
    for index in range(SLICES):
        stored[index] = np.roll(tile, index * 37) + np.int16(index)
    return stored


def _measure_both(size: int, repeats: int) -> dict[str, dict[str, Spread | None] | str | None]:
    stored = noise_volume()
    return {
        f"vtk_{kind}_mapper": VtkPeer(stored, size, repeats, reslices=kind == "reslice").measure()
        for kind in ("slice", "reslice")
    }


class VtkPeer:
    """A render window with one slice in it.

    Parameters
    ----------
    stored : array of int16, shape (slice, row, col)
    size : int
        Side of the viewport in pixels.
    reslices : bool
        vtkImageResliceMapper, which cuts any plane, instead of vtkImageSliceMapper.
    """

    def __init__(self, stored: NDArray[Any], size: int, repeats: int, *, reslices: bool) -> None:
        self._repeats, self._reslices = repeats, reslices
        self._image = _image(stored)
        self._shape = stored.shape[::-1]
        self._slice, self._mapper, self._window, self._camera = _scene(self._image, size, reslices=reslices)

    def measure(self) -> dict[str, Spread | None]:
        """Milliseconds as in ``bench view``; None for what the mapper cannot do."""
        measured: dict[str, Spread | None] = {}
        self._look_along("axial")
        measured["scroll_ms"] = self._spread(lambda n: self._go_to("axial", n))
        measured["window_ms"] = self._spread(self._change_window)
        for plane_name in ("coronal", "sagittal"):
            self._look_along(plane_name)
            measured[f"{plane_name}_ms"] = self._spread(lambda n, name=plane_name: self._go_to(name, n))
        measured["oblique_ms"] = self._spread(self._tilt, 4) if self._reslices else None
        measured["slab_ms"] = self._slab() if self._reslices else None
        self._window.Finalize()
        return measured

    def _spread(self, change: Any, share: int = 1) -> Spread:
        taken = []
        for number in range(max(self._repeats // share, 5) + _WARM):
            start = time.perf_counter()
            change(number)
            self._window.Render()
            self._window.WaitForCompletion()
            taken.append((time.perf_counter() - start) * 1000)
        p50, p95 = np.percentile(taken[_WARM:], (50, 95))
        return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}

    def _change_window(self, number: int) -> None:
        self._slice.GetProperty().SetColorWindow(400 + 3 * (number % 40))
        self._slice.GetProperty().SetColorLevel(40 + number % 31)

    def _go_to(self, plane_name: str, number: int) -> None:
        axis = _AXES[plane_name]
        index = self._shape[axis] // 2 + (number % 80 if number % 80 < 40 else 80 - number % 80)
        if self._reslices:
            self._mapper.GetSlicePlane().SetOrigin(*self._through(axis, index))
        else:
            self._mapper.SetSliceNumber(index)

    def _through(self, axis: int, index: int) -> list[float]:
        place = [length / 2 * mm for length, mm in zip(self._shape, _SPACING_MM, strict=True)]
        place[axis] = index * _SPACING_MM[axis]
        return place

    def _look_along(self, plane_name: str) -> None:
        axis = _AXES[plane_name]
        normal = [0.0, 0.0, 0.0]
        normal[axis] = 1.0
        if self._reslices:
            self._mapper.GetSlicePlane().SetNormal(*normal)
        else:
            self._mapper.SetOrientation(axis)
        self._face(normal)

    def _face(self, normal: list[float]) -> None:
        middle = self._through(0, self._shape[0] // 2)
        self._camera.SetFocalPoint(*middle)
        self._camera.SetPosition(*(m + 1000 * n for m, n in zip(middle, normal, strict=True)))
        self._camera.SetViewUp(*((0.0, -1.0, 0.0) if abs(normal[2]) > 0.5 else (0.0, 0.0, 1.0)))

    def _tilt(self, number: int) -> None:
        angle = np.radians(20 + number)
        normal = [0.0, -float(np.sin(angle)), float(np.cos(angle))]
        plane = self._mapper.GetSlicePlane()
        plane.SetOrigin(*self._through(0, self._shape[0] // 2))
        plane.SetNormal(*normal)
        self._face(normal)

    def _slab(self) -> Spread:
        self._mapper.SetSlabThickness(_SLAB_MM)
        self._mapper.SetSlabTypeToMax()
        return self._spread(self._tilt, 4)


def _image(stored: NDArray[Any]) -> Any:
    from vtkmodules.util import numpy_support
    from vtkmodules.vtkCommonDataModel import vtkImageData

    image = vtkImageData()
    image.SetDimensions(*stored.shape[::-1])
    image.SetSpacing(*_SPACING_MM)
    as_vtk: Any = numpy_support
    image.GetPointData().SetScalars(as_vtk.numpy_to_vtk(stored.reshape(-1), deep=False))
    return image


def _scene(image: Any, size: int, *, reslices: bool) -> tuple[Any, Any, Any, Any]:
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  registers the OpenGL classes
    from vtkmodules.vtkCommonCore import vtkLogger
    from vtkmodules.vtkRenderingCore import vtkImageSlice, vtkImageSliceMapper, vtkRenderer, vtkRenderWindow
    from vtkmodules.vtkRenderingImage import vtkImageResliceMapper

    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)  # no display is no news here
    mapper = vtkImageResliceMapper() if reslices else vtkImageSliceMapper()
    mapper.SetInputData(image)
    shown = vtkImageSlice()
    shown.SetMapper(mapper)
    shown.GetProperty().SetColorWindow(400)
    shown.GetProperty().SetColorLevel(40)
    renderer = vtkRenderer()
    renderer.AddViewProp(shown)
    window = vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetSize(size, size)
    window.AddRenderer(renderer)
    camera = renderer.GetActiveCamera()
    camera.ParallelProjectionOn()
    camera.SetParallelScale(image.GetDimensions()[1] * _SPACING_MM[1] / 2)
    camera.SetClippingRange(1, 3000)
    return shown, mapper, window, camera
