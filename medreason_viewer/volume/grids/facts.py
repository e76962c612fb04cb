"""What the header of a NIfTI, NRRD or MetaImage file says, as plain numbers that fit into a struct.

SimpleITK reads the header in a child process; the struct is all that comes back, and it is checked here.
"""

from __future__ import annotations

import importlib
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ...errors import UnreadableFile
from ..series import Format
from .arrange import Grid
from .detached import companion

_IO: Final[dict[Format, str]] = {"nifti": "NiftiImageIO", "nrrd": "NrrdImageIO", "metaimage": "MetaImageIO"}
_MOST_ALONG_AN_AXIS: Final = 65535
_NIFTI_LABEL: Final = "1002"
_NRRD_LPS: Final = "left-posterior-superior"  # SimpleITK turns RAS and LAS into it, and no other space
_LAYOUT: Final = struct.Struct("<3I15dI4s??")
FACTS_BYTES: Final = _LAYOUT.size


@dataclass(frozen=True, slots=True, eq=False)
class GridFacts:
    """The grid of voxels, and what a voxel is.

    Attributes
    ----------
    components : int
        Values per voxel.
    dtype : dtype
        Of a value as SimpleITK gives it, any rescale of the file applied.
    says_where : bool
        Whether the file says how the patient lies in it.
    segmentation : bool
        Whether it calls itself one.
    """

    grid: Grid
    components: int
    dtype: np.dtype[Any]
    says_where: bool
    segmentation: bool

    def encode(self) -> bytes:
        """As :data:`FACTS_BYTES` bytes."""
        grid = self.grid
        numbers = (*grid.spacing_mm, *grid.origin_mm, *grid.axes.ravel())
        kind = self.dtype.str[1:].encode()
        return _LAYOUT.pack(*grid.size, *numbers, self.components, kind, self.says_where, self.segmentation)

    @classmethod
    def decode(cls, data: bytes) -> GridFacts:
        """The inverse of :meth:`encode`.

        Raises
        ------
        ValueError
            If it describes no grid of numbers.
        """
        i, j, k, *numbers, components, kind, says_where, segmentation = _LAYOUT.unpack(data)
        spacing, (origin, axes) = numbers[:3], (np.array(numbers[3:6]), np.array(numbers[6:]).reshape(3, 3))
        sizes_ok = all(0 < n <= _MOST_ALONG_AN_AXIS for n in (i, j, k)) and components > 0
        if not (sizes_ok and all(0 < mm < math.inf for mm in spacing) and np.isfinite(numbers).all()):
            raise ValueError("no grid")
        try:
            dtype = np.dtype(kind.rstrip(b"\0").decode("latin-1"))
        except TypeError as error:
            raise ValueError("no numbers") from error
        if dtype.kind not in "iufc":
            raise ValueError("no numbers")
        grid = Grid((i, j, k), origin, (spacing[0], spacing[1], spacing[2]), axes)
        return cls(grid, components, dtype, says_where, segmentation)


def read_facts(path: Path, kind: Format) -> GridFacts:
    """Read a header with SimpleITK: C++ code fed with untrusted bytes, so in a child process.

    Raises
    ------
    UnreadableFile
        If the header is damaged, points outside its folder, or is not that of a volume.
    """
    reader = open_reader(path, kind)
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        raise UnreadableFile(path, "its header is damaged") from None
    return GridFacts(
        grid=grid_of(path, reader),
        components=reader.GetNumberOfComponents(),
        dtype=_dtype(reader),
        says_where=_says_where(reader, kind),
        segmentation=_is_segmentation(reader),
    )


def open_reader(path: Path, kind: Format) -> Any:
    """A reader that accepts this one format."""
    if kind in ("nrrd", "metaimage"):
        companion(path)
    sitk = simple_itk()
    sitk.ProcessObject.GlobalWarningDisplayOff()
    reader = sitk.ImageFileReader()
    reader.SetImageIO(_IO[kind])
    reader.SetFileName(str(path))
    return reader


def simple_itk() -> Any:
    """The library, which costs 0.1 s to import: only who opens such a file pays for it."""
    return importlib.import_module("SimpleITK")


def grid_of(path: Path, reader: Any) -> Grid:
    """The grid of a header that a reader has read.

    Raises
    ------
    UnreadableFile
        If it is not that of a volume.
    """
    if reader.GetDimension() != 3:
        raise UnreadableFile(path, f"it has {reader.GetDimension()} dimensions, not the 3 of a volume")
    size, spacing = reader.GetSize(), reader.GetSpacing()
    if not all(0 < mm < math.inf for mm in spacing) or not all(0 < n <= _MOST_ALONG_AN_AXIS for n in size):
        raise UnreadableFile(path, "its header gives no size that makes sense")
    axes = np.array(reader.GetDirection(), np.float64).reshape(3, 3).T
    return Grid(size, np.array(reader.GetOrigin(), np.float64), spacing, axes)


def _dtype(reader: Any) -> np.dtype[Any]:
    sitk = simple_itk()
    image = sitk.Image([1, 1, 1], reader.GetPixelID(), reader.GetNumberOfComponents())
    dtype: np.dtype[Any] = sitk.GetArrayViewFromImage(image).dtype
    return dtype


def _says_where(reader: Any, kind: Format) -> bool:
    """SimpleITK assumes the usual where the file does not say it."""
    if kind == "nrrd":
        return bool(reader.HasMetaDataKey("NRRD_space") and reader.GetMetaData("NRRD_space") == _NRRD_LPS)
    if kind == "nifti":
        return any(reader.GetMetaData(code) != "0" for code in ("qform_code", "sform_code"))
    return True


def _is_segmentation(reader: Any) -> bool:
    if reader.HasMetaDataKey("Segment0_ID"):
        return True
    return bool(reader.HasMetaDataKey("intent_code") and reader.GetMetaData("intent_code") == _NIFTI_LABEL)
