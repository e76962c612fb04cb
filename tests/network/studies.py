"""Studies to send, and what it means for two of them to be equal."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset

from medreason_viewer.network.archive import Outgoing
from medreason_viewer.network.part10 import read_label
from medreason_viewer.volume.phantom import write_study

_ODDITIES = ("17_hostile_strings", "20_rle", "21_j2k_lossless", "22_jpegls_lossless", "23_deflated")
_MORE_ODDITIES = ("24_big_endian", "25_enhanced_multiframe", "09_shuffled_names_no_ext_reverse_instance")
_LOSSY = ("4.50", "4.51", "4.81", "4.91")


def study_files(folder: Path, slices: int = 5, seed: int = 3) -> list[Path]:
    """A phantom study, as files."""
    write_study(folder, seed=seed, finding="nodule", slices=slices, matrix=64)
    return sorted(folder.rglob("*.dcm"))


def large_series(folder: Path, count: int, matrix: int = 512) -> list[Path]:
    """A series of so many objects with pixels that do not compress."""
    (template,) = study_files(folder / "template", slices=1)
    data, random = dcmread(template), np.random.default_rng(0)
    data.Rows = data.Columns = matrix
    files = []
    for number in range(1, count + 1):
        data.InstanceNumber = number
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"2.25.{number}{count}00{matrix}"
        data.PixelData = random.integers(0, 4000, matrix * matrix, np.uint16).tobytes()
        files.append(folder / f"{number:04}.dcm")
        data.save_as(files[-1])
    return files


def real_files(real_ct: Path) -> list[Path]:
    """A few objects of every kind: native, compressed, deflated, multi-frame, a segmentation."""
    files = sorted((real_ct / "lidc-0314" / "dicom").iterdir())[:4]
    files += sorted((real_ct / "dcm_qa_ct-GE-head-tilt" / "dicom").iterdir())[:4]
    files += sorted((real_ct / "dcmqi-ct3slice-seg").glob("*.dcm"))
    for folder in (*_ODDITIES, *_MORE_ODDITIES):
        files += sorted((real_ct / "derived-oddities" / folder).iterdir())[:2]
    for syntax in _LOSSY:
        files += (real_ct / "cornerstone-transfer-syntaxes").glob(f"CTImage*1.2.840.10008.1.2.{syntax}.dcm")
    return files


def outgoing(file: Path) -> Outgoing:
    """A file as something to be sent."""
    label = read_label(file)
    return Outgoing(file, label.sop_uid, label.sop_class, label.transfer_syntax)


def assert_same(before: Iterable[Path], after: Iterable[Path | bytes]) -> None:
    """Every object there once, with the same elements, pixels and encoding.

    Group lengths are left out: they are retired, wrong in some files, and DCMTK computes them anew. It also
    calls compressed pixels OB, as they must be, where a file calls them OW.
    """
    first, second = _by_uid(before), _by_uid(after)
    assert set(first) == set(second)
    for uid, data in first.items():
        assert second[uid].file_meta.TransferSyntaxUID == data.file_meta.TransferSyntaxUID
        assert _comparable(second[uid]) == _comparable(data)


def _comparable(data: Dataset) -> Dataset:
    data.walk(lambda part, element: element.tag.element or part.pop(element.tag))
    if data.file_meta.TransferSyntaxUID.is_encapsulated and "PixelData" in data:
        data["PixelData"].VR = "OB"
    return data


def _by_uid(files: Iterable[Path | bytes]) -> dict[str, Dataset]:
    held: dict[str, Dataset] = {}
    for file in files:
        data = dcmread(io.BytesIO(file) if isinstance(file, bytes) else file)
        assert data.SOPInstanceUID not in held, "an object came twice"
        held[data.SOPInstanceUID] = data
    return held
