"""The preflight: what is wrong is said before anything is loaded, with what to do next."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medreason_viewer.reasoning.engine import hardware
from trainer import cli, preflight
from trainer.preflight import Line, Machine, Page, data, machine, model, recipe
from trainer.preflight.machine import Gpu
from trainer.running import config_toml, memory
from trainer.running.config import Config

GIB = 2**30
BIG = Machine((Gpu("H100", 9.0, 80 * GIB, 79 * GIB),), "580.1", memory=100 * GIB)
CPU = Machine(memory=16 * GIB)
QWEN_7B = {
    "architectures": ["Qwen2_5_VLForConditionalGeneration"],
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "vocab_size": 152064,
    "tie_word_embeddings": False,
    "vision_config": {"hidden_size": 1280, "depth": 32, "intermediate_size": 3420},
}


def of(tmp_path: Path, text: str = "") -> Config:
    return config_toml.parse(text, tmp_path / "run.toml")


def worst(lines: Iterator[Line]) -> Line:
    found = list(lines)
    return max(found, key=lambda line: preflight.LEVELS.index(line.level))


def told(lines: Iterator[Line], level: str) -> str:
    return "\n".join(f"{line.found} -> {line.next}" for line in lines if line.level == level)


@pytest.fixture
def seven(tmp_path: Path) -> str:
    """The folder of a 7B model, as far as its sizes go."""
    folder = tmp_path / "Qwen2.5-VL-7B"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(QWEN_7B))
    return "[model]\nstart = 'Qwen2.5-VL-7B'\nmode = '{}'\n"


def test_the_memory_of_a_7b_model_is_what_others_report() -> None:
    shape = memory.Shape.of(QWEN_7B)
    assert shape.linear == pytest.approx(6.525e9, rel=0.001)
    assert shape.linear + shape.other == pytest.approx(8.29e9, rel=0.002)
    assert shape.adapter(16) == pytest.approx(40.4e6, rel=0.01)
    load = memory.Load(1, image=1000, learnt=512, sampled=8, checkpointing=True)
    assert 9e9 < memory.needed(shape, "qlora", 16, load, on_gpu=True)["total"] < 13e9
    assert 19e9 < memory.needed(shape, "lora", 16, load, on_gpu=True)["total"] < 24e9


def test_the_demo_models_weights_are_counted_from_its_own_config() -> None:
    from medreason_viewer.reasoning.bundles.bundle import DEMO_BUNDLE
    from medreason_viewer.reasoning.engine.model_config import read_model_config

    shape = memory.Shape.of(read_model_config(DEMO_BUNDLE))
    assert shape.linear + shape.other == pytest.approx(4.49e6, rel=0.15)


def test_sharding_divides_what_it_divides() -> None:
    shape = memory.Shape.of(QWEN_7B)
    whole = memory.needed(shape, "full", 16, memory.Load(1, 1000, 512), on_gpu=True)
    second = memory.Load(1, 1000, 512, processes=8, sharded=2)
    third = replace(second, sharded=3)
    two, three = (memory.needed(shape, "full", 16, load, on_gpu=True) for load in (second, third))
    assert two["weights"] == whole["weights"]
    assert two["optimizer"] == pytest.approx(whole["optimizer"] / 8, rel=1e-6)
    assert three["weights"] == pytest.approx(whole["weights"] / 8, rel=1e-6)


def test_a_model_too_large_for_the_gpu_is_a_problem_with_advice(tmp_path: Path, seven: str) -> None:
    config = of(tmp_path, seven.format("full"))
    assert "gradient_checkpointing" in told(model.memory(config, BIG), "problem")
    small = "[sft]\nmicro_batch = 1\ngradient_checkpointing = true\n"
    small += "[grpo]\nmicro_batch = 1\ngradient_checkpointing = true\n"
    config = of(tmp_path, seven.format("full") + small)
    assert 'set model.mode to "qlora"' in told(model.memory(config, BIG), "problem")
    config = of(tmp_path, seven.format("qlora") + small)
    assert not told(model.memory(config, BIG), "problem")


def test_a_full_disk_is_said(tmp_path: Path, seven: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = GIB

    monkeypatch.setattr(model.shutil, "disk_usage", lambda path: Usage)
    assert "make room" in told(model.disk(of(tmp_path, seven.format("full")), BIG), "problem")


def test_qlora_with_vllm_is_refused_with_the_reason(tmp_path: Path) -> None:
    text = "[model]\nstart = 'x'\nmode = 'qlora'\n[grpo]\nrollouts = 'vllm'"
    found = told(recipe.conflicts(of(tmp_path, text), BIG), "problem")
    assert "packed 4-bit weights" in found
    assert 'grpo.rollouts to "local"' in found


def test_the_vllm_recipe_has_its_pins_checked(tmp_path: Path) -> None:
    text = "[model]\nstart = 'x'\nmode = 'lora'\n[grpo]\nrollouts = 'vllm'"
    assert "vllm==0.31.0" in told(recipe.conflicts(of(tmp_path, text), BIG), "problem")
    assert "vLLM needs a GPU" in told(recipe.conflicts(of(tmp_path, text), CPU), "problem")


@pytest.mark.parametrize(
    ("text", "level", "said"),
    [
        ("[grpo]\nprompts = 3\ngroup = 5", "problem", "3 prompts x 5 completions do not divide"),
        ("[grpo]\niterations = 3\nsave_every = 50", "warning", "set grpo.save_every to 51"),
        ("[grpo]\niterations = 3\nsave_every = 51", "warning", "set grpo.steps to a multiple of 3"),
        ("[sft]\nbatch = 24\nmicro_batch = 5", "problem", "does not divide into 1 x 5"),
        ("", "ok", "a round of 32 completions in 4 passes"),
    ],
)
def test_what_does_not_divide_is_said(tmp_path: Path, text: str, level: str, said: str) -> None:
    assert said in told(recipe.divides(of(tmp_path, text), CPU), level)


@pytest.mark.parametrize("prompts", range(1, 6))
@pytest.mark.parametrize("micro_batch", [1, 3, 4, 8])
@pytest.mark.parametrize("updates", [1, 2])
def test_rounds_divide_just_where_the_trainer_says_so(
    tmp_path: Path, prompts: int, micro_batch: int, updates: int
) -> None:
    from trainer.grpo.plan import Grpo

    config = of(tmp_path, f"[grpo]\n{prompts = }\n{micro_batch = }\n{updates = }")
    try:
        Grpo(steps=1, prompts=prompts, micro_batch=micro_batch, updates=updates).batches(1)
        divides = True
    except ValueError:
        divides = False
    assert (not told(recipe.divides(config, CPU), "problem")) == divides


@pytest.mark.parametrize(
    ("text", "there", "said"),
    [
        ("[launch]\nprocesses = 2\naccelerate = 'zero2'", BIG, "DeepSpeed is not installed"),
        ("[launch]\nprocesses = 2\naccelerate = 'fsdp2'", CPU, "bf16 in the accelerate file"),
        ("[model]\nstart='x'\nmode='qlora'\n[launch]\naccelerate = 'fsdp2'", BIG, "cannot be divided"),
    ],
)
def test_a_launcher_that_does_not_fit_is_said(tmp_path: Path, text: str, there: Machine, said: str) -> None:
    if said.startswith("DeepSpeed") and "deepspeed" in sys.modules:
        pytest.skip("DeepSpeed is here")
    assert said in told(recipe.launch(of(tmp_path, text), there), "problem")


def test_an_accelerate_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    page = preflight.check(of(tmp_path, "[launch]\naccelerate = 'zero9'"), CPU)
    assert any("zero9 cannot be read" in line.found for line in page.problems)


@pytest.mark.parametrize(
    ("there", "device", "level", "said"),
    [
        (CPU, "auto", "warning", "none: training runs on the CPU"),
        (CPU, "cuda", "problem", "none"),
        (CPU, "cpu", "ok", "set to the CPU"),
        (BIG, "auto", "ok", "H100, 79.0 GiB free of 80.0 GiB; driver 580.1"),
        (replace(CPU, driver="535"), "auto", "problem", "PyTorch cannot use it"),
        (Machine((Gpu("T4", 7.5, GIB, GIB),)), "auto", "warning", "without bfloat16"),
        (Machine(BIG.gpus * 2), "auto", "warning", "2 GPUs, of which the run uses 1"),
    ],
)
def test_the_gpu_is_told(tmp_path: Path, there: Machine, device: str, level: str, said: str) -> None:
    config = of(tmp_path, f"[run]\n{device = }")
    assert said in told(machine.gpus(config, there), level)


def test_libraries_of_other_versions_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.metadata, "requires", lambda name: ["trl==0.1", "torch>=2", "nothing==1"])
    found = told(machine.versions(of(tmp_path), CPU), "problem")
    assert "Needed: trl==0.1 " in found
    assert "pip install -c constraints.txt" in found


def test_an_option_of_ingest_that_is_misspelt_is_named(tmp_path: Path) -> None:
    text = "[model]\nstart = 'x'\n[data]\nsource = 'dicom'\n[data.options]\nimage = 'a'\nlabels = 'b'"
    page = preflight.check(of(tmp_path, text), CPU)
    found = next(line.found for line in page.problems if line.area == "data")
    assert found == "[data.options] has no option image. Did you mean images?"


def test_bad_rows_of_a_source_are_named_by_file_and_row(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels.csv").write_text("patient,sop,x0,y0,x1,y1,anwser\n")
    text = "[model]\nstart = 'x'\n[data]\nsource = 'dicom'\n[data.options]\n"
    text += "images = 'images'\nlabels = 'labels.csv'"
    page = preflight.check(of(tmp_path, text), CPU)
    found = next(line.found for line in page.problems if line.area == "data")
    assert "labels.csv" in found
    assert "anwser" in found


def test_a_data_set_is_counted_by_split_and_class(tmp_path: Path, phantom_folder: Path) -> None:
    config = of(tmp_path, f"[data]\nsource = 'folder'\nfolder = '{phantom_folder}'")
    found = told(data.training(config, CPU), "ok")
    assert "train 1" in found
    assert "train: nodule 2, mass 2" in found
    assert "of the data: Apache-2.0" in found


def test_a_damaged_data_set_is_a_problem(tmp_path: Path) -> None:
    config = of(tmp_path, "[data]\nsource = 'folder'\nfolder = 'none'")
    page = preflight.check(config, CPU)
    assert any("There is no data set folder" in line.found for line in page.problems)


def test_a_non_commercial_licence_is_said() -> None:
    lines = list(data._licences({"CC-BY-NC-SA-4.0", "Apache-2.0"}))
    assert [line.level for line in lines] == ["ok", "warning"]
    assert "not for commercial use, and what is made of them under the same licence" in lines[1].found


def test_evaluating_on_what_was_trained_on_is_refused(tmp_path: Path, phantom_folder: Path) -> None:
    text = f"[data]\nsource = 'folder'\nfolder = '{phantom_folder}'\n[evaluate]\ndata = '{phantom_folder}'"
    assert "are of patients trained on" in told(data.evaluation(of(tmp_path, text), CPU), "problem")
    assert "change a seed" in told(data.evaluation(of(tmp_path, "[evaluate]\nseed = 1"), CPU), "problem")


def test_the_bundle_is_verified_and_its_answers_compared(
    tmp_path: Path, tiny_folder: Path, phantom_folder: Path
) -> None:
    text = f"[model]\nstart = '{tiny_folder}'\n[data]\nsource = 'folder'\nfolder = '{phantom_folder}'"
    config = of(tmp_path, text)
    assert "hashes verified" in told(model.start(config, CPU), "ok")
    assert not told(data.training(config, CPU), "problem")
    weights = tiny_folder / "config.json"
    whole = weights.read_bytes()
    try:
        weights.write_bytes(whole + b" ")
        assert any(line.area == "bundle" for line in preflight.check(config, CPU).problems)
    finally:
        weights.write_bytes(whole)


def test_a_folder_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    config = of(tmp_path)
    config.folder.mkdir(parents=True, mode=0o755)
    assert "chmod 700" in told(recipe.folder(config, CPU), "warning")


def test_the_command_prints_one_page_and_its_exit_code_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report: dict[str, Any] = {
        "memory": {"available_bytes": 16 * GIB},
        "driver": [],
        "libraries": {"gpus": [], "nf4": {"cpu": None}},
        "problems": [],
    }
    monkeypatch.setattr(hardware, "report", lambda: report)
    path = tmp_path / "run.toml"
    path.write_text("")
    assert cli.main(["check", str(path)]) == 0
    assert "warning   GPU" in capsys.readouterr().out
    path.write_text("[grpo]\nprompts = 3\ngroup = 5")
    assert cli.main(["check", str(path), "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["counts"]["problem"] == 1
    assert json.loads(said.out)["ready"] is False
    assert "1 problem must be solved" in said.err
    assert cli.main(["run", str(path)]) == 1
    assert not (tmp_path / "runs").exists()


def test_a_page_keeps_to_its_width() -> None:
    page = Page((Line("data", "problem", "word " * 60, "do " * 60), Line("x", "ok", "fine")))
    assert max(map(len, page.as_text().splitlines())) <= 110
    assert page.as_text("problem").count("ok ") == 0
