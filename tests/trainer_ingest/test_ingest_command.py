"""The command line: every kind has its options, the card comes out, the salt stays out of the set."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from dicom_objects import write_rtstruct, write_seg
from ingest_data import Study, write_csv

from medreason_viewer.errors import DataSetError
from medreason_viewer.reasoning.bundles import bundle
from trainer import cli
from trainer.data.dataset import read
from trainer.ingest import command


def _run(*words: str | Path) -> None:
    parser = argparse.ArgumentParser()
    command.add(parser)
    args = parser.parse_args([str(word) for word in words])
    args.run(args)


def test_a_table_becomes_a_set_and_its_card_is_printed(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_csv(tmp_path / "labels.csv", [study.row(), study.normal(0)])
    places = (
        "--images",
        study.folder,
        "--labels",
        table,
        "--out",
        tmp_path / "set",
        "--salt",
        tmp_path / "s",
    )
    _run("dicom", *places, "--json", "--licence", "ours")
    card = json.loads(capsys.readouterr().out)
    assert (card["slices"], card["patients"], card["licence"]) == (2, 1, "ours")
    assert card == read(tmp_path / "set").card
    assert "2 slices of 1 known patients" in (tmp_path / "set" / "card.md").read_text()


@pytest.mark.parametrize("kind", ["seg", "rtstruct"])
def test_regions_are_named_by_map(study: Study, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "regions.dcm"
    x0, y0, x1, y1 = study.box.as_tuple()
    if kind == "seg":
        mask = study.hu[study.index] > 1e9
        mask[int(y0) : int(y1), int(x0) : int(x1)] = True
        write_seg(path, study, {"GTV": {study.index: mask}})
    else:
        write_rtstruct(path, study, {"GTV": [(study.index, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)])]})
    option = "--segmentations" if kind == "seg" else "--structures"
    common = ("--out", tmp_path / "set", "--salt", tmp_path / "s", "--options", "tumour,cyst")
    _run(kind, "--images", study.folder, option, path, "--map", "GTV=tumour", *common)
    (case,) = read(tmp_path / "set").cases
    assert (case.finding, case.box_slice) == ("tumour", study.box)
    assert case.turns[1].options == ("tumour", "cyst", "no finding")


def test_a_bundles_answers_are_the_options(study: Study, tmp_path: Path) -> None:
    bundle.write_manifest(tmp_path, bundle.template("demo"))
    table = write_csv(tmp_path / "labels.csv", [study.row(answer="boil")])
    common = ("--out", tmp_path / "set", "--salt", tmp_path / "s", "--bundle", tmp_path)
    with pytest.raises(DataSetError, match=r"row 2: the answer 'boil' is not among the options \(nodule"):
        _run("dicom", "--images", study.folder, "--labels", table, *common)


def test_the_salt_must_lie_outside(study: Study, tmp_path: Path) -> None:
    table = write_csv(tmp_path / "labels.csv", [study.row()])
    common = ("--out", tmp_path / "set", "--salt", tmp_path / "set" / "salt")
    with pytest.raises(DataSetError, match="salt must lie outside"):
        _run("dicom", "--images", study.folder, "--labels", table, *common)


def _table(study: Study, bad: str) -> list[dict[str, Any]]:
    """A good row, and one with something wrong."""
    good = study.row(split="train")
    changed = {
        "box": {"x1": 1000},
        "answer": {"answer": "nodul"},
        "split": {"sop": study.sop(study.index + 1), "split": "test"},
        "column": {},
        "volume": {"sop": study.sop(study.index + 2)},
    }[bad]
    rows = [good, {**good, **changed}]
    if bad != "column":
        return rows
    return [{name.replace("answer", "anwser"): cell for name, cell in row.items()} for row in rows]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("box", "labels.csv, row 3: the box ("),
        ("answer", "labels.csv, row 3: the answer 'nodul' is not among the options"),
        ("split", "labels.csv, row 2 (train) and labels.csv, row 3 (test): one patient is in two splits"),
        ("column", "labels.csv, row 1: there is no column 'answer' (is 'anwser' meant to be it?)"),
        ("volume", "labels.csv, row 3: "),
    ],
)
def test_bad_data_is_named_by_file_and_row_and_ends_with_1(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str], bad: str, said: str
) -> None:
    images = tmp_path / "images"
    shutil.copytree(study.folder, images)
    cut = images / study.series.frames[study.index + 2].path.relative_to(study.folder)
    cut.write_bytes(cut.read_bytes()[:2000])
    table = write_csv(tmp_path / "labels.csv", _table(study, bad))
    places = ("--images", images, "--labels", table, "--out", tmp_path / "set", "--salt", tmp_path / "s")
    code = cli.main([str(word) for word in ("ingest", "dicom", *places)])
    told = capsys.readouterr()
    assert (code, told.out) == (1, "")
    assert said in told.err
    assert bad != "volume" or cut.name in told.err
    assert "Traceback" not in told.err
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("dicom", "--out", "x"),
        ("seg", "--images", "x", "--out", "y", "--map", "liver"),
        ("rexgrounding", "--volumes", "x", "--masks", "x", "--findings", "x", "--out", "y", "--slices", "0"),
        ("journal", "--images", "x", "--entries", "x", "--out", "y", "--validation-share", "2"),
        ("ct-rate-vqa", "--data", "x"),
        ("nothing",),
    ],
)
def test_wrong_usage_ends_with_2(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as caught:
        _run(*words)
    assert caught.value.code == 2
