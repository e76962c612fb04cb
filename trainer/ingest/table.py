"""A site's own table: CSV rows under names of columns, with a typo in a name answered by the nearest one."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from medreason_viewer.errors import DataSetError
from medreason_viewer.volume.geometry import SliceBox
from trainer.data.case import SPLITS, Split

from .intake import Intake, suggestion


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it stands (file and line, the heading being line 1), and its cells, stripped."""

    where: str
    cells: dict[str, str]


def read_table(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """The rows of a CSV file; columns may stand in any order and be more than are known.

    Raises
    ------
    DataSetError
        If the file cannot be read, or a required column is missing or probably misspelt.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = names
            _check_names(path, names, required, optional)
            return [_row(path, reader.line_num, cells) for cells in reader]
    except OSError as error:
        raise DataSetError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataSetError(f"{path.name} is not a CSV file in UTF-8: {error}.") from error


def _row(path: Path, line: int, cells: dict[str, str]) -> Row:
    where = f"{path.name}, row {line}"
    if None in cells or None in cells.values():
        raise DataSetError(f"{where}: it does not have as many cells as the first row has names.")
    return Row(where, {name: cell.strip() for name, cell in cells.items()})


def _check_names(path: Path, names: list[str], required: Sequence[str], optional: Sequence[str]) -> None:
    known = [*required, *optional]
    strange = [name for name in names if name not in known]
    for name in required:
        if name not in names:
            near = get_close_matches(name, strange, n=1, cutoff=0.6)
            hint = f" (is {near[0]!r} meant to be it?)" if near else ""
            raise DataSetError(f"{path.name}, row 1: there is no column {name!r}{hint}.")
    for name in strange:
        hint = suggestion(name, [other for other in optional if other not in names])
        if hint:
            raise DataSetError(f"{path.name}, row 1: the column {name!r} is not known{hint}.")


def box_of(row: Row, intake: Intake) -> SliceBox | None:
    """The box in columns x0, y0, x1, y1 (slice pixels, edges); None where all four are empty."""
    cells = [row.cells[name] for name in ("x0", "y0", "x1", "y1")]
    if not any(cells):
        return None
    try:
        return SliceBox(*map(float, cells))
    except ValueError:
        intake.problem(row.where, f"its box ({', '.join(cells)}) is not x0 < x1, y0 < y1 from 0 on")
        return None


def split_of(row: Row, intake: Intake) -> Split | None:
    """The split in the optional column of that name; None where it is empty or not there."""
    return split_named(row.where, row.cells.get("split", ""), intake)


def split_named(where: str, text: str, intake: Intake) -> Split | None:
    """The split of that name; None where it is empty, or none, which is a problem."""
    split = next((split for split in SPLITS if split == text), None)
    if text and split is None:
        intake.problem(where, f"the split {text!r} is not one of {', '.join(SPLITS)}")
    return split
