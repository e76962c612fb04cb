"""CT-RATE-VQA as published: a ``save_to_disk`` folder a split, finished pictures with questions and answers.

Pictures have their window, and perhaps a zoom, burnt in; they are kept as they are. The two published folders
each hold a split called ``train``, so a folder's own name says more than that of the split inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import datasets
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from medreason_viewer.errors import DataSetError
from medreason_viewer.volume.geometry import SliceBox
from trainer.data.case import SPLITS, Case, Split, Turn

from .draft import Draft
from .intake import Intake, suggestion
from .patients import Given, settled, straddles
from .vqa_columns import Columns, options_in, plain_answer, sniff

LICENCE: Final = "CC-BY-NC-SA-4.0"
_NAMES: Final[dict[str, Split]] = {"test": "test", "val": "validation", "train": "train"}
_NAMED: Final = re.compile(r"(?<![a-z])(test|val|train)(?:id|idation|ing)?(?![a-z])")
_CT_RATE: Final = re.compile(r"((?:train|valid)_\d+)(?:_|$)")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One split of what was published, opened; ``where`` names its folder."""

    where: str
    rows: Any
    columns: Columns
    split: Split | None


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """One row without its picture, checked."""

    given: Given
    turn: Turn
    box_slice: SliceBox | None
    table: Table
    number: int


@dataclass(frozen=True, slots=True)
class VqaSource:
    """A folder that ``load_from_disk`` opens, or a folder of such folders."""

    root: Path
    licence: str = LICENCE
    name: str = "CT-RATE-VQA"

    def drafts(self, intake: Intake) -> Iterator[Draft]:
        """See :class:`~.gather.Source`."""
        tables = sorted(opened(self.root), key=lambda table: -SPLITS.index(table.split or "train"))
        asked = [row for table in tables for row in _rows(table, intake)]
        splits = settled([row.given for row in asked], intake)
        intake.refuse()
        for row in asked:
            if straddles(row.given, splits, intake):
                continue
            picture = _picture(row, intake)
            if picture is not None:
                yield self._draft(row, picture)

    def _draft(self, row: _Asked, picture: NDArray[np.uint8]) -> Draft:
        case = Case(
            patient=row.given.patient,
            finding=row.turn.answer,
            box_slice=row.box_slice,
            side="",
            level="",
            size_mm=None,
            spacing_mm=None,
            source=self.name,
            licence=self.licence,
            turns=(row.turn,),
            pixels="picture",
        )
        return Draft(row.given.where, case, picture, np.zeros(picture.shape[:2], np.bool_), row.given.split)


def opened(root: Path) -> list[Table]:
    """Every table below a folder, its columns told apart.

    Raises
    ------
    DataSetError
        If there is none, or one cannot be read or understood.
    """
    dicts = {path.parent for path in root.rglob("dataset_dict.json")}
    single = {path.parent for path in root.rglob("state.json") if path.parent.parent not in dicts}
    if not dicts | single:
        raise DataSetError(f"There is nothing at {root} that datasets.save_to_disk wrote.")
    tables = []
    for folder in sorted(dicts | single):
        try:
            loaded = datasets.load_from_disk(folder)
        except (OSError, ValueError, KeyError) as error:
            raise DataSetError(f"{folder} cannot be opened as a data set: {error}.") from error
        held = loaded.items() if isinstance(loaded, datasets.DatasetDict) else [("", loaded)]
        for key, rows in held:
            where = "/".join(part for part in (folder.relative_to(root.parent).as_posix(), key) if part)
            tables.append(Table(where, rows, sniff(rows, where), _split(folder, root, key)))
    return tables


def _split(folder: Path, root: Path, key: str) -> Split | None:
    """By the folder's name, or else that of the split inside; test before validation before train."""
    parts = (root.name,) if folder == root else folder.relative_to(root).parts
    found = {_NAMES[word] for part in (key, *parts) for word in _NAMED.findall(part.casefold())}
    return max(found, key=SPLITS.index) if found else None


def _rows(table: Table, intake: Intake) -> Iterator[_Asked]:
    texts = table.rows.select_columns(table.columns.texts)
    for number, cells in enumerate(texts):
        where = f"{table.where}, row {number}"
        turn = _turn(where, cells, table.columns, intake)
        box = _box(where, cells, table.columns, intake)
        patient = _patient(cells.get(table.columns.patient or "") or "")
        if not patient and table.split is None:
            intake.problem(where, "neither a patient nor the name of its folder tells its split")
        if turn is not None:
            yield _Asked(Given(where, patient, table.split), turn, box, table, number)


def _patient(text: str) -> str:
    """The patient in the name of a CT-RATE scan, or the text as it is."""
    scan = _CT_RATE.match(text)
    return scan.group(1) if scan else text


def _turn(where: str, cells: dict[str, Any], columns: Columns, intake: Intake) -> Turn | None:
    question, answer = cells[columns.question] or "", cells[columns.answer] or ""
    listed = options_in(question)
    said = plain_answer(answer, listed)
    own = cells.get(columns.options or "")
    options = tuple(map(str, own)) if isinstance(own, list) and own else tuple(listed.values())
    if not question.strip() or not said:
        intake.problem(where, f"its {'answer' if question.strip() else 'question'} is empty")
        return None
    if options and said not in options:
        hint = suggestion(said, options)
        intake.problem(where, f"the answer {said!r} is not among the options ({', '.join(options)}){hint}")
        return None
    return Turn("reason", said, question, options)


def _box(where: str, cells: dict[str, Any], columns: Columns, intake: Intake) -> SliceBox | None:
    corners = cells.get(columns.box or "")
    if not corners:
        return None
    try:
        x0, y0, x1, y1 = map(float, corners)
        return SliceBox(x0, y0, x1, y1)
    except (TypeError, ValueError):
        intake.problem(where, f"its box {corners} is not x0 < x1, y0 < y1 from 0 on")
        return None


def _picture(row: _Asked, intake: Intake) -> NDArray[np.uint8] | None:
    """The row's picture in three channels; None, and a problem, where it cannot be read or does not fit."""
    try:
        held = row.table.rows[row.number][row.table.columns.image]
        images = held if isinstance(held, list) else [held]
        if len(images) != 1 or not isinstance(images[0], Image.Image):
            intake.problem(row.given.where, f"it has {len(images)} pictures, not one")
            return None
        picture = np.asarray(images[0].convert("RGB"))
    except (OSError, ValueError, UnidentifiedImageError, SyntaxError) as error:
        intake.problem(row.given.where, f"its picture cannot be read ({error})")
        return None
    if row.box_slice is not None and not row.box_slice.fits(*picture.shape[:2]):
        intake.problem(row.given.where, "its box lies outside its picture")
        return None
    return picture
