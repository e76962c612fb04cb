"""Evaluation drives the viewer's dialogue, and the command says what it found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from medreason_viewer.cancel import Cancel
from medreason_viewer.reasoning import prompt, zoom
from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.turns import Turn
from trainer import cli
from trainer.data.case import Case
from trainer.data.dataset import DataSet
from trainer.evaluation.evaluate import evaluate
from trainer.examples.replies import NO_FINDING, steps_for

FIELDS = ("accuracy", "macro_f1", "mean_iou", "iou_50", "centre_inside", "format_rate", "side_accuracy")


class _Oracle:
    """Knows the truth of each slice by its picture."""

    def __init__(self, data: DataSet, manifest: Manifest) -> None:
        self.manifest = manifest
        self.pictures: list[np.ndarray] = []
        self._known: dict[bytes, Case] = {}
        self._case: Case | None = None
        for index, case in enumerate(data.cases):
            self._known[zoom.model_image(data.hu(index), manifest).image.tobytes()] = case

    def stream(self, turn: Turn, cancel: Cancel) -> Iterator[str]:
        self.pictures.append(turn.image)
        if turn.kind == "locate":
            case = self._case = self._known[turn.image.tobytes()]
            boxes = [(case.box_slice, case.finding)] if case.box_slice else []
            yield prompt.write_boxes(boxes, zoom.SliceMap(96, 96, 112, 112), self.manifest)
            return
        assert self._case is not None
        rng = np.random.default_rng(0)
        steps = steps_for(self._case, shown=True, zoomed=True, rng=rng)
        yield from prompt.write_reply(steps, self._case.finding, self.manifest)


def test_the_truth_scores_full_marks(phantoms: DataSet, small_manifest: Manifest) -> None:
    oracle = _Oracle(phantoms, small_manifest)
    told: list[tuple[int, int]] = []
    found = evaluate(oracle, phantoms, small_manifest, range(16), progress=lambda *at: told.append(at))
    assert [found[name] for name in ("accuracy", "format_rate", "side_accuracy", "centre_inside")] == [1] * 4
    assert found["mean_iou"] > 0.85  # whole model pixels
    assert found["n"] == 16
    assert told[-1] == (16, 16)
    assert len(oracle.pictures) == 32


class _Silent:
    """Says one and the same unreadable thing, and keeps what it was shown."""

    def __init__(self) -> None:
        self.pictures: list[np.ndarray] = []

    def stream(self, turn: Turn, cancel: Cancel) -> Iterator[str]:
        self.pictures.append(turn.image)
        yield "nodule"


def test_an_unreadable_reply_is_no_answer(phantoms: DataSet, small_manifest: Manifest) -> None:
    found = evaluate(_Silent(), phantoms, small_manifest, range(8))
    assert [found[name] for name in FIELDS] == [0.0] * 7


def test_blank_shows_nothing(phantoms: DataSet, small_manifest: Manifest) -> None:
    silent = _Silent()
    evaluate(silent, phantoms, small_manifest, range(2), blank=True)
    assert all(np.ptp(picture) == 0 for picture in silent.pictures)
    evaluate(silent, phantoms, small_manifest, range(2))
    assert np.ptp(silent.pictures[-1]) > 0


def test_the_command_prints_one_json_document(
    phantom_folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(
        ["evaluate", "--data", str(phantom_folder), "--bundle", str(tiny_folder), "--limit", "1", "--json"]
    )
    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    assert set(printed) == {*FIELDS, *(f"{name}_ci" for name in FIELDS), "per_class", "confusion", "n"}
    assert printed["n"] == 1


def test_the_best_constant_answer_is_recorded_in_the_manifest(
    phantom_folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "--data", str(phantom_folder), "--bundle", str(tiny_folder)]
    for _ in range(2):
        assert cli.main([*words, "--constant", "--record", "constant"]) == 0
    assert "accuracy" in capsys.readouterr().out
    (score,) = bundle.verify(tiny_folder).scores
    assert (score.set, score.n) == ("constant", 16)
    assert score.values["accuracy"] == 2 / 16
    assert score.values["accuracy_ci_low"] < 2 / 16 < score.values["accuracy_ci_high"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["evaluate", "--data", "nowhere", "--bundle", "nowhere"], 1, "There is no data set folder"),
        (["synth", "--out", "x", "--count", "0", "--seed", "1"], 1, "the count must be at least 1"),
        (["synth", "--count", "1"], 2, "--out"),
        (["sft", "--data", "nowhere", "--out", "x", "--steps", "1"], 1, "There is no data set folder"),
        ([], 2, "COMMAND"),
    ],
)
def test_wrong_use_ends_in_one_sentence(
    words: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        ended = cli.main(words)
    except SystemExit as exit_:
        ended = int(exit_.code or 0)
    printed = capsys.readouterr()
    assert (ended, printed.out) == (code, "")
    assert said in printed.err
    assert "Traceback" not in printed.err


def test_synth_command_writes_a_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["synth", "--out", str(tmp_path / "set"), "--count", "1", "--seed", "2", "--matrix", "64"]
    assert cli.main([*words, "--workers", "1"]) == 0
    assert (tmp_path / "set" / "card.json").is_file()
    assert capsys.readouterr().out == ""
    assert cli.main([*words, "--workers", "1"]) == 1
    assert "already holds" in capsys.readouterr().err


def test_no_finding_is_an_answer(small_manifest: Manifest) -> None:
    assert small_manifest.no_finding == NO_FINDING
