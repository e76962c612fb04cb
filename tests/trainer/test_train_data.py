"""Phantoms as a data set: what synth writes is what read gives."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from medreason_viewer.errors import DataSetError
from trainer.data import dataset
from trainer.data.synth import Synthesis, split_of, synthesize
from trainer.examples.replies import FINDINGS, NO_FINDING


def test_synth_writes_every_finding_equally_often(phantoms: dataset.DataSet) -> None:
    assert Counter(case.finding for case in phantoms.cases) == dict.fromkeys(FINDINGS, 2)
    assert phantoms.card["seed"] == 5
    kinds = {"modality": ["CT"], "body_part": ["CHEST"], "plane": ["axial"], "kernel": ["PHANTOM"]}
    assert phantoms.card["scope"] == kinds
    assert phantoms.card["slices"] == len(phantoms) == 16


def test_box_is_the_masks_own(phantoms: dataset.DataSet) -> None:
    for index, case in enumerate(phantoms.cases):
        mask = phantoms.mask(index)
        assert (case.finding == NO_FINDING) == (not mask.any())
        if case.box_slice is not None:
            rows, cols = np.nonzero(mask)
            assert case.box_slice.as_tuple() == (cols.min(), rows.min(), cols.max() + 1, rows.max() + 1)
            half = mask.shape[1] / 2
            assert case.side == ("right" if cols.mean() < half else "left")  # seen from the feet


def test_same_seed_same_slices(phantoms: dataset.DataSet, tmp_path: Path) -> None:
    synthesize(Synthesis(count=3, seed=5, matrix=96), tmp_path / "again", workers=1)
    again = dataset.read(tmp_path / "again")
    assert again.cases == phantoms.cases[:3]
    assert all(np.array_equal(again.hu(index), phantoms.hu(index)) for index in range(3))
    synthesize(Synthesis(count=3, seed=6, matrix=96), tmp_path / "other")
    assert not {case.patient for case in dataset.read(tmp_path / "other").cases} & {
        case.patient for case in phantoms.cases
    }


def test_shifted_setting_differs(phantoms: dataset.DataSet, tmp_path: Path) -> None:
    synthesize(Synthesis(count=2, seed=5, setting="shifted", matrix=96), tmp_path / "shifted")
    shifted = dataset.read(tmp_path / "shifted")
    assert "shifted" in shifted.cases[0].source
    assert not np.array_equal(shifted.hu(0), phantoms.hu(0))


def test_a_phantom_is_in_one_split_only(phantoms: dataset.DataSet) -> None:
    shares = Counter(split_of(f"p{number}") for number in range(2000))
    assert 50 < shares["validation"] < 150
    both = {*phantoms.of_split("train")} | {*phantoms.of_split("validation")}
    assert both == set(range(len(phantoms)))
    assert phantoms.to_learn() == phantoms.of_split("train")


def test_the_pixels_are_mapped_not_read(phantoms: dataset.DataSet) -> None:
    held = phantoms.table["hu"].nbytes
    before = pa.total_allocated_bytes()
    for index in range(len(phantoms)):
        phantoms.hu(index)
    assert held > 16 * 96 * 96 * 2
    assert pa.total_allocated_bytes() - before < held / 16


def test_a_set_of_the_earlier_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cases.parquet").touch()
    with pytest.raises(DataSetError, match="of an earlier version of the program: make it again"):
        dataset.read(tmp_path)


def test_refuses_a_folder_that_holds_something(phantom_folder: Path) -> None:
    with pytest.raises(DataSetError, match="already holds"):
        synthesize(Synthesis(count=1, seed=0, matrix=64), phantom_folder)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"count": 0, "seed": 0}, "count"),
        ({"count": 1, "seed": -1}, "seed"),
        ({"count": 1, "seed": 0, "matrix": 100}, "matrix"),
    ],
)
def test_refuses_nonsense(plan: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Synthesis(**plan)  # type: ignore[arg-type]
