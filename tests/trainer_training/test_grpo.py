"""A few steps of GRPO on a tiny random model: what changes, what is saved, and resuming."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import TrainerCallback

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import BundleError, DataSetError
from medreason_viewer.reasoning import prompt
from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.dialogue import Turn
from medreason_viewer.reasoning.engine import qwen
from trainer.data import dataset
from trainer.examples import items
from trainer.grpo import rewards
from trainer.grpo import train as grpo
from trainer.grpo.plan import Grpo
from trainer.tuning import adapters

KINDS = ("full", "lora", "qlora")


def plan(**changes: Any) -> Grpo:
    few: dict[str, Any] = {"steps": 2, "prompts": 2, "group": 4, "micro_batch": 4, "log_every": 1}
    return Grpo(**few | {"save_every": 1, "learning_rate": 1e-2, "mask_truncated": False} | changes)


@pytest.fixture(autouse=True)
def a_reward_for_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A random model earns none of the real rewards; this one tells its replies apart."""
    monkeypatch.setitem(rewards.REWARDS, "correctness", lambda reply, _truth: len(set(reply)) / 40)


def start(kind: Any, folder: Path, manifest: Manifest) -> Any:
    model = adapters.load_base(folder, manifest, kind, "cpu")
    return model if kind == "full" else adapters.with_new_adapter(model, adapters.Lora(4, 8))


class Steps(TrainerCallback):
    """Which steps were taken."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.seen.append(state.global_step)


def weights(model: Any) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def say(engine: qwen.Engine, data: Path, manifest: Manifest) -> str:
    item = items.make(dataset.read(data), 0, "reason", manifest, np.random.default_rng(0))
    return "".join(engine.stream(Turn("reason", item.messages, item.image, 32), Cancel()))


@pytest.mark.parametrize("kind", KINDS)
def test_two_steps_train_what_they_should_and_nothing_else(
    kind: str, tiny_bundle: Path, phantom_folder: Path, manifest: Manifest, tmp_path: Path
) -> None:
    model = start(kind, tiny_bundle, manifest)
    before = weights(model)
    history = grpo.reinforce(model, tiny_bundle, phantom_folder, manifest, plan(), tmp_path / "run")
    changed = {
        name
        for name, value in weights(model).items()
        if name in before and not torch.equal(value, before[name])
    }
    wanted = "lora_" if kind != "full" else "language_model"
    assert changed
    assert all(wanted in name or (kind == "full" and "lm_head" in name) for name in changed)
    steps = [entry for entry in history if "reward" in entry]
    assert [entry["step"] for entry in steps] == [1, 2]
    for name in rewards.REWARDS:
        assert f"rewards/{name}/mean" in steps[0]
    assert steps[0]["rewards/correctness/std"] > 0
    assert steps[1]["kl"] > 0
    replies = (tmp_path / "run" / "replies" / "step-000002.jsonl").read_text().splitlines()
    assert json.loads(replies[0]).keys() >= {"reply", "advantage", *rewards.REWARDS}
    assert len(replies) == 8
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700


def test_an_adapter_of_a_run_is_a_bundle_that_the_viewer_loads_and_that_speaks_otherwise(
    tiny_bundle: Path, phantom_folder: Path, manifest: Manifest, tmp_path: Path
) -> None:
    model = start("qlora", tiny_bundle, manifest)
    settings = plan(learning_rate=0.1, beta=0.0)
    grpo.reinforce(model, tiny_bundle, phantom_folder, manifest, settings, tmp_path / "run")
    out = tmp_path / "out"
    adapters.write_adapter_bundle(model, tiny_bundle, manifest, out)
    listed = bundle.verify(out)
    assert listed.adapter == "adapter"
    assert str(tmp_path) not in (out / "adapter" / "adapter_config.json").read_text()
    assert str(tiny_bundle) not in (out / "adapter" / "adapter_config.json").read_text()
    base = qwen.load(out, listed, device="cpu")
    tuned = qwen.load(out, listed, device="cpu", adapter=out / listed.adapter)
    assert say(tuned, phantom_folder, listed) != say(base, phantom_folder, listed)
    with pytest.raises(DataSetError, match="exists already"):
        adapters.write_adapter_bundle(model, tiny_bundle, manifest, out)


def test_an_adapter_is_trained_further_from_where_it_was(
    tiny_bundle: Path, manifest: Manifest, tmp_path: Path
) -> None:
    model = start("lora", tiny_bundle, manifest)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "lora_B" in name:
                value.normal_()
    adapters.save_adapter(model, tmp_path / "adapter", "tiny")
    again = adapters.with_adapter(
        adapters.load_base(tiny_bundle, manifest, "lora", "cpu"), tmp_path / "adapter"
    )
    trained = {name: value for name, value in again.named_parameters() if value.requires_grad}
    assert trained
    assert all(torch.equal(value, weights(model)[name]) for name, value in trained.items())
    config = tmp_path / "adapter" / "adapter_config.json"
    config.write_text(
        config.read_text().replace("language_model", "visual").replace("(q|k|v|o|gate|up|down)", "(up)")
    )
    with pytest.raises(BundleError, match="does not fit"):
        adapters.with_adapter(adapters.load_base(tiny_bundle, manifest, "lora", "cpu"), tmp_path / "adapter")


@pytest.mark.parametrize("kind", ["full", "lora"])
def test_a_run_resumed_on_a_boundary_ends_where_an_unbroken_one_does(
    kind: str, tiny_bundle: Path, phantom_folder: Path, manifest: Manifest, tmp_path: Path
) -> None:
    settings = plan(steps=4, updates=2, save_every=1, micro_batch=4)
    assert settings.save_steps == 2
    whole = start(kind, tiny_bundle, manifest)
    grpo.reinforce(whole, tiny_bundle, phantom_folder, manifest, settings, tmp_path / "whole")
    cut = tmp_path / "cut"
    shutil.copytree(tmp_path / "whole" / "checkpoint-2", cut / "checkpoint-2")
    resumed = start(kind, tiny_bundle, manifest)
    done = Steps()
    grpo.reinforce(resumed, tiny_bundle, phantom_folder, manifest, settings, cut, True, [done])
    assert done.seen == [3, 4]
    expected, start_of = weights(whole), weights(start(kind, tiny_bundle, manifest))
    found = weights(resumed)
    assert expected.keys() == found.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    assert any(not torch.equal(found[name], value) for name, value in start_of.items())


def test_prompts_are_those_of_the_viewer(phantom_folder: Path, manifest: Manifest) -> None:
    rows = grpo.prompts(phantom_folder, manifest, plan())[:]
    assert {truth.turn for truth in rows["truth"]} <= {"locate", "reason"}
    for messages, truth in zip(rows["prompt"], rows["truth"], strict=True):
        if truth.turn == "locate":
            assert messages == prompt.locate_messages(manifest)
        assert bool(truth.boxes_slice) == (truth.answer != "no finding")


@pytest.mark.parametrize("changes", [{"group": 1}, {"loss": "x"}, {"beta": -1}, {"steps": 0}, {"clip": 0}])
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        plan(**changes)


def test_completions_that_do_not_divide_are_refused() -> None:
    assert plan().batches(2) == 1
    with pytest.raises(ValueError, match="do not divide"):
        plan(micro_batch=3).batches(1)
    with pytest.raises(ValueError, match="do not divide"):
        plan(updates=4).batches(1)
