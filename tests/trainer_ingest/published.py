"""Public sets in small, laid out as published: ReXGroundingCT and CT-RATE-VQA."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import SimpleITK as sitk
from ingest_data import Study
from numpy.typing import NDArray
from PIL import Image

from trainer.ingest.rexgrounding import ReXSource

CODES = {"0": "2d", "1": "2e"}


def write_volume(path: Path, hu: NDArray[np.float64], study: Study, *, turned: bool) -> None:
    """A CT as NIfTI; ``turned`` stores all three axes the other way round, with a direction to match."""
    plane = study.series.frames[0].plane
    assert plane is not None
    stored = hu[::-1, ::-1, ::-1] if turned else hu
    image = sitk.GetImageFromArray(np.rint(stored).astype(np.int16))
    row_mm, col_mm = plane.spacing_mm
    image.SetSpacing((col_mm, row_mm, 8.0))
    corner = np.array(plane.origin_mm)
    if turned:
        corner += np.array((col_mm, row_mm, 8.0)) * (np.array(hu.shape[::-1]) - 1)
        image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, -1))
    image.SetOrigin(corner.tolist())
    sitk.WriteImage(image, str(path))


def _write_mask(path: Path, labels: Sequence[NDArray[np.uint8]], *, turned: bool, first: bool = True) -> None:
    """A mask of (finding, i, j, k) with an affine that says nothing; ``first`` False puts findings last."""
    stored = [each[::-1, ::-1, ::-1] if turned else each for each in labels]
    block = np.stack(stored).transpose(0, 3, 2, 1)
    block = block if first else np.moveaxis(block, 0, -1)
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 4, *block.shape, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 2, 8)
    struct.pack_into("<8f", header, 76, *([1.0] * 8))
    struct.pack_into("<f", header, 108, 352.0)
    header[344:348] = b"n+1\0"
    path.write_bytes(gzip.compress(bytes(header) + block.tobytes(order="F"), 1))


def rex_labels(study: Study) -> NDArray[np.uint8]:
    """Two lesions of one finding on the phantom's best slice, and a smaller first one on the next."""
    labels = np.zeros(study.hu.shape, np.uint8)
    x0, y0, x1, y1 = map(int, study.box.as_tuple())
    labels[study.index, y0:y1, x0:x1] = 1
    labels[study.index + 1, y0 + 1 : y1, x0 + 1 : x1] = 1
    labels[study.index, 5:7, 5:7] = 2
    return labels


def _effusion(study: Study) -> NDArray[np.uint8]:
    labels = np.zeros(study.hu.shape, np.uint8)
    labels[12, 60:64, 100:110] = 1
    return labels


class RexPublished:
    """A small ReXGroundingCT in a folder."""

    def __init__(self, folder: Path, study: Study) -> None:
        self.folder, self.study = folder, study
        self.lists: dict[str, list[dict[str, Any]]] = {"train": [], "val": [], "test": []}
        for name in ("dataset/train_fixed/train_1", "segmentations"):
            (folder / name).mkdir(parents=True)

    def add(
        self,
        split: str,
        name: str,
        codes: Mapping[str, str],
        *,
        turned: bool = False,
        first: bool = True,
    ) -> None:
        hu = self.study.hu.copy()
        hu[:, 0, 0] = len(self.lists["train"]) + 10 * len(self.lists["val"]) - 900  # no two patients alike
        write_volume(self.folder / "dataset/train_fixed/train_1" / name, hu, self.study, turned=turned)
        labels = [rex_labels(self.study), _effusion(self.study)]
        _write_mask(self.folder / "segmentations" / name, labels, turned=turned, first=first)
        entry = {"name": name, "findings": {"0": "a nodule", "1": "fluid"}, "categories": dict(codes)}
        self.lists[split].append(entry)

    def source(self, slices: int = 1) -> ReXSource:
        path = self.folder / "dataset.json"
        path.write_text(json.dumps(self.lists))
        return ReXSource(self.folder / "dataset", self.folder / "segmentations", path, slices)


def picture(seed: int, width: int = 60) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, width, 3), dtype=np.uint8))


def save_table(folder: Path, key: str = "train", **columns: list[Any]) -> None:
    """A DatasetDict as published; a column of pictures is told by its first value."""
    kinds = {
        name: datasets.Image()
        if isinstance(values[0], (Image.Image, dict))
        else datasets.List(datasets.Value("float64" if "box" in name else "string"))
        if isinstance(values[0], list)
        else datasets.Value("string")
        for name, values in columns.items()
    }
    table = datasets.Dataset.from_dict(columns, features=datasets.Features(kinds))
    datasets.disable_progress_bars()
    datasets.DatasetDict({key: table}).save_to_disk(folder)
