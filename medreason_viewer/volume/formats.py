"""NIfTI, NRRD and MetaImage behind one call: the header as a :class:`Series`, the voxels as stored values.

SimpleITK reads the files and turns their spaces into LPS. Voxels are then arranged as (slice, row, col) by
the rule of the design: the file's slowest axis counts slices, in the direction in which the largest LPS
component of the normal grows; rows and columns are turned the radiological way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..errors import UnreadableFile
from .geometry import SlicePlane
from .grids.arrange import Arrangement, arrange
from .grids.detached import companion
from .grids.facts import GridFacts, grid_of, open_reader, simple_itk
from .grids.narrow import StoredVolume, narrow, stays_unsigned
from .grids.nifti_length import check_length
from .series import Format, Frame, Identity, Note, PixelLayout, Series
from .stack import measure_stack, plane_name

_LARGEST_BYTES: Final = 16 * 1024**3
_LARGEST_RATIO, _SMALL = 1000, 64 * 1024 * 1024  # a label map in a .nii.gz deflates several hundredfold
_NO_GEOMETRY: Final = Note(
    "no_geometry",
    "The file does not say how the patient lies in it: no side is told, no mm measured.",
)


def format_of(path: Path, head: bytes) -> Format | None:
    """Which format a file is that has this name and begins with these bytes; None if none of these."""
    name = path.name.lower()
    if head.startswith(b"NRRD0"):
        return "nrrd"
    if name.endswith((".mha", ".mhd")) and b"NDims" in head:
        return "metaimage"
    if name.endswith(".nii") and (head[344:347] == b"n+1" or head[4:7] == b"n+2"):
        return "nifti"
    return "nifti" if name.endswith(".nii.gz") and head.startswith(b"\x1f\x8b") else None


def suffix(path: Path) -> str:
    """The ending by which a reader knows the format."""
    name = path.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else path.suffix.lower()


def companions(series: Series) -> Iterator[Path]:
    """Files beside a series' own that hold its voxels."""
    if series.format in ("nrrd", "metaimage"):
        found = companion(series.frames[0].path)
        if found is not None:
            yield found


def series_of(path: Path, kind: Format, facts: GridFacts) -> Series:
    """The series in a file, from what its header says.

    Raises
    ------
    UnreadableFile
        If the header promises more than the file can hold, or its axes are not at right angles.
    """
    arrangement = arrange(facts.grid)
    _check_size(path, kind, arrangement, facts)
    planes = _planes(path, arrangement)
    stack, known = measure_stack(planes), facts.says_where
    problem = _problem(facts)
    notes = [*(stack.notes if known else [_NO_GEOMETRY]), *_notes(facts)]
    return Series(
        identity=Identity(series_description=path.name),
        frames=_frames(path, arrangement, planes if known else [None] * len(planes), facts.dtype),
        format=kind,
        plane_name=plane_name(planes[0]),
        spacing_mm=(stack.step_mm or arrangement.step_mm, *planes[0].spacing_mm) if known else None,
        tilt_deg=stack.tilt_deg if known else 0.0,
        loadable=not problem,
        warnings=(*notes, *([Note("unsupported", problem)] if problem else [])),
    )


def read_volume(series: Series) -> StoredVolume:
    """All voxels of a NIfTI, NRRD or MetaImage series, in the order of its frames.

    See :func:`~.narrow.narrow` for values that need more than 16 bits: slope and intercept are then the
    volume's own, not those of its frames.

    Raises
    ------
    UnreadableFile
        If the file is damaged or cut.
    """
    path = series.frames[0].path
    reader = open_reader(path, series.format)
    try:
        image = reader.Execute()
        if series.format == "nifti":
            check_length(path, reader)
        voxels = simple_itk().GetArrayViewFromImage(image)
        return narrow(arrange(grid_of(path, reader)).apply(voxels))  # a copy: the image owns what it shows
    except RuntimeError:
        raise UnreadableFile(path, "its voxels are damaged or cut off") from None


def _check_size(path: Path, kind: Format, arrangement: Arrangement, facts: GridFacts) -> None:
    """Whether the voxels that the header promises can be in the file at all, and in memory."""
    files = [path] if kind == "nifti" else [path, *filter(None, [companion(path)])]
    most = _LARGEST_RATIO * sum(file.stat().st_size for file in files) + _SMALL
    if math.prod(arrangement.shape) * facts.dtype.itemsize * facts.components > min(most, _LARGEST_BYTES):
        raise UnreadableFile(path, "its header speaks of more voxels than it can hold")


def _planes(path: Path, arrangement: Arrangement) -> list[SlicePlane]:
    try:
        return arrangement.planes()
    except ValueError:
        raise UnreadableFile(path, "its axes are not at right angles") from None


def _frames(
    path: Path, arrangement: Arrangement, planes: Sequence[SlicePlane | None], dtype: np.dtype[Any]
) -> tuple[Frame, ...]:
    _, rows, cols = arrangement.shape
    layout = PixelLayout(rows, cols, 16, 16, 15, not stays_unsigned(dtype), "MONOCHROME2", "")
    return tuple(
        Frame(path=path, layout=layout, plane=plane, number=number)
        for number, plane in enumerate(planes, start=1)
    )


def _problem(facts: GridFacts) -> str:
    if facts.components != 1:
        return "Each voxel holds several values; this is not an image."
    return "This is a segmentation, not an image." if facts.segmentation else ""


def _notes(facts: GridFacts) -> list[Note]:
    if _problem(facts):
        return [Note("not_ct_image", "This is not a CT image; its values are not HU.")]
    if facts.dtype.itemsize == 1:
        return [Note("not_ct_image", "Values of 8 bits are not HU; this may be a segmentation.")]
    if facts.dtype.kind == "f":
        text = "Values are fractions. Where they are not whole HU they are rounded to one of 65,536 steps."
        return [Note("rounded", text)]
    return []
