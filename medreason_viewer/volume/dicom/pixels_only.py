"""Pixels of a DICOM file in memory -> a file on disk that holds nothing else, no patient above all."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, SecondaryCaptureImageStorage, generate_uid

from ..scanning.scratch import Scratch
from . import names
from .full import read_whole
from .headers import Header
from .walk import PixelSpan

_KEPT: Final = (
    names.SAMPLES,
    names.PHOTOMETRIC,
    names.PLANAR,
    names.FRAME_COUNT,
    names.ROWS,
    names.COLUMNS,
    names.BITS_ALLOCATED,
    names.BITS_STORED,
    names.HIGH_BIT,
    names.SIGNED,
)
_EXPLICIT: Final = "1.2.840.10008.1.2.1"


def keep_pixels(data: bytes, headers: Sequence[Header], scratch: Scratch) -> list[Header]:
    """The same headers, their frames now in a file of the scratch folder.

    Native pixels are copied as they are; deflated ones inflated; compressed ones wrapped into a DICOM file
    that describes pixels and nothing else.
    """
    first = headers[0]
    span = first.tags.pixels
    if first.frame.offset is not None and span is not None and span.offset is not None:
        path = scratch.write(data[span.offset : span.offset + (span.length or 0)], ".pixels")
        return [_moved(header, path, span.offset) for header in headers]
    dataset = read_whole(io.BytesIO(data))
    if first.frame.layout.transfer_syntax == names.DEFLATED:
        return _inflated(headers, scratch.write(dataset.PixelData, ".pixels"))
    path = scratch.new_path(".dcm")
    _bare(dataset, first.frame.layout.transfer_syntax).save_as(path, enforce_file_format=True)
    return [
        replace(
            header,
            tags=replace(header.tags, pixels=PixelSpan(None, None)),
            frame=replace(header.frame, path=path),
        )
        for header in headers
    ]


def _moved(header: Header, path: Path, by: int) -> Header:
    offset = None if header.frame.offset is None else header.frame.offset - by
    return replace(header, frame=replace(header.frame, path=path, offset=offset))


def _inflated(headers: Sequence[Header], path: Path) -> list[Header]:
    moved = []
    for header in headers:
        layout = replace(header.frame.layout, transfer_syntax=_EXPLICIT)
        length = layout.frame_bits // 8
        offset = (header.frame.number - 1) * length
        frame = replace(header.frame, path=path, layout=layout, offset=offset, length=length)
        moved.append(replace(header, frame=frame))
    return moved


def _bare(dataset: Dataset, transfer_syntax: str) -> Dataset:
    bare = Dataset()
    for tag in _KEPT:
        if tag in dataset:
            bare.add(dataset[tag])
    bare.SOPClassUID, bare.SOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    bare.add(dataset["PixelData"])
    return bare
