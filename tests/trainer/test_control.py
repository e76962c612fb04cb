"""A control beside the rewards: fine-tuning gone on with for as long, compared on the same slices."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from medreason_viewer.errors import TrainingError
from medreason_viewer.reasoning.bundles.bundle import DEMO_BUNDLE, read_manifest
from trainer import cli
from trainer.data.dataset import DataSet, read
from trainer.data.synth import Synthesis, synthesize
from trainer.evaluation.evaluate import answers, load_engine
from trainer.evaluation.spread import Asked, spread
from trainer.reporting.report import write_report
from trainer.running import config_toml
from trainer.running.config import Config, Model
from trainer.running.stages import bundles_of, plan
from trainer.tuning.pace import steps_of


def told(folder: Path, steps: int, seconds_per_step: float) -> Path:
    folder.mkdir()
    text = json.dumps({"steps": steps, "seconds_per_step": seconds_per_step})
    (folder / "pace.json").write_text(text, encoding="utf-8")
    return folder


def test_as_many_steps_as_take_as_long(tmp_path: Path) -> None:
    grpo, sft = told(tmp_path / "grpo", 40, 10.0), told(tmp_path / "sft", 100, 3.0)
    assert steps_of(grpo, sft) == 133
    assert steps_of(sft, told(tmp_path / "slow", 1, 1e6)) == 1
    with pytest.raises(TrainingError, match="came to its end"):
        steps_of(grpo, tmp_path / "none")


def test_the_control_goes_on_from_the_same_bundle_and_stands_before_grpo(tmp_path: Path) -> None:
    text = (
        "[sft]\nsteps = 7\nrate = 0.001\n[sft.emphasis]\nnodule = 2\n[evaluate]\ncontrol = true\nworkers = 2"
    )
    config = config_toml.parse(text, tmp_path / "run.toml")
    works = {work.stage: work for work in plan(config)}
    assert list(works) == ["ingest", "sft", "grpo", "control", "evaluate", "report", "export"]
    assert list(bundles_of(config)) == ["sft", "control", "grpo"]
    sft, control = (cli._parser().parse_args(works[stage].steps[0].arguments) for stage in ("sft", "control"))
    grpo = cli._parser().parse_args(works["grpo"].steps[0].arguments)
    assert control.start == grpo.bundle == sft.out
    assert control.as_long_as == grpo.work
    assert control.at_pace_of == sft.work / "sft"
    assert (control.rate, control.emphasis) == (sft.rate, sft.emphasis) == (0.001, [("nodule", 2.0)])
    without = replace(config, evaluate=replace(config.evaluate, control=False))
    assert "control" not in {work.stage for work in plan(without)}


def test_demo_names_the_bundle_that_comes_with_the_program() -> None:
    assert Config(model=Model(start="demo")).start == DEMO_BUNDLE
    assert Config().start is None


def test_a_model_trained_without_zoom_says_so_in_its_manifest(
    phantom_folder: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "plain"
    words = ["--data", str(phantom_folder), "--start", str(tiny_folder), "--out", str(out)]
    assert (
        cli.main(["--quiet", "sft", *words, "--steps", "1", "--batch", "2", "--judge", "0", "--without-zoom"])
        == 0
    )
    assert not read_manifest(out).zoom.embedded
    assert read_manifest(tiny_folder).zoom.embedded
    assert steps_of(tmp_path / "plain-work" / "sft", tmp_path / "plain-work" / "sft") == 1


def test_phantoms_of_some_findings_take_turns(tmp_path: Path) -> None:
    plan = Synthesis(4, 3, "small", 96, ("nodule", "no finding"))
    synthesize(plan, tmp_path / "set")
    cases = read(tmp_path / "set").cases
    assert [case.finding for case in cases] == ["nodule", "no finding"] * 2
    assert all(case.size_mm is None or case.size_mm <= 15 for case in cases)
    with pytest.raises(ValueError, match="tumour: not among nodule"):
        Synthesis(4, 3, findings=("tumour",))


def test_an_evaluation_spread_over_processes_says_the_same(phantoms: DataSet, tiny_folder: Path) -> None:
    manifest, seen = read_manifest(tiny_folder), list[tuple[int, int]]()
    apart = spread(Asked(tiny_folder, phantoms.folder, manifest), [5, 0, 3], 2, lambda *n: seen.append(n))
    assert apart == answers(load_engine(tiny_folder, manifest), phantoms, manifest, [5, 0, 3])
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_the_report_compares_the_last_model_with_each_before(
    phantom_folder: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    for name in ("sft", "control", "grpo"):
        said = tmp_path / "run" / "evaluate" / f"{name}.jsonl"
        words = ["--data", str(phantom_folder), "--bundle", str(tiny_folder), "--constant", "--limit", "8"]
        assert cli.main(["--quiet", "evaluate", *words, "--predictions", str(said)]) == 0
        said.with_suffix(".json").write_text(json.dumps({"accuracy": 0.5, "n": 8}), encoding="utf-8")
    write_report(tmp_path / "run", tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "<th>grpo less sft</th><th>grpo less control</th>" in text
    assert text.count("Accuracy did not change beyond chance") == 2
