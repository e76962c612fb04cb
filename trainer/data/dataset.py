"""The data set on disk: one Arrow table through ``datasets``, one row a slice with its truth and its turns.

::

    DIR/cases/                  Dataset.save_to_disk; its columns are told in case_rows.py
    DIR/card.json, card.md      what the set holds, for machines and for people
    DIR/deidentification.json   what was left behind, of a site's own cases

This is the one format: ``synth`` and ``ingest`` write it, training and evaluation read it. Slices may differ
in size. The table is mapped into memory, never read into it.
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

from .case import Case, Split, Turn
from .rows import BYTES, as_row, features, parsed

STORE_SCHEMA: Final = 2
_ROWS_A_BATCH: Final = 16
_EARLIER: Final = "cases.parquet"  # of the format before this one
_YES_NO: Final = {"yes", "no"}


@dataclass(frozen=True, slots=True, eq=False)
class DataSet:
    """A data set opened for reading; the pixels stay on disk until asked for.

    Attributes
    ----------
    taught : tuple of tuple of Turn
        The turns of each case that may be learnt from: see :func:`reliable`.
    """

    folder: Path
    cases: tuple[Case, ...]
    card: dict[str, Any]
    table: pa.Table
    taught: tuple[tuple[Turn, ...], ...]

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
            raise DataSetError(f"{self.row(index)}: it holds a finished picture, not HU.")
        return self._array("hu", index, np.dtype("<i2")).astype(np.float64)

    def picture(self, index: int) -> NDArray[np.uint8]:
        """A finished picture, window and zoom burnt in by its source, shape (row, col, 3).

        Raises
        ------
        DataSetError
            If the case holds HU.
        """
        if self.cases[index].pixels != "picture":
            raise DataSetError(f"{self.row(index)}: it holds HU, not a finished picture.")
        with Image.open(io.BytesIO(self.table["picture"][index].as_py())) as image:
            return np.asarray(image.convert("RGB"))

    def mask(self, index: int) -> NDArray[np.bool_]:
        """Where the lesion is, shape (row, col)."""
        rows, cols = self.shape(index)
        bits = np.frombuffer(self.table["mask"][index].as_buffer(), np.uint8)
        return np.unpackbits(bits, count=rows * cols).reshape(rows, cols).astype(np.bool_)

    def of_split(self, split: Split) -> list[int]:
        """Indices of the slices in a split; to measure by, only of those that are known as a whole."""
        indices = (index for index, case in enumerate(self.cases) if case.split == split)
        return [index for index in indices if split == "train" or self.cases[index].whole]

    def to_measure(self, split: Split | None = None) -> list[int]:
        """Indices of the slices to measure a model by, of a split if one is named.

        Where single regions were spoken of alone, nobody said what the slice shows: they are none of them.
        """
        indices = range(len(self)) if split is None else self.of_split(split)
        return [index for index in indices if self.cases[index].whole]

    def to_learn(self) -> list[int]:
        """Indices of the training split's slices that have a turn to learn from."""
        return [index for index in self.of_split("train") if self.taught[index]]

    def _array(self, column: str, index: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        flat = np.frombuffer(self.table[column][index].as_buffer(), dtype)
        return flat.reshape(self.shape(index))

    def row(self, index: int) -> str:
        """File and row, for a person to find a case."""
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
    if (folder / _EARLIER).exists():
        raise DataSetError(
            f"The data set in {folder} is of an earlier version of the program: make it again."
        )
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        loaded = datasets.load_from_disk(folder / "cases", keep_in_memory=False)
        table: pa.Table = loaded.data.table
        rows = table.drop_columns(list(BYTES)).to_pylist()
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise DataSetError(f"The data set in {folder} is incomplete or damaged: {error}.") from error
    if card.get("schema") != STORE_SCHEMA:
        raise DataSetError(f"The data set in {folder} was written by another version of the program.")
    cases = tuple(_case(number, row, folder) for number, row in enumerate(rows))
    _check_splits(cases, folder)
    return DataSet(folder, cases, card, table, reliable(cases))


def _case(number: int, row: dict[str, Any], folder: Path) -> Case:
    where = f"{folder / 'cases'}, row {number}"
    try:
        case = parsed(row)
    except KeyError as error:
        raise DataSetError(f"{where}: the column {error} is missing.") from error
    except (TypeError, ValueError) as error:
        raise DataSetError(f"{where}: {error}.") from error
    if case.box_slice is not None and not case.box_slice.fits(row["rows"], row["cols"]):
        raise DataSetError(f"{where}: the box lies outside the slice.")
    return case


def reliable(cases: Sequence[Case]) -> tuple[tuple[Turn, ...], ...]:
    """The turns of each case that may be learnt from.

    Left out are those that their source does not vouch for, and questions of presence on slices in HU, or in
    regions on them, that all training cases answer alike: they would teach the answer, not the picture.
    """
    sure = [tuple(turn for turn in case.turns if turn.reliable) for case in cases]
    said: dict[bool, set[str]] = {True: set(), False: set()}
    for case, turns in zip(cases, sure, strict=True):
        for turn in turns:
            if case.split == "train" and _asks_presence(case, turn):
                said[turn.region_slice is None].add(turn.answer)
    pairs = zip(cases, sure, strict=True)
    return tuple(
        tuple(t for t in turns if not _asks_presence(case, t) or said[t.region_slice is None] == _YES_NO)
        for case, turns in pairs
    )


def _asks_presence(case: Case, turn: Turn) -> bool:
    return case.pixels == "hu" and set(turn.options) == _YES_NO


def _check_splits(cases: tuple[Case, ...], folder: Path) -> None:
    first: dict[str, tuple[int, Split]] = {}
    for number, case in enumerate(cases):
        row, split = first.setdefault(case.patient, (number, case.split))
        if case.patient and split != case.split:
            raise DataSetError(
                f"{folder / 'cases'}, rows {row} and {number}: one patient is in {split} and in {case.split}."
            )


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
            features=features(), path=str(self._rows), writer_batch_size=_ROWS_A_BATCH
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
        self._writer.write(as_row(case, pixels, mask))

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
