"""What a model said of each slice, kept as JSON lines beside the truth: for reports and paired comparisons.

The first line says what was evaluated, every other line is one slice. The replies count as patient data: the
file is readable by its user alone.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from medreason_viewer.errors import DataSetError
from medreason_viewer.volume.geometry import SliceBox

from .metrics import Prediction, scores

SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class Said:
    """One slice: the truth, and what was said of it.

    Attributes
    ----------
    index : int
        Row of the data set.
    words : str or None
        The answer as written; None where the reply could not be read.
    raw_locate, raw_reply : str
        The model's text, unchanged.
    """

    index: int
    patient: str
    finding: str
    box_slice: SliceBox | None
    side: str
    prediction: Prediction
    words: str | None = None
    raw_locate: str = ""
    raw_reply: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What was evaluated.

    Attributes
    ----------
    model, sha256 : str
        Name and fingerprint (adapter included) of the model.
    data : str
        Folder of the data set.
    variant : str
        How the slices were asked about; empty for plainly.
    classes : tuple of str
        What the model may answer.
    """

    model: str
    sha256: str
    data: str
    variant: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation, slice by slice."""

    about: About
    said: tuple[Said, ...]

    @property
    def figures(self) -> dict[str, Any]:
        """As :func:`~trainer.evaluation.metrics.scores`."""
        return scores(self.said, [each.prediction for each in self.said], self.about.classes)


def write(path: Path, about: About, said: Sequence[Said]) -> None:
    """Write the file: beside, flushed, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    head = {"schema": SCHEMA, **dataclasses.asdict(about)}
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        for line in (head, *map(_row, said)):
            file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def read(path: Path) -> Evaluation:
    """Read a file of predictions.

    Raises
    ------
    DataSetError
        If it cannot be read or a line makes no sense, named by its number.
    """
    number = 1
    try:
        with path.open(encoding="utf-8") as file:
            head = json.loads(file.readline())
            if head.pop("schema") != SCHEMA:
                raise DataSetError(f"{path} was written by another version of the program.")
            about = About(**{**head, "classes": tuple(head["classes"])})
            said = []
            for number, line in enumerate(file, start=2):  # noqa: B007 (told in the error)
                said.append(_said(json.loads(line)))
    except OSError as error:
        raise DataSetError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataSetError(f"{path}, line {number}: this is no prediction ({error}).") from error
    if not said:
        raise DataSetError(f"{path} holds no prediction.")
    return Evaluation(about, tuple(said))


def _row(said: Said) -> dict[str, Any]:
    row = dataclasses.asdict(said)
    row["box_slice"] = _corners(said.box_slice)
    row["prediction"]["box_slice"] = _corners(said.prediction.box_slice)
    return row


def _corners(box: SliceBox | None) -> list[float] | None:
    return list(box.as_tuple()) if box else None


def _said(row: dict[str, Any]) -> Said:
    told = row["prediction"]
    prediction = Prediction(**{**told, "box_slice": _box(told["box_slice"])})
    return Said(**{**row, "box_slice": _box(row["box_slice"]), "prediction": prediction})


def _box(corners: Sequence[float] | None) -> SliceBox | None:
    return SliceBox(*corners) if corners else None
