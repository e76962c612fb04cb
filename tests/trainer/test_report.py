"""The report: whole, self-contained, honest, and safe to open whatever the data says."""

from __future__ import annotations

import dataclasses
import json
import re
import stat
from html.parser import HTMLParser
from pathlib import Path

import pytest

from medreason_viewer.errors import DataSetError
from medreason_viewer.reasoning.bundles.manifest import Manifest
from trainer import cli
from trainer.data.dataset import DataSet
from trainer.evaluation import predictions
from trainer.evaluation.evaluate import about, figures
from trainer.evaluation.metrics import Prediction
from trainer.evaluation.predictions import Said
from trainer.reporting.cases import choose, quality
from trainer.reporting.report import write_report
from trainer.reporting.svg import chart

EVIL = '<script>alert("x")</script><img src=http://h/x>'


def _said(data: DataSet, *, right: bool) -> list[Said]:
    found = []
    for index, case in enumerate(data.cases):
        answer = case.finding if right or index % 2 else None
        prediction = Prediction(answer, case.box_slice if right else None, case.side, answer is not None)
        words = answer or EVIL
        told = Said(index, case.patient, case.finding, case.box_slice, case.side, prediction, words)
        found.append(dataclasses.replace(told, raw_locate=EVIL, raw_reply=EVIL))
    return found


@pytest.fixture
def run(phantoms: DataSet, small_manifest: Manifest, tmp_path: Path) -> Path:
    """A run with both trainings' curves, two models and a constant."""
    history = [
        {"step": step, "loss": 2 / step, "kl": 0.001 * step, "completions/mean_length": 40 + step}
        | {f"rewards/{name}/mean": 0.1 * step for name in ("correctness", "format", "validation")}
        for step in range(1, 8)
    ]
    for place in ("sft/work/sft", "grpo/work"):
        for step in (5, 7):
            folder = tmp_path / "run" / place / f"checkpoint-{step}"
            folder.mkdir(parents=True)
            (folder / "trainer_state.json").write_text(json.dumps({"log_history": history[:step]}))
    for name, right in (("sft", False), ("grpo", True)):
        said = _said(phantoms, right=right)
        kept = tmp_path / "run" / "evaluate" / f"{name}.jsonl"
        predictions.write(kept, about(small_manifest, phantoms, ""), said)
        kept.with_suffix(".json").write_text(json.dumps(figures(said, small_manifest)))
    (tmp_path / "run" / "data").mkdir()
    (tmp_path / "run" / "data" / "card.json").write_text(json.dumps({"licence": EVIL, "findings": {EVIL: 3}}))
    return tmp_path / "run"


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_the_report_is_one_file_that_runs_and_loads_nothing(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert cli.main(["report", str(run), "--out", str(out)]) == 0
    text = out.read_text("utf-8")
    tags = Tags()
    tags.feed(text)
    assert not {"script", "link", "iframe", "object", "embed"} & {tag for tag, _ in tags.seen}
    sources = [each["src"] or "" for tag, each in tags.seen if tag == "img"]
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not any(name.startswith("on") or name == "href" for _, each in tags.seen for name in each)
    assert "alert(" in text  # told, and harmless
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "esearch use only" in text


def test_the_figures_are_those_of_the_run(run: Path, tmp_path: Path) -> None:
    write_report(run, tmp_path / "report.html")
    text = re.sub(r"<[^>]+>", "", (tmp_path / "report.html").read_text("utf-8"))
    found = json.loads((run / "evaluate" / "sft.json").read_text())
    assert f"{found['accuracy']:.3f} ({found['accuracy_ci'][0]:.3f} to" in text
    assert "grpo less sft. Accuracy rose beyond chance: +0.500" in text
    assert "Rewards" in text
    assert "Completion length" in text
    assert text.count("KL divergence") == 2  # of both trainings, each once: the newest checkpoint


def test_without_predictions_it_says_that_none_are_compared(run: Path, tmp_path: Path) -> None:
    for kept in (run / "evaluate").glob("*.jsonl"):
        kept.unlink()
    write_report(run, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "none are compared" in text
    assert "No predictions were kept" in text


def test_best_worst_and_changed_cases(phantoms: DataSet) -> None:
    before, after = _said(phantoms, right=False), _said(phantoms, right=True)
    assert all(quality(each) == 1 for each in after)
    shown = choose(after, before)
    assert "Worse than before" not in shown
    gains = [quality(each.said) - quality(each.before) for each in shown["Better than before"] if each.before]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] == 1
    assert choose(before, after)["Worse than before"]


def test_nothing_to_report_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="no training and no evaluation"):
        write_report(tmp_path, tmp_path / "report.html")
    with pytest.raises(DataSetError, match="no run folder"):
        write_report(tmp_path / "nowhere", tmp_path / "report.html")


def test_models_asked_about_other_slices_are_not_compared(
    run: Path, phantoms: DataSet, small_manifest: Manifest, tmp_path: Path
) -> None:
    said = _said(phantoms, right=True)[:-1]
    predictions.write(run / "evaluate" / "grpo.jsonl", about(small_manifest, phantoms, ""), said)
    with pytest.raises(DataSetError, match="other slices"):
        write_report(run, tmp_path / "report.html")


def test_a_chart_of_equal_or_missing_values() -> None:
    assert chart("t", {"a": []}) == ""
    assert chart("t", {"a": [(1, float("nan"))]}) == ""
    assert "<circle" in chart("t", {"a": [(1, 0.0)]})
    assert "nan" not in chart("t", {"a": [(1, 2.0), (2, 2.0)]})
    assert "<b>&lt;b&gt;</b>" in chart("<b>", {"a": [(1, 2.0)]})
