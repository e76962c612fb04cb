"""Adapters from fine-tuning: every key placed, only they changed, and the viewer answers with them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from medreason import document, medreason
from safetensors.torch import load_file
from short_runs import LORA

from medreason_viewer.errors import BundleError
from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.engine import qwen
from medreason_viewer.volume.phantom import write_study
from trainer.tuning import adapters
from trainer.tuning import command as sft_command
from trainer.tuning.recipe import train

FEW = "--steps 4 --batch 4 --save-every 2 --log-every 1 --workers 0 --threads 1 --device cpu --judge 0"


@pytest.fixture(autouse=True)
def threads_as_they_were() -> Iterator[None]:
    """The command sets them for the whole process."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def asked(data: Path, out: Path, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    sft_command.add(parser)
    words = " ".join((f"--data {data} --out {out}", FEW, *more))
    return parser.parse_args(words.split())


@pytest.fixture(scope="module")
def tuned(tiny_bundle: Path, phantom_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny bundle with an adapter that a QLoRA run has trained at a rate that shows."""
    out = tmp_path_factory.mktemp("tuned") / "bundle"
    args = asked(phantom_folder, out, f"--start {tiny_bundle} --mode qlora --rank 4 --alpha 8 --rate 0.05")
    args.run(args)
    return out


def test_an_adapter_is_over_the_language_model_and_all_of_it_is_placed(
    tuned: Path, tiny_bundle: Path
) -> None:
    manifest = bundle.verify(tuned)
    assert manifest.adapter == "adapter"
    saved = load_file(tuned / "adapter" / "adapter_model.safetensors")
    layers = json.loads((tiny_bundle / "config.json").read_text())["num_hidden_layers"]
    assert len(saved) == layers * 7 * 2
    assert all("language_model" in name for name in saved)
    assert all(value.abs().max() > 0 for value in saved.values())
    engine: Any = qwen.load(tuned, manifest, device="cpu", adapter=tuned / manifest.adapter)
    placed = {name: value for name, value in engine.model.named_parameters() if ".lora_" in name}
    assert len(placed) == len(saved)
    for name, value in saved.items():
        there = placed[name.removeprefix("base_model.model.").replace(".weight", ".default.weight")]
        assert torch.equal(there.float(), value.to(there.dtype).float())


def test_explain_says_otherwise_with_the_adapter(tuned: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    """Through the command, so through the viewer's own worker."""
    write_study(tmp_path / "study", seed=3, slices=40, matrix=96)
    replies = {}
    for model in (tiny_bundle, tuned):
        out = tmp_path / model.name
        done = medreason(
            "explain", tmp_path / "study", "--slice", "20", "--box", "20,20,60,60",
            "--model", model, "--out", out, "--json",
        )  # fmt: skip
        replies[model] = document(done)["raw_reply"]
    assert replies[tiny_bundle] != replies[tuned]


@pytest.mark.parametrize("mode", ["lora", "qlora"])
def test_only_the_adapter_is_trained_and_trained_further(
    mode: Any, tiny_bundle: Path, phantom_folder: Path, tmp_path: Path
) -> None:
    base = bundle.verify(tiny_bundle)
    first, second = tmp_path / "first", tmp_path / "second"
    for start, out in ((tiny_bundle, first), (first, second)):
        args = asked(phantom_folder, out, f"--start {start} --mode {mode} --rank 4 --alpha 8 --micro-batch 2")
        recipe = sft_command.recipe_of(args)
        train(recipe, args.data, args.out, tmp_path / f"{out.name}-work")
    earlier, later = (
        load_file(folder / "adapter" / "adapter_model.safetensors") for folder in (first, second)
    )
    assert earlier.keys() == later.keys()
    assert all(not torch.equal(later[name], value) for name, value in earlier.items())
    kept = {entry.path: entry.sha256 for entry in bundle.verify(second).files}
    assert all(kept[entry.path] == entry.sha256 for entry in base.files)


def test_the_base_does_not_move(
    tiny_bundle: Path, phantom_folder: Path, manifest: Manifest, tmp_path: Path
) -> None:
    from trainer.tuning.fit import Fit
    from trainer.tuning.sft import Sft, fine_tune

    model = adapters.to_train(tiny_bundle, manifest, "qlora", LORA, "cpu")
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    plan = Sft(Fit(2, batch=2, log_every=1, workers=0), mode="qlora", lora=LORA)
    history = fine_tune(model, tiny_bundle, phantom_folder, manifest, plan, tmp_path)
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert changed
    assert all(".lora_" in name for name in changed)
    assert all(value.dtype == torch.float32 for name, value in model.named_parameters() if name in changed)
    assert [entry["step"] for entry in history if "loss" in entry] == [1, 2]


def test_an_adapter_wants_a_bundle_and_the_whole_model_none(
    tuned: Path, phantom_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for more in ("--mode lora", f"--mode qlora --start {tuned} --warm-up-steps 5"):
        with pytest.raises(ValueError, match="trains an adapter over a bundle"):
            sft_command.recipe_of(asked(phantom_folder, out, more))
    args = asked(phantom_folder, out, f"--start {tuned} --mode full")
    with pytest.raises(BundleError, match="has an adapter"):
        args.run(args)
