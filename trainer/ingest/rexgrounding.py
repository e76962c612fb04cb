"""ReXGroundingCT: CT volumes, one mask channel a finding, a JSON of findings; made into questions.

The JSON holds lists ``train``, ``val``, ``test``; an entry has ``name`` (the file name of volume and mask),
``findings`` (text by channel) and ``categories`` (code by channel). Volume and mask share the voxel grid;
the mask's own affine says nothing. Training masks show at most three lesions of a finding, so a negative of
the training split is not to be believed. Masks of the test split are withheld.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from medreason_viewer.errors import DataSetError, UnreadableFile, VolumeError
from medreason_viewer.volume.grids.arrange import Arrangement, Grid, arrange
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.series import Series
from trainer.data.case import Split

from .draft import Draft
from .intake import Intake, suggestion
from .nifti_mask import MaskFile, read_mask
from .patients import Given, settled, straddles
from .rexgrounding_items import CATEGORIES, Annotated, items

LICENCE: Final = "CC-BY-NC-SA-4.0"
_SPLITS: Final[dict[str, Split]] = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
_KEYS: Final = ("name", "findings", "categories")


@dataclass(frozen=True, slots=True)
class Entry:
    """One volume's annotation as the JSON gives it: its name, split, and category by channel."""

    where: str
    name: str
    split: Split
    categories: tuple[str, ...]

    @property
    def patient(self) -> str:
        """``train_1741`` of ``train_1741_b_2.nii.gz``: set and number of the patient, not the scan."""
        return "_".join(self.name.split(".")[0].split("_")[:2])


@dataclass(frozen=True, slots=True)
class ReXSource:
    """ReXGroundingCT on disk.

    Attributes
    ----------
    volumes, masks : Path
        Folders in which the files of those names lie, at any depth.
    findings : Path
        ``dataset.json`` or ``MICCAI_challenge_dataset.json``.
    slices : int
        At most so many slices of each finding.
    """

    volumes: Path
    masks: Path
    findings: Path
    slices: int = 1
    licence: str = LICENCE
    name: str = "ReXGroundingCT"

    def drafts(self, intake: Intake) -> Iterator[Draft]:
        """See :class:`~.gather.Source`."""
        entries = read_entries(self.findings, intake)
        splits = settled([Given(each.where, each.patient, each.split) for each in entries], intake)
        volumes, masks = _by_name(self.volumes), _by_name(self.masks)
        opened = [
            found
            for entry in entries
            if not straddles(Given(entry.where, entry.patient, entry.split), splits, intake)
            and (found := _opened(entry, volumes, masks, intake)) is not None
        ]
        intake.refuse()
        for annotated in opened:
            yield from items(annotated, self.slices, self.name, self.licence, intake)


def read_entries(path: Path, intake: Intake) -> list[Entry]:
    """The entries of a findings JSON; what is wrong with one is a problem.

    Raises
    ------
    DataSetError
        If the file is not such a JSON.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        lists = [(key, rows) for key, rows in document.items() if key in _SPLITS and isinstance(rows, list)]
    except (OSError, ValueError, AttributeError) as error:
        raise DataSetError(f"{path} cannot be read as a JSON of findings: {error}.") from error
    if not lists:
        raise DataSetError(f"{path.name} holds none of the lists {', '.join(_SPLITS)}.")
    found = []
    for key, rows in lists:
        for number, row in enumerate(rows):
            where = f"{path.name}, {key} row {number}"
            entry = _entry(where, row, _SPLITS[key], intake)
            if entry is not None:
                found.append(entry)
    return found


def _entry(where: str, row: Any, split: Split, intake: Intake) -> Entry | None:
    for key in _KEYS:
        if not isinstance(row, dict) or key not in row:
            hint = suggestion(key, list(row)) if isinstance(row, dict) else ""
            intake.problem(where, f"there is no {key!r}{hint}")
            return None
    name, codes = str(row["name"]), row["categories"]
    order = [str(channel) for channel in range(len(row["findings"]))]
    if sorted(row["findings"]) != sorted(order) or sorted(codes) != sorted(order):
        intake.problem(where, "findings and categories are not numbered alike from 0 on")
        return None
    strange = sorted({codes[channel] for channel in order} - set(CATEGORIES))
    if strange:
        intake.problem(where, f"the category {strange[0]!r} is not one of {', '.join(CATEGORIES)}")
        return None
    return Entry(f"{where} ({name})", name, split, tuple(codes[channel] for channel in order))


def _by_name(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataSetError(f"There is no folder at {folder}.")
    return {path.name: path for path in sorted(folder.rglob("*.nii*"))}


def _opened(
    entry: Entry, volumes: dict[str, Path], masks: dict[str, Path], intake: Intake
) -> Annotated | None:
    """Headers of volume and mask; None where one is not there, or, and that is a problem, not readable."""
    if entry.name not in volumes:
        intake.drop("volume not there")
        return None
    if entry.name not in masks:
        intake.drop("mask withheld or not there")
        return None
    try:
        series = _series(volumes[entry.name])
        arrangement = _arrangement(volumes[entry.name])
        mask = read_mask(masks[entry.name], arrangement.grid.size)
    except VolumeError as error:
        intake.problem(entry.where, str(error).rstrip("."))
        return None
    if not _agrees(mask, entry, intake):
        return None
    return Annotated(
        entry.where,
        entry.patient,
        entry.split,
        tuple(CATEGORIES[code] for code in entry.categories),
        series,
        arrangement,
        mask,
    )


def _agrees(mask: MaskFile, entry: Entry, intake: Intake) -> bool:
    if mask.findings == len(entry.categories):
        return True
    told = f"its mask has {mask.findings} channels for {len(entry.categories)} findings"
    intake.problem(entry.where, told)
    return False


def _series(path: Path) -> Series:
    series = scan(path).series[0]
    if not series.loadable:
        raise UnreadableFile(path, "it is not a CT volume")
    return series


def _arrangement(path: Path) -> Arrangement:
    """How the viewer turns the file's voxels into slices, so that the mask's are turned alike."""
    reader = importlib.import_module("SimpleITK").ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    return arrange(
        Grid(
            cast(tuple[int, int, int], tuple(map(int, reader.GetSize()))),
            np.array(reader.GetOrigin(), np.float64),
            reader.GetSpacing(),
            np.array(reader.GetDirection(), np.float64).reshape(3, 3).T,
        )
    )
