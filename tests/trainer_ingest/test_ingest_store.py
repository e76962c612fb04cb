"""The data set on disk: what is written is read again, and what is damaged is named."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from ingest_data import VOCABULARY, Ingested, Study, write_csv

from medreason_viewer.errors import DataSetError
from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.volume.geometry import SliceBox, SlicePlane
from trainer.data.case import Case, Turn
from trainer.data.dataset import DataSet, Writer, read
from trainer.examples import items
from trainer.ingest.intake import Intake
from trainer.ingest.labelled import CsvSource
from trainer.ingest.patients import Given, Patients, read_salt, settled
from trainer.ingest.truth import best_slices

PLANE = SlicePlane((-10.0, 20.5, 7.25), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.8, 0.7))


def _case(**other: Any) -> Case:
    fields: dict[str, Any] = {
        "patient": "00ff",
        "finding": "nodule",
        "box_slice": SliceBox(1.0, 2.0, 4.0, 6.0),
        "side": "left",
        "level": "",
        "size_mm": 3.5,
        "spacing_mm": (0.8, 0.7),
        "source": "test",
        "licence": "none",
        "split": "test",
        "turns": (Turn("locate", "nodule"), Turn("reason", "yes", "Is it?", ("yes", "no"), False)),
        "plane": PLANE,
        "mask_from": "drawn",
        "thickness_mm": 2.0,
    }
    return Case(**{**fields, **other})


def _written(folder: Path, *cases: Case) -> DataSet:
    rng = np.random.default_rng(3)
    with Writer(folder) as writer:
        for number, case in enumerate(cases):
            shape = (11 + number, 9)
            hu = rng.integers(-1024, 3000, shape).astype(np.int16)
            writer.add(case, hu, rng.random(shape) > 0.5)
        writer.finish({"card.json": json.dumps({"schema": 2})})
    return read(folder)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    first, second = (
        _case(),
        _case(box_slice=None, plane=None, spacing_mm=None, size_mm=None, split="train", patient="01"),
    )
    data = _written(tmp_path / "set", first, second)
    rng = np.random.default_rng(3)
    assert data.cases == (first, second)
    for index, shape in enumerate([(11, 9), (12, 9)]):
        assert data.shape(index) == shape
        assert np.array_equal(data.hu(index), rng.integers(-1024, 3000, shape))
        assert np.array_equal(data.mask(index), rng.random(shape) > 0.5)
    assert (data.of_split("test"), data.of_split("train"), len(data)) == ([0], [1], 2)
    assert first.corners_mm is not None
    assert data.table["corners_mm"][0].as_py() == first.corners_mm.ravel().tolist()


def test_the_trainer_makes_its_items_from_it(study: Study, tmp_path: Path, ingested: Ingested) -> None:
    table = write_csv(tmp_path / "labels.csv", [study.row(), study.normal(2)])
    data = ingested(CsvSource(study.folder, table, VOCABULARY, "none"))
    manifest = bundle.template("demo")
    for index in range(2):
        rng = np.random.default_rng(index)
        located = items.make(data, index, "locate", manifest, rng)
        assert located.shown == (data.cases[index].finding == "nodule")
        assert items.make(data, index, "reason", manifest, rng).messages


def test_a_patient_in_two_splits_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="rows 0 and 2: one patient is in train and in test"):
        _written(tmp_path / "set", _case(split="train"), _case(patient="01"), _case(split="test"))


def _changed(folder: Path, change: Callable[[Any], Any]) -> None:
    """Write the table anew with something changed, beside its card."""
    table = datasets.load_from_disk(folder / "cases", keep_in_memory=True)
    shutil.rmtree(folder / "cases")
    datasets.disable_progress_bars()
    change(table).save_to_disk(folder / "cases")


def _with(column: str, value: Any) -> Callable[[Any], Any]:
    """A change of the second row."""

    def change(table: Any) -> Any:
        rows = table.to_list()
        rows[1][column] = value
        return datasets.Dataset.from_list(rows, features=table.features)

    return change


_WRONG_TURN = [{"turn": "reason", "question": None, "answer": "boil", "options": ["cyst"], "reliable": True}]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_with("x1", 99.0), "row 1: the box lies outside the slice"),
        (_with("size_mm", -1.0), "row 1: no size or spacing"),
        (_with("split", "trian"), "row 1: unknown split 'trian'"),
        (_with("turns", _WRONG_TURN), "row 1: the answer 'boil' is not among the options"),
        (lambda table: table.rename_column("finding", "findnig"), "row 0: the column 'finding' is missing"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(tmp_path: Path, change: Callable[[Any], Any], said: str) -> None:
    _written(tmp_path / "set", _case(), _case(patient="01"))
    _changed(tmp_path / "set", change)
    with pytest.raises(DataSetError, match=re.escape(said)):
        read(tmp_path / "set")


def _cut(folder: Path) -> None:
    (part,) = (folder / "cases").glob("*.arrow")
    part.write_bytes(part.read_bytes()[:200])


def _lose_card(folder: Path) -> None:
    (folder / "card.json").unlink()


def _lose_cases(folder: Path) -> None:
    (folder / "cases" / "state.json").unlink()


@pytest.mark.parametrize("damage", [_cut, _lose_card, _lose_cases])
def test_a_damaged_set_is_refused(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    _written(tmp_path / "set", _case())
    damage(tmp_path / "set")
    with pytest.raises(DataSetError, match=r"set is incomplete or damaged"):
        read(tmp_path / "set")


def test_an_interrupted_ingest_leaves_nothing_and_a_full_folder_is_not_touched(tmp_path: Path) -> None:
    with Writer(tmp_path / "set") as writer:
        writer.add(_case(), np.zeros((9, 9), np.int16), np.zeros((9, 9), np.bool_))
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine").write_text("keep")
    with pytest.raises(DataSetError, match="already holds something"):
        Writer(tmp_path / "set")
    assert (tmp_path / "set" / "mine").read_text() == "keep"


def test_a_patients_key_needs_the_salt(tmp_path: Path) -> None:
    one, same = (Patients(read_salt(tmp_path / "salt")) for _ in range(2))
    other = Patients(read_salt(tmp_path / "other"))
    assert (tmp_path / "salt").stat().st_mode & 0o077 == 0
    assert one.key("P1") == same.key("P1") != other.key("P1")
    assert one.key("P1") != one.key("P2")
    assert one.key("") == ""


def test_the_validation_share_is_kept_and_stays_as_patients_are_added(tmp_path: Path) -> None:
    patients = Patients(read_salt(tmp_path / "salt"), validation_share=0.2)
    splits = [patients.split(patients.key(str(number))) for number in range(2000)]
    assert 300 < splits.count("validation") < 500


def test_the_most_guarded_split_wins() -> None:
    rows = [Given("a", "P", "train"), Given("b", "P", "test"), Given("c", "P", "validation")]
    intake = Intake("drop")
    assert settled([*rows, Given("d", "Q", None)], intake) == {"P": "test", "Q": None}
    assert not intake.problems


@pytest.mark.parametrize(
    ("areas", "count", "expected"),
    [
        ({3: 10, 4: 40, 5: 30, 6: 21, 9: 5}, 1, [4]),
        ({3: 10, 4: 40, 5: 30, 6: 21, 9: 5}, 2, [4, 6]),
        ({3: 10, 4: 40, 5: 30, 6: 21, 9: 5}, 9, [4, 5, 6]),
        ({}, 3, []),
    ],
)
def test_slices_are_chosen_by_area(areas: dict[int, int], count: int, expected: list[int]) -> None:
    assert best_slices(areas, count) == expected
