"""One DICOM file -> the frames it holds, from its header alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final

from pydicom.uid import UID

from ...errors import UnreadableFile
from ..geometry import SlicePlane, straightened
from ..series import Frame, PixelLayout
from . import names
from .enhanced import frame_tags
from .tags import Tags, read_tags
from .walk import PixelSpan

_MOST_FRAMES: Final = 65536
_FARTHEST_MM, _LARGEST_PIXEL_MM = 1e5, 1e3  # nobody lies a hundred metres from the scanner


@dataclass(frozen=True, slots=True)
class Header:
    """One frame and the raw header it came from, until it has found its series.

    ``origin`` is the file as the user knows it; ``frame.path`` may be a copy taken out of an archive.
    """

    frame: Frame
    tags: Tags
    origin: Path

    @property
    def pose(self) -> SlicePlane | None:
        """Where the frame lies; in pixels instead of mm where their size is not known."""
        return self.frame.plane or self.frame.pose

    @property
    def pixel_spacing(self) -> tuple[float, ...] | None:
        """(row, col) distance in mm; None if the header gives none that makes sense."""
        if self.frame.plane is not None:
            return self.frame.plane.spacing_mm
        try:
            spacing = self.tags.floats(names.PIXEL_SPACING)
        except ValueError:
            return None
        return spacing if len(spacing) == 2 and min(spacing) > 0 and math.isfinite(sum(spacing)) else None


class DamagedImage(UnreadableFile):
    """An image whose header can be read, and says which series is now incomplete, but whose pixels cannot."""

    def __init__(self, path: Path, reason: str, tags: Tags) -> None:
        super().__init__(path, reason)
        self.tags = tags


def read_headers(path: Path) -> list[Header]:
    """The frames of a DICOM file.

    Raises
    ------
    NotDicom
        If the file is something else.
    UnreadableFile
        If it holds no image, or is cut or damaged.
    """
    return headers_of(read_tags(path, names.WANTED), path)


def headers_of(tags: Tags, path: Path, source: BinaryIO | None = None) -> list[Header]:
    """The frames that a parsed file holds; ``source`` is its content where that is not at ``path``.

    Raises as :func:`read_headers`.
    """
    if tags.text(names.MEDIA_CLASS) == names.MEDIA_DIRECTORY:
        return []  # an index of other files: nothing to show, nothing to complain about
    if tags.pixels is None:
        raise UnreadableFile(path, _what_else(tags))
    try:
        layout, count = _layout(tags), _frame_count(tags)
        _check_length(tags, tags.pixels, layout, count)
    except _DamagedError as damage:
        raise DamagedImage(path, str(damage), tags) from None
    if count == 1 and names.FRAME_GROUPS not in tags.values:
        return [Header(_frame(tags, layout, path), tags, path)]
    return [
        Header(_numbered(_frame(own, layout, path), number), own, path)
        for number, own in enumerate(frame_tags(tags, source or path, count), start=1)
    ]


class _DamagedError(Exception):
    """What is wrong with the pixels, as a clause."""


def _what_else(tags: Tags) -> str:
    """What a file without pixels is, as a clause."""
    name = UID(tags.text(names.SOP_CLASS)).name
    if name.endswith("Image Storage"):
        return "its pixel data is missing"
    return f"it holds no image ({name})" if name else "it holds no image"


def _frame_count(tags: Tags) -> int:
    count = tags.integer(names.FRAME_COUNT) or 1
    if not 1 <= count <= _MOST_FRAMES:
        raise _DamagedError(f"its header speaks of {count} frames")
    return count


def _layout(tags: Tags) -> PixelLayout:
    rows, cols = tags.binary(names.ROWS), tags.binary(names.COLUMNS)
    bits = tags.binary(names.BITS_ALLOCATED)
    if not rows or not cols or not bits:
        raise _DamagedError("its header does not say how large the image is")
    stored = tags.binary(names.BITS_STORED) or bits
    high = tags.binary(names.HIGH_BIT)
    return _shared_layout(
        rows,
        cols,
        bits,
        stored,
        stored - 1 if high is None else high,
        tags.binary(names.SIGNED) == 1,
        tags.text(names.PHOTOMETRIC) or "MONOCHROME2",
        tags.transfer_syntax,
        tags.binary(names.SAMPLES) or 1,
        tags.binary(names.PLANAR) or 0,
    )


_shared_layout = lru_cache(maxsize=256)(PixelLayout)


def _check_length(tags: Tags, span: PixelSpan, layout: PixelLayout, count: int) -> None:
    """Whether the pixels that the header promises are there at all."""
    wanted = math.ceil(layout.frame_bits * count / 8)
    if span.length is not None and span.length < wanted:
        raise _DamagedError("its pixel data is shorter than its header says")
    native_cut = span.length is not None and span.offset is not None and span.offset + wanted > tags.size
    if tags.cut or native_cut:
        raise _DamagedError("its pixel data is cut off")


def _frame(tags: Tags, layout: PixelLayout, path: Path) -> Frame:
    slope, intercept = _rescale(tags)
    plane = _plane(tags, names.PIXEL_SPACING)
    offset, length = _place(tags, layout)
    return Frame(
        path=path,
        layout=layout,
        slope=slope,
        intercept=intercept,
        plane=plane,
        sop_uid=tags.text(names.SOP_UID),
        instance_number=tags.integer(names.INSTANCE_NUMBER),
        offset=offset,
        length=length,
        padding=_padding(tags, layout),
        window=_window(tags),
        image_type=tags.parts(names.IMAGE_TYPE),
        acquisition=tags.text(names.ACQUISITION_NUMBER),
        thickness_mm=abs(_first(tags, names.SLICE_THICKNESS, 0.0)) or None,
        pose=_plane(tags, None) if plane is None else None,
    )


def _numbered(frame: Frame, number: int) -> Frame:
    """The frame as the ``number``-th of its file (from 1), which is what a reader calls it."""
    if frame.offset is None or frame.length is None:
        return replace(frame, number=number, instance_number=number)
    offset = frame.offset + (number - 1) * frame.length
    return replace(frame, number=number, instance_number=number, offset=offset)


def _place(tags: Tags, layout: PixelLayout) -> tuple[int | None, int | None]:
    native = layout.transfer_syntax in names.NATIVE_SYNTAXES and layout.frame_bits % 8 == 0
    if native and tags.pixels is not None and tags.pixels.length is not None:
        return tags.pixels.offset, layout.frame_bits // 8
    return None, None


def _rescale(tags: Tags) -> tuple[float, float]:
    slope, intercept = _first(tags, names.SLOPE, 1.0), _first(tags, names.INTERCEPT, 0.0)
    return slope or 1.0, intercept


def _first(tags: Tags, tag: int, default: float) -> float:
    try:
        value = tags.floats(tag)[0]
    except (ValueError, IndexError):
        return default
    return value if math.isfinite(value) else default


def _plane(tags: Tags, spacing_tag: int | None) -> SlicePlane | None:
    """The slice's place; None if the header does not give one that makes sense.

    Without a tag for its spacing a pixel counts as 1 mm.
    """
    try:
        x, y, z = tags.floats(names.POSITION)
        x0, x1, x2, y0, y1, y2 = tags.floats(names.ORIENTATION)
        row_mm, col_mm = (1.0, 1.0) if spacing_tag is None else tags.floats(spacing_tag)
        if max(abs(x), abs(y), abs(z)) > _FARTHEST_MM or max(row_mm, col_mm) > _LARGEST_PIXEL_MM:
            return None
        return SlicePlane((x, y, z), *straightened((x0, x1, x2), (y0, y1, y2)), (row_mm, col_mm))
    except ValueError:
        return None


def _padding(tags: Tags, layout: PixelLayout) -> tuple[int, int] | None:
    first = tags.binary(names.PADDING, signed=layout.signed)
    if first is None:
        return None
    last = tags.binary(names.PADDING_LIMIT, signed=layout.signed)
    return (first, first) if last is None else (min(first, last), max(first, last))


def _window(tags: Tags) -> tuple[float, float] | None:
    centre, width = _first(tags, names.WINDOW_CENTRE, math.nan), _first(tags, names.WINDOW_WIDTH, math.nan)
    return (centre, width) if width > 0 and math.isfinite(centre) else None
