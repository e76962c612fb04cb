"""The data set on disk: what synth writes is what read gives, and damage is named."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from medreason_viewer.errors import DataSetError
from medreason_viewer.volume.geometry import SliceBox
from trainer import dataset
from trainer.replies import FINDINGS, NO_FINDING
from trainer.synth import Synthesis, synthesize


def test_synth_writes_every_finding_equally_often(phantoms: dataset.DataSet) -> None:
    assert Counter(case.finding for case in phantoms.cases) == dict.fromkeys(FINDINGS, 2)
    assert phantoms.card["seed"] == 5
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
    np.testing.assert_array_equal(again.hu_all, phantoms.hu_all[:3])
    synthesize(Synthesis(count=3, seed=6, matrix=96), tmp_path / "other")
    assert not {case.patient for case in dataset.read(tmp_path / "other").cases} & {
        case.patient for case in phantoms.cases
    }


def test_shifted_setting_differs(phantoms: dataset.DataSet, tmp_path: Path) -> None:
    synthesize(Synthesis(count=2, seed=5, setting="shifted", matrix=96), tmp_path / "shifted")
    shifted = dataset.read(tmp_path / "shifted")
    assert "shifted" in shifted.cases[0].source
    assert not np.array_equal(shifted.hu_all, phantoms.hu_all[:2])


def test_a_patient_is_in_one_split_only(phantoms: dataset.DataSet) -> None:
    def case(patient: str, finding: str) -> dataset.Case:
        return dataset.Case(patient, finding, None, "", "carina", None, (1.0, 1.0))

    assert all(case(f"p{i}", "nodule").split == case(f"p{i}", NO_FINDING).split for i in range(200))
    shares = Counter(case(f"p{i}", NO_FINDING).split for i in range(2000))
    assert 50 < shares["validation"] < 150
    both = {*phantoms.of_split("train")} | {*phantoms.of_split("validation")}
    assert both == set(range(len(phantoms)))


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


def _copy(source: Path, target: Path) -> Path:
    target.mkdir()
    for path in source.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_a_box_outside_the_slice_is_named_by_row(phantom_folder: Path, tmp_path: Path) -> None:
    folder = _copy(phantom_folder, tmp_path / "bad")
    table = pq.read_table(folder / "cases.parquet").to_pandas()
    table.loc[3, "x1"] = 97.0
    table.to_parquet(folder / "cases.parquet")
    with pytest.raises(DataSetError, match=r"row 3: the box lies outside"):
        dataset.read(folder)


def test_a_misspelt_column_is_named(phantom_folder: Path, tmp_path: Path) -> None:
    folder = _copy(phantom_folder, tmp_path / "bad")
    table = pq.read_table(folder / "cases.parquet")
    names = ["findnig" if name == "finding" else name for name in table.column_names]
    pq.write_table(table.rename_columns(names), folder / "cases.parquet")
    with pytest.raises(DataSetError, match=r"row 0: the column 'finding' is missing"):
        dataset.read(folder)


@pytest.mark.parametrize("name", ["card.json", "cases.parquet", "hu.npy", "masks.npy"])
def test_a_missing_or_cut_file_is_one_sentence(phantom_folder: Path, tmp_path: Path, name: str) -> None:
    folder = _copy(phantom_folder, tmp_path / "bad")
    (folder / name).write_bytes((folder / name).read_bytes()[:20])
    with pytest.raises(DataSetError, match="damaged"):
        dataset.read(folder)
    (folder / name).unlink()
    with pytest.raises(DataSetError, match="incomplete"):
        dataset.read(folder)


def test_nothing_half_written_counts_as_a_set(tmp_path: Path) -> None:
    writer = dataset.Writer(tmp_path / "set", count=1, matrix=64)
    assert not (tmp_path / "set").exists()
    box = SliceBox(8, 8, 16, 16)
    case = dataset.Case("p", "nodule", box, "right", "carina", 8.0, (1.0, 1.0))
    mask = np.zeros((64, 64), np.bool_)
    mask[8:16, 8:16] = True
    writer.add(case, np.full((64, 64), -860.4), mask)
    writer.finish({"seed": 1})
    back = dataset.read(tmp_path / "set")
    assert back.cases == (case,)
    assert (back.hu(0) == -860).all()
    np.testing.assert_array_equal(back.mask(0), mask)
    assert json.loads((tmp_path / "set" / "card.json").read_text())["findings"] == {"nodule": 1}
