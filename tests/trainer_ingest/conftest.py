"""A phantom patient as DICOM, and an ingest that takes one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest_data import SALT, Ingested, Study

from trainer.data.dataset import DataSet, read
from trainer.ingest.gather import Plan, Source, gather
from trainer.ingest.intake import Leaks


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A small phantom with a nodule, as DICOM."""
    return Study.made(tmp_path_factory.mktemp("study"), seed=11, finding="nodule")


@pytest.fixture
def ingested(tmp_path: Path) -> Ingested:
    """Ingests a source and opens what came of it; a fixed salt puts the patients here in training."""
    (tmp_path / "salt").write_text(SALT)

    def ingest(source: Source, leaks: Leaks = "refuse") -> DataSet:
        gather(source, Plan(salt=tmp_path / "salt", leaks=leaks), tmp_path / "set")
        return read(tmp_path / "set")

    return ingest
