"""From every kind of source to a batch to learn from: right picture and words, nothing invented."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_model
from dicom_objects import write_rtstruct, write_seg
from ingest_data import SALT, VOCABULARY, Ingested, Study, write_csv
from published import CODES, RexPublished, picture, save_table

import medreason_viewer
from medreason_viewer.errors import DataSetError
from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import ImageSpec, Manifest
from medreason_viewer.reasoning.engine.tokens import ChatTokenizer
from medreason_viewer.reasoning.evidence import check
from medreason_viewer.reasoning.parse import parse_boxes, parse_reply
from trainer import cli
from trainer.data.dataset import DataSet, read
from trainer.data.vocabulary import fitted
from trainer.examples import collate, items
from trainer.examples.measured import measured
from trainer.grpo import rows as grpo_rows
from trainer.ingest.build import Vocabulary
from trainer.ingest.gather import Plan, Source, gather
from trainer.ingest.labelled import CsvSource
from trainer.ingest.marked import Choice, MarkedSource
from trainer.ingest.rtstruct import STRUCTURES
from trainer.ingest.seg import SEGMENTATIONS
from trainer.ingest.vqa import VqaSource

DEMO = Path(medreason_viewer.__file__).parent / "resources" / "models" / "demo"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Qwen2.5-VL in the published layout, with the demo's manifest and pictures of 112 x 112."""
    folder = tiny_model.build(tmp_path_factory.mktemp("models") / "tiny")
    image = ImageSpec(min_pixels=112 * 112, max_pixels=112 * 112)
    made = replace(bundle.template("demo"), image=image, files=bundle.file_entries(folder))
    bundle.write_manifest(folder, made)
    return folder


def _csv(study: Study, folder: Path) -> Source:
    rows = [study.row(), study.normal(0), study.row(answer="mass", sop=study.sop(study.index + 1))]
    rows[2]["question"] = "Which of these is it?"
    table = write_csv(folder / "labels.csv", [{"question": "", **row} for row in rows])
    return CsvSource(study.folder, table, VOCABULARY, "test")


def _seg(study: Study, folder: Path) -> Source:
    x0, y0, x1, y1 = map(int, study.box.as_tuple())
    mask = np.zeros((128, 128), np.bool_)
    mask[y0:y1, x0:x1] = True
    path = write_seg(folder / "seg.dcm", study, {"GTV": {study.index: mask}})
    return MarkedSource(
        study.folder,
        path,
        Choice(Vocabulary(("tumour", "no finding")), {"GTV": "tumour"}),
        "test",
        SEGMENTATIONS,
    )


def _rt(study: Study, folder: Path) -> Source:
    x0, y0, x1, y1 = study.box.as_tuple()
    outline = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    path = write_rtstruct(folder / "rt.dcm", study, {"nodule": [(study.index, outline)]})
    return MarkedSource(study.folder, path, Choice(VOCABULARY, {}), "test", STRUCTURES)


def _rex(study: Study, folder: Path) -> Source:
    published = RexPublished(folder / "rex", study)
    published.add("train", "train_1_a_1.nii.gz", CODES)
    published.add("val", "train_2_a_1.nii.gz", CODES)
    return published.source()


def _vqa(study: Study, folder: Path) -> Source:
    asked = ["What is it? A. Nodule B. Effusion", "Where is it?"]
    answers = ["<answer>B</answer>", "right lung"]
    shown = [picture(1), picture(2, width=70)]
    save_table(folder / "vqa-train", image=shown, problem=asked, solution=answers)
    return VqaSource(folder / "vqa-train")


SOURCES = {"csv": _csv, "seg": _seg, "rtstruct": _rt, "rexgrounding": _rex, "ct-rate-vqa": _vqa}


@pytest.fixture(scope="module", params=list(SOURCES))
def site(request: pytest.FixtureRequest, study: Study, tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """A data set from each kind of source."""
    make: Callable[[Study, Path], Source] = SOURCES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "salt").write_text(SALT)
    gather(make(study, folder), Plan(folder / "salt"), folder / "set")
    return read(folder / "set")


def _draws(data: DataSet, manifest: Manifest, count: int = 10) -> list[tuple[int, items.Item]]:
    return [
        (index, items.make(data, index, turn, manifest, np.random.default_rng([draw, index])))
        for index in data.to_learn()
        for turn in ("locate", "reason")
        for draw in range(count)
    ]


def test_every_reply_is_read_and_contradicts_nothing_that_is_measured(site: DataSet, tiny: Path) -> None:
    manifest = fitted(bundle.verify(tiny), site)
    assert site.to_learn()
    for index, item in _draws(site, manifest):
        size = item.image.shape[:2]
        if item.turn == "locate":
            (box,) = parse_boxes(item.target, size, manifest.reply) or (None,)
            truth = site.cases[index].box_slice
            assert (box is None) == (truth is None)
            if box is not None and truth is not None:
                assert box.label == site.cases[index].finding
                assert item.slice_map.box_to_slice(box.box_model).iou(truth) > 0.6
            continue
        reply = parse_reply(item.target, size, manifest.reply)
        assert item.manifest is not None
        assert reply.answer == item.answer
        assert not item.manifest.answer_classes or reply.answer in item.manifest.answer_classes
        evidence = measured(site, index) if item.shown else None
        if evidence is not None:
            said = [claim for step in reply.steps[:-1] for claim in check(step.text, evidence)]
            assert {claim.verdict for claim in said} <= {"agrees"}


def test_every_source_ends_in_a_batch_and_in_a_truth_to_be_rewarded_by(site: DataSet, tiny: Path) -> None:
    manifest = fitted(bundle.verify(tiny), site)
    made = collate.Collator(site.folder, tiny, manifest)
    rows = [
        {"case": index, "turn": turn, "draw": 3} for index in site.to_learn() for turn in ("locate", "reason")
    ]
    batch = made(rows)
    assert len(batch["input_ids"]) == len(rows)
    tokenizer = ChatTokenizer(tiny)
    for place, row in enumerate(rows):
        item = items.make(site, row["case"], row["turn"], manifest, np.random.default_rng(3))
        learnt = batch["labels"][place] != collate.IGNORED
        assert tokenizer.decode(batch["input_ids"][place][learnt].tolist()) == item.target
        truth = grpo_rows.truth_of(site, row["case"], item, manifest)
        assert truth.answer == item.answer


def test_a_published_row_trains_as_it_is(tmp_path: Path, ingested: Ingested) -> None:
    shown = picture(5).resize((28, 28))
    small = replace(bundle.template("demo"), image=ImageSpec(28 * 28, 28 * 28))
    question = "What is it? A. Cyst B. Boil"
    save_table(tmp_path / "x-train", image=[shown], problem=[question], solution=["B"])
    data = ingested(VqaSource(tmp_path / "x-train"))
    item = items.make(data, 0, "locate", small, np.random.default_rng(0))
    assert np.array_equal(item.image, np.asarray(shown))
    assert (item.turn, item.answer, item.shown) == ("reason", "Boil", False)
    assert question in item.messages[-1]["content"][1]["text"]
    assert item.target == "<think> The answer is: Boil. </think><answer> Boil </answer>"


def test_the_question_that_the_viewer_asks_is_asked_most(
    study: Study, tmp_path: Path, ingested: Ingested
) -> None:
    table = write_csv(tmp_path / "two.csv", [study.row(exhaustive="yes"), study.normal(0, exhaustive="")])
    data, manifest = ingested(CsvSource(study.folder, table, VOCABULARY, "test")), bundle.template("demo")
    nodule = next(index for index, case in enumerate(data.cases) if case.finding == "nodule")
    made = [
        items.make(data, nodule, "reason", manifest, np.random.default_rng(draw)).answer for draw in range(60)
    ]
    assert set(made) == {"nodule", "no finding", "yes", "no", study.truth.side}
    assert 30 <= sum(answer in ("nodule", "no finding") for answer in made) < 50


def test_a_bundle_learns_the_sites_own_classes(study: Study, tmp_path: Path, ingested: Ingested) -> None:
    data = ingested(_seg(study, tmp_path))
    manifest = fitted(bundle.template("demo"), data)
    assert (manifest.answer_classes, manifest.no_finding) == (("tumour", "no finding"), "no finding")
    assert fitted(bundle.template("medreason-r1"), data).answer_classes == ("tumour", "no finding")


def test_the_preflight_tells_what_the_model_will_answer(
    study: Study, tmp_path: Path, ingested: Ingested
) -> None:
    from trainer.preflight import Machine, data
    from trainer.running import config_toml

    folder = ingested(_seg(study, tmp_path)).folder
    text = f"[model]\nstart = '{DEMO}'\n[data]\nsource = 'folder'\nfolder = '{folder}'"
    lines = list(data.training(config_toml.parse(text, tmp_path / "run.toml"), Machine(memory=2**34)))
    assert not [line for line in lines if line.level == "problem"]
    assert any("the model will answer tumour, no finding" in line.found for line in lines)


def test_a_bundle_keeps_its_classes_where_they_are_enough(
    study: Study, tmp_path: Path, ingested: Ingested
) -> None:
    manifest = bundle.template("demo")
    assert fitted(manifest, ingested(_csv(study, tmp_path))) is manifest


def test_an_answer_that_no_option_names_is_named_by_row(
    study: Study, tmp_path: Path, ingested: Ingested
) -> None:
    data = ingested(_seg(study, tmp_path))
    asked = tuple(tuple(replace(turn, options=()) for turn in turns) for turns in data.taught)
    with pytest.raises(DataSetError, match=r"row 0: the answer 'tumour' is neither among the model's"):
        fitted(bundle.template("demo"), replace(data, taught=asked))


def test_presence_is_learnt_only_where_it_is_asked_both_ways(
    study: Study, tmp_path: Path, ingested: Ingested
) -> None:
    table = write_csv(tmp_path / "one.csv", [study.row()])
    one = ingested(CsvSource(study.folder, table, VOCABULARY, "test"))
    assert "yes" in {turn.answer for turn in one.cases[0].turns}
    assert "yes" not in {turn.answer for turns in one.taught for turn in turns}


def test_presence_is_asked_both_ways_where_absence_is_known(
    study: Study, tmp_path: Path, ingested: Ingested
) -> None:
    table = write_csv(tmp_path / "two.csv", [study.row(exhaustive="yes"), study.normal(0, exhaustive="")])
    two = ingested(CsvSource(study.folder, table, VOCABULARY, "test"))
    asked = [turn for turns in two.taught for turn in turns if turn.answer in ("yes", "no")]
    assert sorted(turn.answer for turn in asked) == ["no", "no", "yes"]
    of_nodule = next(case for case in two.cases if case.finding == "nodule").turns
    assert all("nodule" not in str(turn.question) for turn in of_nodule if turn.answer == "no")


def _lidc(root: Path, folder: Path) -> Path:
    told = json.loads((root / "nodules.json").read_text())
    common = {"patient": told["patient"], "answer": "nodule", "split": "train"}
    corners = {"x0": "col0", "y0": "row0", "x1": "col1", "y1": "row1"}
    rows = [
        {**common, "sop": mark["sop"], **{name: mark[key] for name, key in corners.items()}}
        for mark in told["annotations"][0]["slices"][2:9:2]
    ]
    return write_csv(folder / "nodules.csv", rows)


def _run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    code = cli.main([str(word) for word in words])
    told = capsys.readouterr()
    assert code == 0, told.err
    return told.out


@pytest.mark.filterwarnings("ignore:mtime may not be reliable")
def test_a_real_chest_is_ingested_trained_on_and_evaluated(
    real_ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = real_ct / "lidc-0314"
    if not root.is_dir():
        pytest.skip(f"no {root}")
    data, out = tmp_path / "set", tmp_path / "tuned"
    labels = ("--labels", _lidc(root, tmp_path), "--salt", tmp_path / "salt")
    _run(capsys, "--quiet", "ingest", "dicom", "--images", root / "dicom", *labels, "--out", data)
    few = ("--steps", "2", "--batch", "2", "--judge", "0", "--workers", "0", "--threads", "1")
    _run(capsys, "--quiet", "sft", "--data", data, "--start", DEMO, "--out", out, *few)
    assert bundle.verify(out).answer_classes == bundle.template("demo").answer_classes
    printed = _run(capsys, "--quiet", "evaluate", "--data", data, "--bundle", out, "--limit", "1", "--json")
    found = json.loads(printed)
    assert found["n"] == 1
    assert found["side_accuracy"] in (0.0, 1.0)
