"""Questions about finished pictures: VQA-RAD and SLAKE as published, and the pictures of a data set.

VQA-RAD is a JSON list with ``image_name``, ``question``, ``answer``, ``answer_type`` (CLOSED or OPEN),
``phrase_type`` (those of the test set begin with ``test``), beside a folder of JPEG files. SLAKE is one JSON
list a split with ``img_name``, ``question``, ``answer``, ``answer_type``, ``q_lang``, beside ``imgs``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from medreason_viewer.errors import DataSetError

from ..data.dataset import DataSet

YES_NO: Final = ("yes", "no")
_NAMES: Final = ("image_name", "img_name")
_LANGUAGE: Final = "en"
_MOST_PIXELS: Final = 50_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One question about one picture.

    Attributes
    ----------
    where : str
        File and row, for a person to find it.
    group : str
        Questions of one group (picture or patient) are alike.
    options : tuple of str
        What may be answered; empty for free text.
    closed : bool
        Whether it has one short right answer, as its source says.
    picture : callable
        Reads the picture: uint8, shape (row, col, 3).
    """

    where: str
    group: str
    question: str
    answer: str
    options: tuple[str, ...]
    closed: bool
    picture: Callable[[], NDArray[np.uint8]]


def read(listed: Path, images: Path, split: str | None = None) -> list[Question]:
    """The questions of a VQA-RAD or SLAKE file, in English.

    Parameters
    ----------
    images : Path
        Folder of the pictures.
    split : {"train", "test"}, optional
        Of VQA-RAD, whose one file holds both.

    Raises
    ------
    DataSetError
        If the file or a row cannot be used, or a picture is missing; named by file and row.
    """
    try:
        rows = json.loads(listed.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataSetError(f"{listed} cannot be read as JSON: {error}.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataSetError(f"{listed} is not a list of questions.")
    asked = list(_questions(listed, rows, images, split))
    if not asked:
        raise DataSetError(f"There is no question in English in {listed}{f' ({split})' if split else ''}.")
    return asked


def _questions(
    listed: Path, rows: Sequence[dict[str, Any]], images: Path, split: str | None
) -> Iterator[Question]:
    for number, row in enumerate(rows):
        where = f"{listed}, row {number}"
        if str(row.get("q_lang", _LANGUAGE)) != _LANGUAGE or not _of_split(row, split):
            continue
        name = next((str(row[key]) for key in _NAMES if row.get(key)), "")
        question, answer = str(row.get("question", "")).strip(), str(row.get("answer", "")).strip()
        if not (name and question and answer):
            raise DataSetError(f"{where}: it has no picture ({' or '.join(_NAMES)}), question or answer.")
        path = _inside(images, name, where)
        closed = str(row.get("answer_type", "")).strip().upper() == "CLOSED"
        options = YES_NO if answer.lower() in YES_NO else ()
        yield Question(where, name, question, answer, options, closed, partial(_picture, path, where))


def _of_split(row: dict[str, Any], split: str | None) -> bool:
    if split is None or "phrase_type" not in row:
        return True
    return str(row["phrase_type"]).startswith("test") == (split == "test")


def _inside(images: Path, name: str, where: str) -> Path:
    path = (images / name).resolve()
    if not path.is_relative_to(images.resolve()) or not path.is_file():
        raise DataSetError(f"{where}: there is no picture {name} in {images}.")
    return path


def _picture(path: Path, where: str) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise DataSetError(f"{where}: the picture {path.name} is too large.")
            return np.asarray(image.convert("RGB"))
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
        raise DataSetError(f"{where}: the picture {path.name} cannot be read.") from error


def of_data(data: DataSet, chosen: Sequence[int]) -> list[Question]:
    """The questions that a data set's finished pictures come with."""
    return [
        Question(
            where=data.row(index),
            group=data.cases[index].patient or data.row(index),
            question=turn.question or "",
            answer=turn.answer,
            options=turn.options,
            closed=bool(turn.options),
            picture=partial(data.picture, index),
        )
        for index in chosen
        if data.cases[index].pixels == "picture"
        for turn in data.cases[index].turns
        if turn.turn == "reason"
    ]
