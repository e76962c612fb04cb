"""The data set on disk: one Arrow table through ``datasets``, one row a slice with its truth and its turns.

::

    DIR/cases/          Dataset.save_to_disk; columns below
    DIR/card.json, card.md, deidentification.json

``hu`` is int16 in row order, little-endian; ``picture`` a PNG where the source holds no HU; ``mask`` the
lesion's bits (numpy.packbits). Slices may differ in size. :class:`DataSet` reads as that of
:mod:`trainer.dataset` does.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import datasets
import numpy as np
import pyarrow as pa
from datasets.arrow_writer import ArrowWriter
from numpy.typing import NDArray
from PIL import Image

from medreason_viewer.errors import DataSetError
from medreason_viewer.volume.geometry import SliceBox, SlicePlane

from .case import Case, Split, Turn

STORE_SCHEMA: Final = 2
_ROWS_A_BATCH: Final = 16
_TEXTS: Final = (
    *("patient", "split", "finding", "side", "level", "source", "licence"),
    *("pixels", "mask_from", "modality", "body_part", "kernel", "plane_name"),
)
_NUMBERS: Final = ("x0", "y0", "x1", "y1", "size_mm", "row_mm", "col_mm", "thickness_mm")
_BYTES: Final = ("hu", "picture", "mask")


def _features() -> datasets.Features:
    text, number, numbers = datasets.Value("string"), datasets.Value("float64"), datasets.Value("float64")
    turn = {
        **dict.fromkeys(("turn", "question", "answer"), text),
        "options": datasets.List(text),
        "reliable": datasets.Value("bool"),
    }
    return datasets.Features(
        {
            **dict.fromkeys(_TEXTS, text),
            **dict.fromkeys(_NUMBERS, number),
            "corners_mm": datasets.List(numbers),
            "plane_mm": datasets.List(numbers),
            "exhaustive": datasets.Value("bool"),
            "turns": datasets.List(turn),
            "rows": datasets.Value("int32"),
            "cols": datasets.Value("int32"),
            **dict.fromkeys(_BYTES, datasets.Value("binary")),
        }
    )


@dataclass(frozen=True, slots=True, eq=False)
class DataSet:
    """A data set opened for reading; the pixels stay on disk until asked for."""

    folder: Path
    cases: tuple[Case, ...]
    card: dict[str, Any]
    table: pa.Table

    def __len__(self) -> int:
        return len(self.cases)

    def shape(self, index: int) -> tuple[int, int]:
        """(rows, cols) of one slice."""
        return self.table["rows"][index].as_py(), self.table["cols"][index].as_py()

    def hu(self, index: int) -> NDArray[np.float64]:
        """Hounsfield units of one slice, shape (row, col).

        Raises
        ------
        DataSetError
            If the source gave a finished picture in place of HU.
        """
        if self.cases[index].pixels != "hu":
            raise DataSetError(f"{self._row(index)}: it holds a finished picture, not HU.")
        return self._array("hu", index, np.dtype("<i2")).astype(np.float64)

    def picture(self, index: int) -> NDArray[np.uint8]:
        """A finished picture, window and zoom burnt in by its source, shape (row, col, 3).

        Raises
        ------
        DataSetError
            If the case holds HU.
        """
        if self.cases[index].pixels != "picture":
            raise DataSetError(f"{self._row(index)}: it holds HU, not a finished picture.")
        with Image.open(io.BytesIO(self.table["picture"][index].as_py())) as image:
            return np.asarray(image.convert("RGB"))

    def mask(self, index: int) -> NDArray[np.bool_]:
        """Where the lesion is, shape (row, col)."""
        rows, cols = self.shape(index)
        bits = np.frombuffer(self.table["mask"][index].as_buffer(), np.uint8)
        return np.unpackbits(bits, count=rows * cols).reshape(rows, cols).astype(np.bool_)

    def of_split(self, split: Split) -> list[int]:
        """Indices of the slices in a split."""
        return [index for index, case in enumerate(self.cases) if case.split == split]

    def _array(self, column: str, index: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        flat = np.frombuffer(self.table[column][index].as_buffer(), dtype)
        return flat.reshape(self.shape(index))

    def _row(self, index: int) -> str:
        return f"{self.folder / 'cases'}, row {index}"


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
        loaded = datasets.load_from_disk(folder / "cases")
        table: pa.Table = loaded.data.table
        rows = table.drop_columns(list(_BYTES)).to_pylist()
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise DataSetError(f"The data set in {folder} is incomplete or damaged: {error}.") from error
    if card.get("schema") != STORE_SCHEMA:
        raise DataSetError(f"The data set in {folder} was written by another version of the program.")
    cases = tuple(_case(number, row, folder) for number, row in enumerate(rows))
    return DataSet(folder, cases, card, table)


def _case(number: int, row: dict[str, Any], folder: Path) -> Case:
    where = f"{folder / 'cases'}, row {number}"
    try:
        case = _parsed(row)
    except KeyError as error:
        raise DataSetError(f"{where}: the column {error} is missing.") from error
    except (TypeError, ValueError) as error:
        raise DataSetError(f"{where}: {error}.") from error
    if case.box_slice is not None and not case.box_slice.fits(row["rows"], row["cols"]):
        raise DataSetError(f"{where}: the box lies outside the slice.")
    return case


def _parsed(row: dict[str, Any]) -> Case:
    corners = [row[name] for name in ("x0", "y0", "x1", "y1")]
    plane, turns = row["plane_mm"], row["turns"]
    return Case(
        **{name: row[name] for name in _TEXTS},
        box_slice=None if corners[0] is None else SliceBox(*corners),
        size_mm=row["size_mm"],
        spacing_mm=None if row["row_mm"] is None else (row["row_mm"], row["col_mm"]),
        thickness_mm=row["thickness_mm"],
        exhaustive=row["exhaustive"],
        plane=None if not plane else _plane(plane, (row["row_mm"], row["col_mm"])),
        turns=tuple(Turn(**{**turn, "options": tuple(turn["options"])}) for turn in turns),
    )


def _plane(numbers: Sequence[float], spacing_mm: tuple[float, float]) -> SlicePlane:
    x, y, z, *axes = numbers
    return SlicePlane((x, y, z), (axes[0], axes[1], axes[2]), (axes[3], axes[4], axes[5]), spacing_mm)


def _as_row(
    case: Case, pixels: NDArray[np.int16] | NDArray[np.uint8], mask: NDArray[np.bool_]
) -> dict[str, Any]:
    corners = case.box_slice.as_tuple() if case.box_slice else (None,) * 4
    row_mm, col_mm = case.spacing_mm or (None, None)
    plane, region = case.plane, case.corners_mm
    return {
        **{name: getattr(case, name) for name in (*_TEXTS, "size_mm", "thickness_mm", "exhaustive")},
        **dict(zip(("x0", "y0", "x1", "y1"), corners, strict=True)),
        "row_mm": row_mm,
        "col_mm": col_mm,
        "corners_mm": None if region is None else region.ravel().tolist(),
        "plane_mm": None if plane is None else [*plane.origin_mm, *plane.x_axis, *plane.y_axis],
        "turns": [
            {"turn": t.turn, "question": t.question, "answer": t.answer}
            | {"options": list(t.options), "reliable": t.reliable}
            for t in case.turns
        ],
        "rows": mask.shape[0],
        "cols": mask.shape[1],
        "hu": pixels.astype("<i2").tobytes() if case.pixels == "hu" else None,
        "picture": _png(pixels) if case.pixels == "picture" else None,
        "mask": np.packbits(mask).tobytes(),
    }


def _png(pixels: NDArray[Any]) -> bytes:
    """The picture written anew, so that nothing but its pixels is kept."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


class Writer:
    """Writes a data set slice by slice, beside its final place, and renames it when it is whole.

    A context manager; leaving it without :meth:`finish` leaves nothing behind.

    Raises
    ------
    DataSetError
        If the folder holds something already.
    """

    def __init__(self, folder: Path) -> None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DataSetError(f"{folder} already holds something; name a folder that does not exist yet.")
        self._folder = folder
        self._parts = folder.with_name(folder.name + ".part")
        shutil.rmtree(self._parts, ignore_errors=True)
        self._parts.mkdir(parents=True)
        self._rows = self._parts / "rows.arrow"
        self._writer: Any = ArrowWriter(
            features=_features(), path=str(self._rows), writer_batch_size=_ROWS_A_BATCH
        )

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
        shutil.rmtree(self._parts, ignore_errors=True)

    def add(self, case: Case, pixels: NDArray[np.int16] | NDArray[np.uint8], mask: NDArray[np.bool_]) -> None:
        """Append one slice."""
        self._writer.write(_as_row(case, pixels, mask))

    def finish(self, documents: dict[str, str]) -> None:
        """Write the documents (name to text), flush everything and move the folder to its place."""
        self._writer.finalize()
        self._writer = None
        shown = datasets.is_progress_bar_enabled()
        datasets.disable_progress_bars()
        try:
            datasets.Dataset.from_file(str(self._rows)).save_to_disk(self._parts / "cases")
        finally:
            if shown:
                datasets.enable_progress_bars()
        self._rows.unlink()
        for name, text in documents.items():
            (self._parts / name).write_text(text, encoding="utf-8")
        for path in self._parts.rglob("*"):
            _flush(path)
        if self._folder.is_dir():
            self._folder.rmdir()
        self._parts.rename(self._folder)


def _flush(path: Path) -> None:
    if path.is_file():
        with path.open("rb") as file:
            os.fsync(file.fileno())
