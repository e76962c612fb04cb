"""DICOM with a table: right slice, right box, right side; bad rows are named by file and row."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from ingest_data import VOCABULARY, Ingested, Study, write_csv

from medreason_viewer.errors import DataSetError
from trainer.ingest.build import Vocabulary
from trainer.ingest.labelled import CsvSource


def _source(study: Study | Path, table: Path) -> CsvSource:
    folder = study.folder if isinstance(study, Study) else study
    return CsvSource(folder, table, VOCABULARY, "test licence")


def test_labels_end_on_the_right_slice_with_the_right_box_and_side(
    study: Study, tmp_path: Path, ingested: Ingested
) -> None:
    rows = [study.row(), study.normal(0)]
    data = ingested(_source(study, write_csv(tmp_path / "labels.csv", rows)))
    cases = {case.finding: index for index, case in enumerate(data.cases)}
    case, index = data.cases[cases["nodule"]], cases["nodule"]
    assert np.array_equal(data.hu(index), np.rint(study.hu[study.index]))
    assert np.array_equal(data.hu(cases["no finding"]), np.rint(study.hu[0]))
    assert (case.box_slice, case.side) == (study.box, study.truth.side)
    assert case.patient not in ("", "P1")
    plane = study.series.frames[study.index].plane
    assert plane is not None
    assert case.corners_mm is not None
    assert np.allclose(case.corners_mm, plane.corners_mm(study.box))
    assert data.cases[cases["no finding"]].box_slice is None
    assert {turn.answer for turn in case.turns} == {"nodule", "yes", study.truth.side}


def test_the_lesion_mask_lies_in_the_box(study: Study, tmp_path: Path, ingested: Ingested) -> None:
    data = ingested(_source(study, write_csv(tmp_path / "labels.csv", [study.row()])))
    mask, box = data.mask(0), study.box
    outside = mask.copy()
    outside[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = False
    assert mask.any()
    assert not outside.any()


def test_nothing_of_the_patient_is_in_the_data_set(study: Study, tmp_path: Path, ingested: Ingested) -> None:
    table = write_csv(tmp_path / "labels.csv", [study.row(patient="DOE-JOHN-4711")])
    data = ingested(_source(study, table))
    written = b"".join(path.read_bytes() for path in data.folder.rglob("*") if path.is_file())
    header = pydicom.dcmread(next(study.folder.iterdir()))
    for secret in ("DOE-JOHN-4711", header.PatientID, header.StudyInstanceUID, study.sop(study.index)):
        assert str(secret).encode() not in written
    told = json.loads((data.folder / "deidentification.json").read_text())
    assert told["dropped_attributes"]["PatientName"] == 1
    assert {"113100", "113101"} <= {method["code"] for method in told["methods"]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"x1": 4000}, "lies outside the image, which is 128 wide and 128 high"),
        ({"answer": "nodul"}, "'nodul' is not among the options"),
        ({"answer": "nodul"}, "is 'nodule' meant?"),
        ({"answer": "no finding"}, "it has a box, yet"),
        ({"x0": "", "y0": "", "x1": "", "y1": ""}, "yet it has no box"),
        ({"x0": 50, "x1": 40}, "its box"),
        ({"y0": "top"}, "its box"),
        ({"sop": "1.2.3"}, "no image has its SOP instance UID"),
        ({"patient": ""}, "names no patient"),
        ({"split": "trian"}, "the split 'trian' is not one of"),
        ({"frame": "0"}, "the frame '0'"),
    ],
)
def test_a_bad_row_is_named_by_file_and_row(
    study: Study, tmp_path: Path, ingested: Ingested, change: dict[str, Any], said: str
) -> None:
    rows = [{**study.normal(0), "split": "", "frame": ""}, {**study.row(split="", frame=""), **change}]
    with pytest.raises(DataSetError) as caught:
        ingested(_source(study, write_csv(tmp_path / "labels.csv", rows)))
    assert "labels.csv, row 3: " in str(caught.value)
    assert said in str(caught.value)
    assert "row 2" not in str(caught.value)
    assert not list(tmp_path.glob("set*"))


def test_every_bad_row_is_named_at_once(study: Study, tmp_path: Path, ingested: Ingested) -> None:
    rows = [study.row(x1=900), study.row(answer="mas"), study.normal(1)]
    with pytest.raises(DataSetError, match=r"(?s)row 2: .*row 3: "):
        ingested(_source(study, write_csv(tmp_path / "labels.csv", rows)))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("answer", "answr", "there is no column 'answer' (is 'answr' meant to be it?)"),
        ("sop", "uid", "there is no column 'sop'."),
        ("split", "splitt", "the column 'splitt' is not known (is 'split' meant?)"),
    ],
)
def test_a_typo_in_a_column_name_is_told(
    study: Study, tmp_path: Path, ingested: Ingested, old: str, new: str, said: str
) -> None:
    row = {new if name == old else name: cell for name, cell in study.row(split="train").items()}
    with pytest.raises(DataSetError) as caught:
        ingested(_source(study, write_csv(tmp_path / "labels.csv", [row])))
    assert str(caught.value) == f"labels.csv, row 1: {said}" or said in str(caught.value)


def test_a_patient_in_two_splits_is_refused_or_stays_in_the_guarded_one(
    study: Study, tmp_path: Path, ingested: Ingested
) -> None:
    rows = [study.row(split="train"), study.normal(0, split="test"), study.normal(1, split="")]
    table = write_csv(tmp_path / "labels.csv", rows)
    with pytest.raises(DataSetError, match=r"row 2 \(train\) and labels.csv, row 3 \(test\): one patient"):
        ingested(_source(study, table))
    data = ingested(_source(study, table), leaks="drop")
    assert [case.split for case in data.cases] == ["test", "test"]
    assert data.card["dropped"] == {"row of a patient who is in a more guarded split": 1}


def test_one_patient_under_two_names_is_refused(study: Study, tmp_path: Path, ingested: Ingested) -> None:
    rows = [study.row(patient="P1"), study.normal(0, patient="P2")]
    with pytest.raises(DataSetError, match=r"row 2 and labels.csv, row 3: the images are of one patient"):
        ingested(_source(study, write_csv(tmp_path / "labels.csv", rows)))


def test_the_same_row_twice_and_contradicting_rows_are_refused(
    study: Study, tmp_path: Path, ingested: Ingested
) -> None:
    rows = [study.row(), study.row(), study.row(answer="mass")]
    with pytest.raises(DataSetError) as caught:
        ingested(_source(study, write_csv(tmp_path / "labels.csv", rows)))
    assert "row 3: it is labels.csv, row 2 again" in str(caught.value)
    assert "row 4: it calls 'mass' the very region that labels.csv, row 2 calls 'nodule'" in str(caught.value)


def _copied(study: Study, tmp_path: Path, **attributes: Any) -> tuple[Path, Path]:
    """The study with some attributes of its best slice changed; the folder, and that slice's file."""
    folder = tmp_path / "images"
    shutil.copytree(study.folder, folder)
    path = folder / study.series.frames[study.index].path.name
    header = pydicom.dcmread(path)
    for name, value in attributes.items():
        setattr(header, name, value)
    header.save_as(path)
    return folder, path


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"BurnedInAnnotation": "YES"}, "burnt into its pixels"),
        ({"ConversionType": "WSD"}, "converted from something else"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "secondary capture"),
        ({"RescaleType": "US"}, "not HU"),
    ],
)
def test_burnt_in_text_and_captures_are_refused(
    study: Study, tmp_path: Path, ingested: Ingested, attributes: dict[str, str], said: str
) -> None:
    folder, path = _copied(study, tmp_path, **attributes)
    with pytest.raises(DataSetError) as caught:
        ingested(_source(folder, write_csv(tmp_path / "labels.csv", [study.row()])))
    assert f"labels.csv, row 2: {path.name}: " in str(caught.value)
    assert said in str(caught.value)


def test_an_unreadable_image_is_named(study: Study, tmp_path: Path, ingested: Ingested) -> None:
    folder, path = _copied(study, tmp_path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataSetError) as caught:
        ingested(_source(folder, write_csv(tmp_path / "labels.csv", [study.row()])))
    assert "labels.csv, row 2: " in str(caught.value)
    assert path.name in str(caught.value)


def test_the_real_nodule_is_found_again(real_ct: Path, tmp_path: Path, ingested: Ingested) -> None:
    told = json.loads((real_ct / "lidc-0314" / "nodules.json").read_text())
    marks = told["annotations"][0]["slices"]
    rows = [
        {
            "patient": told["patient"],
            "sop": mark["sop"],
            "x0": mark["col0"],
            "y0": mark["row0"],
            "x1": mark["col1"],
            "y1": mark["row1"],
            "answer": "nodule",
        }
        for mark in (marks[2], marks[8])
    ]
    table = write_csv(tmp_path / "nodules.csv", rows)
    data = ingested(
        CsvSource(real_ct / "lidc-0314" / "dicom", table, Vocabulary(("nodule", "no finding")), "CC BY 3.0")
    )
    assert len(data) == 2
    for index, (case, mark) in enumerate(zip(data.cases, (marks[2], marks[8]), strict=True)):
        file = pydicom.dcmread(real_ct / "lidc-0314" / "dicom" / mark["file"], stop_before_pixels=True)
        assert case.plane is not None
        assert case.plane.origin_mm == pytest.approx(tuple(file.ImagePositionPatient))
        assert case.box_slice is not None
        assert case.box_slice.as_tuple() == (mark["col0"], mark["row0"], mark["col1"], mark["row1"])
        assert case.side == "right"
        x, y = map(int, case.box_slice.centre)
        assert -100 < data.hu(index)[y - 2 : y + 3, x - 2 : x + 3].mean() < 150
        assert case.body_part == "CHEST"
