"""What the ingest tests share: a phantom study with its truth, and tables."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.load import load_volume
from medreason_viewer.volume.phantom import Finding, StudyTruth, write_study
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.series import Series
from trainer.data.dataset import DataSet
from trainer.ingest.build import Vocabulary
from trainer.ingest.gather import Source
from trainer.ingest.intake import Leaks

CLASSES = ("nodule", "mass", "effusion", "no finding")
VOCABULARY = Vocabulary(CLASSES)
SALT = "01" * 32


class Ingested(Protocol):
    def __call__(self, source: Source, leaks: Leaks = "refuse") -> DataSet: ...


@dataclass(frozen=True, eq=False)
class Study:
    """A phantom study and what it shows; slice numbers as the viewer counts them."""

    truth: StudyTruth
    series: Series
    hu: NDArray[np.float64]

    @classmethod
    def made(cls, folder: Path, seed: int, finding: Finding) -> Study:
        truth = write_study(folder, seed=seed, finding=finding, slices=24, spacing_mm=8.0, matrix=128)
        (series,) = scan(truth.dicom).series
        volume = load_volume(series)
        return cls(truth, series, np.stack([volume.hu(index) for index in range(24)]))

    @property
    def folder(self) -> Path:
        return self.truth.dicom

    @property
    def index(self) -> int:
        """The slice that shows the finding best."""
        assert self.truth.slice_index is not None
        return self.truth.slice_index

    @property
    def box(self) -> SliceBox:
        assert self.truth.box_slice is not None
        return self.truth.box_slice

    def sop(self, index: int) -> str:
        return self.series.frames[index].sop_uid

    def row(self, **other: Any) -> dict[str, Any]:
        """The label of the best slice, with some cells changed."""
        corners = dict(zip(("x0", "y0", "x1", "y1"), self.box.as_tuple(), strict=True))
        row = {"patient": "P1", "sop": self.sop(self.index), **corners, "answer": "nodule"}
        return {**row, **other}

    def normal(self, index: int, **other: Any) -> dict[str, Any]:
        """The label of a slice without a finding."""
        empty = dict.fromkeys(("x0", "y0", "x1", "y1"), "")
        return {"patient": "P1", "sop": self.sop(index), **empty, "answer": "no finding", **other}


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """A CSV file with the rows' own columns."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
