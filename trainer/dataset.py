"""A data set on disk: slices in HU, lesion masks, and one row of truth for each.

::

    DIR/cases.parquet   one row a slice (see :class:`Case`)
    DIR/hu.npy          int16, shape (slice, row, col), Hounsfield units
    DIR/masks.npy       uint8, shape (slice, row * col / 8), the lesion mask's bits (numpy.packbits)
    DIR/card.json       how it was made, by which command, and what it holds
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from medreason_viewer.errors import DataSetError
from medreason_viewer.volume.geometry import SliceBox

Split = Literal["train", "validation"]
CARD_SCHEMA: Final = 1
_VALIDATION_SHARE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Case:
    """The truth of one slice.

    Attributes
    ----------
    patient : str
        Who the slice is of (for a phantom, its seed); a patient is in one split only.
    finding : str
        One of the answer classes.
    box_slice : SliceBox or None
        Around the lesion on this slice; None without one.
    side : str
        ``right``, ``left``, ``midline`` or empty.
    level : str
        The slice's place in the chest, in words.
    size_mm : float or None
        The lesion's long axis on this slice.
    spacing_mm : (float, float)
        Between rows, then columns.

    Raises
    ------
    ValueError
        If the size or the spacing is not a positive number.
    """

    patient: str
    finding: str
    box_slice: SliceBox | None
    side: str
    level: str
    size_mm: float | None
    spacing_mm: tuple[float, float]
    source: str = "phantom"
    licence: str = "Apache-2.0"

    def __post_init__(self) -> None:
        if not (min(self.spacing_mm) > 0 and all(map(math.isfinite, self.spacing_mm))):
            raise ValueError(f"no spacing: {self.spacing_mm}")
        if self.size_mm is not None and not (self.size_mm > 0 and math.isfinite(self.size_mm)):
            raise ValueError(f"no size: {self.size_mm}")

    @property
    def split(self) -> Split:
        """By a hash of the patient, so that no patient is ever in both."""
        digest = hashlib.sha256(self.patient.encode()).digest()
        return "validation" if int.from_bytes(digest[:4], "big") / 2**32 < _VALIDATION_SHARE else "train"


@dataclass(frozen=True, slots=True, eq=False)
class DataSet:
    """A data set opened for reading; the pixels stay on disk until asked for."""

    folder: Path
    cases: tuple[Case, ...]
    hu_all: NDArray[np.int16]
    masks_all: NDArray[np.uint8]
    card: dict[str, Any]

    def __len__(self) -> int:
        return len(self.cases)

    def hu(self, index: int) -> NDArray[np.float64]:
        """Hounsfield units of one slice, shape (row, col)."""
        return np.asarray(self.hu_all[index], dtype=np.float64)

    def mask(self, index: int) -> NDArray[np.bool_]:
        """Where the lesion is, shape (row, col)."""
        rows, cols = self.hu_all.shape[1:]
        bits = np.unpackbits(self.masks_all[index], count=rows * cols)
        return bits.reshape(rows, cols).astype(np.bool_)

    def of_split(self, split: Split) -> list[int]:
        """Indices of the slices in a split."""
        return [index for index, case in enumerate(self.cases) if case.split == split]


def read(folder: Path) -> DataSet:
    """Open a data set.

    Raises
    ------
    DataSetError
        If a file is missing or damaged, or a row makes no sense; named by file and row.
    """
    if not folder.is_dir():
        raise DataSetError(f"There is no data set folder at {folder}.")
    try:
        card = json.loads((folder / "card.json").read_text())
        table = pq.read_table(folder / "cases.parquet").to_pylist()
        hu = np.load(folder / "hu.npy", mmap_mode="r", allow_pickle=False)
        masks = np.load(folder / "masks.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataSetError(f"The data set in {folder} is incomplete or damaged: {error}.") from error
    if not len(table) == len(hu) == len(masks) or hu.ndim != 3 or hu.dtype != np.int16:
        raise DataSetError(f"The data set in {folder} is damaged: its files do not belong together.")
    rows, cols = hu.shape[1:]
    cases = tuple(_case(number, row, rows, cols, folder) for number, row in enumerate(table))
    return DataSet(folder, cases, hu, masks, card)


def _case(number: int, row: dict[str, Any], rows: int, cols: int, folder: Path) -> Case:
    where = f"{folder / 'cases.parquet'}, row {number}"
    try:
        corners = [row[name] for name in ("x0", "y0", "x1", "y1")]
        box = None if corners[0] is None else SliceBox(*corners)
        spacing = (float(row["row_mm"]), float(row["col_mm"]))
        case = Case(
            patient=row["patient"],
            finding=row["finding"],
            box_slice=box,
            side=row["side"],
            level=row["level"],
            size_mm=row["size_mm"],
            spacing_mm=spacing,
            source=row["source"],
            licence=row["licence"],
        )
    except KeyError as error:
        raise DataSetError(f"{where}: the column {error} is missing.") from error
    except (TypeError, ValueError) as error:
        raise DataSetError(f"{where}: {error}.") from error
    if box is not None and not box.fits(rows, cols):
        raise DataSetError(f"{where}: the box lies outside the slice.")
    return case


def _row(case: Case) -> dict[str, Any]:
    corners: Sequence[float | None] = case.box_slice.as_tuple() if case.box_slice else (None,) * 4
    return {
        "patient": case.patient,
        "split": case.split,
        "finding": case.finding,
        **dict(zip(("x0", "y0", "x1", "y1"), corners, strict=True)),
        "side": case.side,
        "level": case.level,
        "size_mm": case.size_mm,
        "row_mm": case.spacing_mm[0],
        "col_mm": case.spacing_mm[1],
        "source": case.source,
        "licence": case.licence,
    }


_COLUMNS: Final = pa.schema(
    [(name, pa.string()) for name in ("patient", "split", "finding")]
    + [(name, pa.float64()) for name in ("x0", "y0", "x1", "y1")]
    + [(name, pa.string()) for name in ("side", "level")]
    + [(name, pa.float64()) for name in ("size_mm", "row_mm", "col_mm")]
    + [(name, pa.string()) for name in ("source", "licence")]
)


class Writer:
    """Writes a data set slice by slice, beside its final place, and renames it when it is whole.

    Parameters
    ----------
    folder : Path
        Must not exist yet, or be empty.

    Raises
    ------
    DataSetError
        If the folder holds something already.
    """

    def __init__(self, folder: Path, count: int, matrix: int) -> None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DataSetError(f"{folder} already holds something; name a folder that does not exist yet.")
        self._folder = folder
        self._parts = folder.with_name(folder.name + ".part")
        self._parts.mkdir(parents=True, exist_ok=True)
        self._hu = np.lib.format.open_memmap(
            self._parts / "hu.npy", mode="w+", dtype=np.int16, shape=(count, matrix, matrix)
        )
        self._masks = np.lib.format.open_memmap(
            self._parts / "masks.npy", mode="w+", dtype=np.uint8, shape=(count, matrix * matrix // 8)
        )
        self._cases: list[Case] = []

    def add(self, case: Case, hu: NDArray[np.floating] | NDArray[np.int16], mask: NDArray[np.bool_]) -> None:
        """Append one slice; HU are rounded to whole numbers."""
        index = len(self._cases)
        self._hu[index] = np.clip(np.rint(hu), -32768, 32767).astype(np.int16)
        self._masks[index] = np.packbits(mask)
        self._cases.append(case)

    def finish(self, made_by: dict[str, Any]) -> None:
        """Flush, write the card and move the folder to its place."""
        self._hu.flush()
        self._masks.flush()
        table = pa.Table.from_pylist([_row(case) for case in self._cases], schema=_COLUMNS)
        pq.write_table(table, self._parts / "cases.parquet")
        card = {
            "schema": CARD_SCHEMA,
            **made_by,
            "slices": len(self._cases),
            "findings": dict(Counter(case.finding for case in self._cases)),
            "splits": dict(Counter(case.split for case in self._cases)),
        }
        (self._parts / "card.json").write_text(json.dumps(card, indent=2) + "\n")
        if self._folder.is_dir():
            self._folder.rmdir()
        self._parts.rename(self._folder)
