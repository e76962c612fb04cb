"""The benchmark of the model measures what it says, on both loops alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tiny_requests import MANIFEST

from medreason_viewer import cli
from medreason_viewer.errors import BundleError
from medreason_viewer.reasoning.engine import bench, bench_memory, qwen
from medreason_viewer.reasoning.engine.shapes import Shape


def test_the_command_prints_every_figure_and_writes_a_trace(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ["--tokens", "6", "--image-tokens", "16", "--rounds", "1"]
    where = ["--model", str(tiny_bundle), "--device", "cpu", "--trace", str(tmp_path / "trace.json")]
    assert cli.main(["bench", "model", "--json", *size, *where]) == 0
    found = json.loads(capsys.readouterr().out)
    asked = {"model": "tiny", "device": "cpu", "tokens": 6, "image_tokens": 16, "rounds": 1}
    assert asked.items() <= found.items()
    assert found["same_reply"] is True
    assert found["llama_cpp"] is None
    for figures in (found, found["stock"]):
        assert figures["tokens_per_s"] > 0
        assert figures["first_token_s"] > 0
    assert found["followup_first_token_s"] > 0
    assert found["copy_bytes_per_s"] > 1e8
    assert found["peak_memory_bytes"] > 50e6
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert any("mm" in event.get("name", "") for event in events)


def test_a_token_reads_the_layers_the_head_and_the_cache(tiny_folder: Path) -> None:
    model = qwen.load(tiny_folder, MANIFEST, device="cpu").model
    value_bytes = model.lm_head.weight.element_size()
    linears = 2 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 128)
    scales = linears // 64 + 14 * (16 + 256) * 4 + 4 * 2 * (2 + 2 + 3)  # of up to 256 blocks: one more scale
    plain = 2 * (2 * 64 + 64 + 2 * 32) + 64 + 448 * 64
    expected = linears // 2 + scales + plain * value_bytes + 2 * 2 * 32 * value_bytes * 10
    assert bench_memory.bytes_per_token(model, 10) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(("name", "value"), [("tokens", 1), ("image_tokens", 0), ("rounds", 0)])
def test_a_plan_that_measures_nothing_is_refused(name: str, value: int) -> None:
    with pytest.raises(BundleError, match="must be at least"):
        bench.Plan(Shape("3b"), **{name: value})  # type: ignore[arg-type]


def test_layers_are_cut_from_a_shape_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "model", "--layers", "2"]) == 1
    assert "--layers needs --shape" in capsys.readouterr().err


@pytest.mark.slow
def test_two_layers_of_3b_on_this_cpu_are_ahead_of_stock() -> None:
    plan = bench.Plan(Shape("3b", layers=2), device="cpu", tokens=48)
    found = bench.bench_model(plan)
    assert found["tokens_per_s"] >= 1.3 * found["stock"]["tokens_per_s"]
    assert found["first_token_s"] <= found["stock"]["first_token_s"]
    assert found["followup_first_token_s"] <= 0.25 * found["first_token_s"]
    assert torch.get_num_threads() == found["threads"]
