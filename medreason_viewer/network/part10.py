"""DICOM files (PS3.10): what one says it is, and a copy of it with meta information that is right."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID

from ..errors import UnreadableFile
from ..volume.dicom import names
from ..volume.dicom.tags import NotDicom, Tags, read_tags
from ..volume.dicom.walk import Short, Unusual, walk_meta

IMPLEMENTATION: Final = UID(
    "2.25.251610942361774622629850664576509973451"
)  # of this program, once and for all
_MEDIA_UID: Final = 0x00020003
_UIDS: Final = (names.STUDY_UID, names.SERIES_UID, names.SOP_UID, names.SOP_CLASS)
_WANTED: Final = frozenset({*_UIDS, names.TRANSFER_SYNTAX})
_LONGEST_UID: Final = 64
_LARGEST_META: Final = 64 * 1024


class Label(NamedTuple):
    """What a DICOM file says it is."""

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class: str
    transfer_syntax: str


def is_uid(text: str) -> bool:
    """Whether it is a DICOM UID, loosely: digits and dots, at most 64 (leading zeros occur in practice)."""
    parts = text.split(".")
    return len(text) <= _LONGEST_UID and text.isascii() and all(part.isdigit() for part in parts)


def read_label(path: Path) -> Label:
    """What the file says it is.

    Raises
    ------
    UnreadableFile
        If it is no DICOM file, is damaged, or its UIDs are none.
    """
    return _label(path, _tags(path))


def copy_as_part10(source: Path, target: BinaryIO) -> Label:
    """Copy a DICOM file byte by byte; only meta information that is missing or wrong is written anew.

    Raises
    ------
    UnreadableFile
        As :func:`read_label`.
    """
    tags = _tags(source)
    label = _label(source, tags)
    said = (tags.text(names.MEDIA_CLASS), tags.text(_MEDIA_UID), tags.text(names.TRANSFER_SYNTAX))
    with source.open("rb") as file:
        if said != (label.sop_class, label.sop_uid, label.transfer_syntax) or not _has_prefix(file):
            write_head(target, label.sop_class, label.sop_uid, label.transfer_syntax)
            file.seek(_data_set_at(source, file))
        shutil.copyfileobj(file, target, 1024 * 1024)
    return label


def write_head(target: BinaryIO, sop_class: str, sop_uid: str, transfer_syntax: str) -> None:
    """The preamble and meta information that precede a data set."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(sop_uid)
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.ImplementationClassUID = IMPLEMENTATION
    encoded = DicomBytesIO()
    encoded.is_implicit_VR, encoded.is_little_endian = False, True
    write_file_meta_info(encoded, meta)
    target.write(bytes(128) + b"DICM" + encoded.getvalue())


def _tags(path: Path) -> Tags:
    try:
        return read_tags(path, _WANTED)
    except NotDicom:
        raise UnreadableFile(path, "it is no DICOM file") from None


def _label(path: Path, tags: Tags) -> Label:
    study, series, sop, kind = (tags.text(tag) for tag in _UIDS)
    if not all(map(is_uid, (study, series, sop, kind, tags.transfer_syntax))):
        raise UnreadableFile(path, "it does not say which object of which study it is")
    return Label(study, series, sop, kind, tags.transfer_syntax)


def _has_prefix(file: BinaryIO) -> bool:
    head = file.read(132)
    file.seek(0)
    return head[128:] == b"DICM"


def _data_set_at(path: Path, file: BinaryIO) -> int:
    """Where the data set begins, in bytes."""
    head = file.read(_LARGEST_META)
    try:
        return walk_meta(head, 132 if head[128:132] == b"DICM" else 0, {})
    except (Short, Unusual):
        raise UnreadableFile(path, "its meta information is damaged") from None
