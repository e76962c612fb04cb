"""NIfTI, NRRD and MetaImage behind one call: the header as a :class:`Series`, the voxels as stored values.

SimpleITK reads the files and turns their spaces into LPS. Voxels are then arranged as (slice, row, col) by
the rule of the design: the file's slowest axis counts slices, in the direction in which the largest LPS
component of the normal grows; rows and columns are turned the radiological way.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..errors import UnreadableFile
from .geometry import SlicePlane
from .grids.arrange import Arrangement, Grid, arrange
from .grids.detached import companion
from .grids.narrow import StoredVolume, narrow, stays_unsigned
from .grids.nifti_length import check_length
from .series import Format, Frame, Identity, Note, PixelLayout, Series
from .stack import measure_stack, plane_name

_IO: Final[dict[Format, str]] = {"nifti": "NiftiImageIO", "nrrd": "NrrdImageIO", "metaimage": "MetaImageIO"}
_MOST_ALONG_AN_AXIS: Final = 65535
_LARGEST_BYTES: Final = 16 * 1024**3
_LARGEST_RATIO, _SMALL = 1000, 64 * 1024 * 1024  # a label map in a .nii.gz deflates several hundredfold
_NIFTI_LABEL: Final = "1002"
_NRRD_LPS: Final = "left-posterior-superior"  # SimpleITK turns RAS and LAS into it, and no other space
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


def read_header(path: Path, kind: Format) -> Series:
    """The series in a file, from its header.

    Raises
    ------
    UnreadableFile
        If the header is damaged, points outside its folder, or does not describe slices.
    """
    reader = _reader(path, kind)
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        raise UnreadableFile(path, "its header is damaged") from None
    arrangement, dtype = arrange(_grid(path, reader)), _dtype(reader)
    _check_size(path, kind, arrangement, dtype, reader.GetNumberOfComponents())
    planes = _planes(path, arrangement)
    stack, known = measure_stack(planes), _says_where(reader, kind)
    problem = _problem(reader)
    notes = [*(stack.notes if known else [_NO_GEOMETRY]), *_notes(reader, dtype)]
    return Series(
        identity=Identity(series_description=path.name),
        frames=_frames(path, arrangement, planes if known else [None] * len(planes), dtype),
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
    reader = _reader(path, series.format)
    try:
        image = reader.Execute()
        if series.format == "nifti":
            check_length(path, reader)
        voxels = _simple_itk().GetArrayViewFromImage(image)
        return narrow(arrange(_grid(path, reader)).apply(voxels))  # a copy: the image owns what it shows
    except RuntimeError:
        raise UnreadableFile(path, "its voxels are damaged or cut off") from None


def _reader(path: Path, kind: Format) -> Any:
    """A reader that accepts this one format."""
    if kind in ("nrrd", "metaimage"):
        companion(path)
    sitk = _simple_itk()
    sitk.ProcessObject.GlobalWarningDisplayOff()
    reader = sitk.ImageFileReader()
    reader.SetImageIO(_IO[kind])
    reader.SetFileName(str(path))
    return reader


def _simple_itk() -> Any:
    """The library, which costs 0.1 s to import: only who opens such a file pays for it."""
    return importlib.import_module("SimpleITK")


def _grid(path: Path, reader: Any) -> Grid:
    if reader.GetDimension() != 3:
        raise UnreadableFile(path, f"it has {reader.GetDimension()} dimensions, not the 3 of a volume")
    size, spacing = reader.GetSize(), reader.GetSpacing()
    if not all(0 < mm < math.inf for mm in spacing) or not all(0 < n <= _MOST_ALONG_AN_AXIS for n in size):
        raise UnreadableFile(path, "its header gives no size that makes sense")
    axes = np.array(reader.GetDirection(), np.float64).reshape(3, 3).T
    return Grid(size, np.array(reader.GetOrigin(), np.float64), spacing, axes)


def _dtype(reader: Any) -> np.dtype[Any]:
    """The number type of a voxel as SimpleITK gives it, any rescale of the file applied."""
    sitk = _simple_itk()
    image = sitk.Image([1, 1, 1], reader.GetPixelID(), reader.GetNumberOfComponents())
    dtype: np.dtype[Any] = sitk.GetArrayViewFromImage(image).dtype
    return dtype


def _check_size(
    path: Path, kind: Format, arrangement: Arrangement, dtype: np.dtype[Any], components: int
) -> None:
    """Whether the voxels that the header promises can be in the file at all, and in memory."""
    files = [path] if kind == "nifti" else [path, *filter(None, [companion(path)])]
    most = _LARGEST_RATIO * sum(file.stat().st_size for file in files) + _SMALL
    if math.prod(arrangement.shape) * dtype.itemsize * components > min(most, _LARGEST_BYTES):
        raise UnreadableFile(path, "its header speaks of more voxels than it can hold")


def _says_where(reader: Any, kind: Format) -> bool:
    """Whether the file says how the patient lies in it; SimpleITK assumes the usual where it does not."""
    if kind == "nrrd":
        return bool(reader.HasMetaDataKey("NRRD_space") and reader.GetMetaData("NRRD_space") == _NRRD_LPS)
    if kind == "nifti":
        return any(reader.GetMetaData(code) != "0" for code in ("qform_code", "sform_code"))
    return True


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


def _problem(reader: Any) -> str:
    if reader.GetNumberOfComponents() != 1:
        return "Each voxel holds several values; this is not an image."
    return "This is a segmentation, not an image." if _is_segmentation(reader) else ""


def _is_segmentation(reader: Any) -> bool:
    if reader.HasMetaDataKey("Segment0_ID"):
        return True
    return bool(reader.HasMetaDataKey("intent_code") and reader.GetMetaData("intent_code") == _NIFTI_LABEL)


def _notes(reader: Any, dtype: np.dtype[Any]) -> list[Note]:
    if _is_segmentation(reader) or reader.GetNumberOfComponents() != 1:
        return [Note("not_ct_image", "This is not a CT image; its values are not HU.")]
    if dtype.itemsize == 1:
        return [Note("not_ct_image", "Values of 8 bits are not HU; this may be a segmentation.")]
    if dtype.kind == "f":
        text = "Values are fractions. Where they are not whole HU they are rounded to one of 65,536 steps."
        return [Note("rounded", text)]
    return []
