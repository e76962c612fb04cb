"""Small CT series made in memory: any size, spacing, orientation and rescale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medreason_viewer.volume.ct import CtVolume
from medreason_viewer.volume.geometry import SlicePlane, Vector
from medreason_viewer.volume.series import Frame, Identity, PixelLayout, Series

AXIAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def make_series(
    shape: tuple[int, int, int] = (6, 40, 48),
    spacing_mm: tuple[float, float, float] = (2.0, 1.0, 1.0),
    axes: tuple[Vector, Vector] = AXIAL,
    *,
    uid: str = "1.2.3",
    slope: float = 1.0,
    intercept: float = 0.0,
    padding: tuple[int, int] | None = None,
    geometry: bool = True,
    inverted: bool = False,
    path: Path = Path("nowhere.raw"),
    window: tuple[float, float] | None = (40.0, 400.0),
) -> Series:
    """A series in anatomical order (see ``Series``); its frames lie one after another in ``path``."""
    count, rows, cols = shape
    layout = PixelLayout(rows, cols, 16, 16, 15, True, "MONOCHROME2", "1.2.840.10008.1.2.1")
    normal = np.cross(*axes)
    normal = normal * np.sign(normal[np.abs(normal).argmax()])
    length = rows * cols * 2
    frames = tuple(
        Frame(
            path=path,
            layout=layout,
            slope=slope,
            intercept=intercept,
            plane=_plane(normal * spacing_mm[0] * i, axes, spacing_mm) if geometry else None,
            sop_uid=f"{uid}.{i + 1}",
            instance_number=100 + i,
            offset=i * length,
            length=length,
            padding=padding,
            window=window,
        )
        for i in range(count)
    )
    identity = Identity(
        patient_key="P1", patient_name="DOE^JOHN", study_uid="1.2", series_uid=uid, series_description="Chest"
    )
    return Series(
        identity=identity,
        frames=frames,
        format="dicom",
        plane_name="axial",
        spacing_mm=spacing_mm if geometry else None,
        tilt_deg=0.0,
        loadable=True,
        inverted=inverted,
    )


def make_volume(series: Series, stored: NDArray[np.int16] | None = None, *, loaded: bool = True) -> CtVolume:
    """The series' volume, filled with ``stored`` or with values that differ from pixel to pixel."""
    volume = CtVolume.empty(series)
    volume.stored[...] = pattern(volume.shape) if stored is None else stored
    volume.loaded[:] = loaded
    return volume


def pattern(shape: tuple[int, int, int]) -> NDArray[np.int16]:
    """Stored values 100 * slice + 3 * row + col, less 100."""
    slices, rows, cols = np.indices(shape)
    return (100 * slices + 3 * rows + cols - 100).astype(np.int16)


def _plane(
    origin: NDArray[np.float64], axes: tuple[Vector, Vector], spacing_mm: tuple[float, float, float]
) -> SlicePlane:
    at = (float(origin[0]), float(origin[1]), float(origin[2]))
    return SlicePlane(at, axes[0], axes[1], (spacing_mm[1], spacing_mm[2]))
