"""Tokenizer, folder layout, and training that learns what the viewer will run."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration

from medreason_viewer.errors import DataSetError, TrainingError
from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.engine.patches import image_tokens
from medreason_viewer.reasoning.engine.tokens import ChatTokenizer
from trainer.data.dataset import DataSet
from trainer.examples import collate, items
from trainer.tuning import architecture, recipe
from trainer.tuning.fit import Fit, draws
from trainer.tuning.nf4 import as_nf4, rounded
from trainer.tuning.sft import Sft, fine_tune
from trainer.tuning.warmup import warm_up


def _model(folder: Path) -> Qwen2_5_VLForConditionalGeneration:
    return Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)


def test_default_shape_is_within_the_demos_budget(phantoms: DataSet, small_manifest: Manifest) -> None:
    tokenizer = architecture.train_tokenizer(recipe.corpus(phantoms, small_manifest))
    assert architecture.parameters(architecture.build_model(tokenizer)) <= 6_000_000
    assert len(tokenizer) < 1200


def test_any_text_survives_the_tokenizer(tiny_folder: Path) -> None:
    tokenizer = ChatTokenizer(tiny_folder)
    for text in ("Size 12.5 mm, naïve Größe – 肺 🫁\n\tok", "<think> a </think>", "<|im_end|>"):
        assert tokenizer.decode(tokenizer.encode_text(text)) == text
    assert len(tokenizer.encode_text("2048")) == 4
    stock = AutoTokenizer.from_pretrained(tiny_folder)
    said = "<think> It measures about 12 mm. </think><answer> nodule </answer>"
    assert stock(said).input_ids == tokenizer.encode_text(said)


def test_replies_are_short(tiny_folder: Path, phantoms: DataSet, small_manifest: Manifest) -> None:
    tokenizer = ChatTokenizer(tiny_folder)
    for turn, most in (("locate", 35), ("reason", 90)):
        made = [
            items.make(phantoms, index, turn, small_manifest, np.random.default_rng(index))
            for index in range(16)
        ]
        assert max(len(tokenizer.encode_text(item.target)) for item in made) <= most


def test_the_folder_is_laid_out_as_published(tiny_folder: Path) -> None:
    with safe_open(tiny_folder / "model.safetensors", "pt") as file:
        names = set(file.keys())
        assert file.get_tensor("visual.patch_embed.proj.weight").dtype == torch.bfloat16
    assert {"model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight"} <= names
    config = json.loads((tiny_folder / "config.json").read_text())
    assert config["architectures"] == ["Qwen2_5_VLForConditionalGeneration"]
    assert bundle.verify(tiny_folder).answer_classes[0] == "nodule"


def test_only_the_reply_is_learnt(tiny_folder: Path, phantoms: DataSet, small_manifest: Manifest) -> None:
    tokenizer = ChatTokenizer(tiny_folder)
    made = [
        items.make(phantoms, index, turn, small_manifest, np.random.default_rng(index))
        for index, turn in ((0, "locate"), (1, "reason"))
    ]
    batch = collate.batch(made, tokenizer)
    for row, item in enumerate(made):
        learnt = batch["labels"][row] != collate.IGNORED
        said = batch["input_ids"][row][learnt].tolist()
        assert tokenizer.decode(said) == item.target
        assert said[-1] in tokenizer.stop_ids
        first = int(learnt.nonzero()[0])
        prompt = tokenizer.encode(item.messages, image_tokens(item.image))
        assert batch["input_ids"][row, :first].tolist() == prompt
        assert batch["mm_token_type_ids"][row].sum() == image_tokens(item.image)
        assert batch["attention_mask"][row].sum() == first + len(said)


def test_rows_are_drawn_evenly_and_repeatably() -> None:
    rows = draws([3, 5, 8], 12, {"locate": 0.5, "reason": 0.5}, seed=1)
    assert sorted(rows["case"]) == [3] * 4 + [5] * 4 + [8] * 4
    assert rows[:] == draws([3, 5, 8], 12, {"locate": 0.5, "reason": 0.5}, seed=1)[:]
    assert set(rows["turn"]) == {"locate", "reason"}


def test_what_is_hard_can_be_drawn_more_often() -> None:
    rows = draws([3, 5, 8], 70, {"locate": 1.0}, seed=1, times=[1, 2.5, 0])
    counts = Counter(rows["case"])
    assert counts[5] == pytest.approx(50, abs=5)
    assert counts[3] + counts[5] == 70
    with pytest.raises(ValueError, match="no case to show"):
        draws([3, 5], 4, {"locate": 1.0}, seed=1, times=[0, 0])


def test_an_emphasis_names_a_finding_of_the_data_set(phantoms: DataSet) -> None:
    plan = Sft(Fit(steps=40), emphasis={"nodule": 3.0})
    findings = Counter(phantoms.cases[case].finding for case in plan.rows(phantoms)["case"])
    even = Counter(phantoms.cases[case].finding for case in Sft(Fit(steps=40)).rows(phantoms)["case"])
    assert findings["nodule"] > 2 * even["nodule"]
    with pytest.raises(DataSetError, match="No case of the data set has the finding fracture"):
        Sft(Fit(steps=40), emphasis={"fracture": 2.0}).rows(phantoms)


def test_rounding_is_the_viewers_own(tiny_folder: Path, small_manifest: Manifest) -> None:
    import bitsandbytes

    from medreason_viewer.reasoning.engine import qwen

    run = qwen.load(tiny_folder, small_manifest, device="cpu").model.model.language_model
    exact = _model(tiny_folder).model.language_model
    before = [weight.clone() for weight in exact.parameters()]
    with as_nf4(exact):
        seen = {
            name: module.weight for name, module in exact.named_modules() if isinstance(module, nn.Linear)
        }
        assert len(seen) == 7
        for name, weight in seen.items():
            packed = run.get_submodule(name).weight
            ours = bitsandbytes.functional.dequantize_4bit(packed.data, packed.quant_state).float()
            torch.testing.assert_close(weight, ours, atol=1e-3, rtol=0.02)
    assert all(torch.equal(now, then) for now, then in zip(exact.parameters(), before, strict=True))
    gate = exact.layers[0].mlp.gate_proj.weight
    assert 0.02 < float(((rounded(gate) - gate).norm() / gate.norm()).detach()) < 0.2


@pytest.fixture
def two_rows(phantom_folder: Path, tiny_folder: Path, small_manifest: Manifest) -> dict[str, torch.Tensor]:
    rows = [{"case": 1, "turn": "locate", "draw": 4}, {"case": 4, "turn": "reason", "draw": 4}]
    return collate.Collator(phantom_folder, tiny_folder, small_manifest)(rows)


def test_overfits_two_examples_in_four_bit(tiny_folder: Path, two_rows: dict[str, torch.Tensor]) -> None:
    model = _model(tiny_folder)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        with as_nf4(model.model.language_model):
            loss = model(**two_rows).loss
            loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[2] < losses[0]
    assert losses[-1] < 0.15 * losses[0]


@pytest.mark.filterwarnings("ignore:mtime may not be reliable")
def test_a_resumed_run_ends_where_an_unbroken_one_does(
    phantom_folder: Path, tiny_folder: Path, small_manifest: Manifest, tmp_path: Path
) -> None:
    plan = Sft(Fit(4, batch=2, save_every=2, log_every=1, workers=0), nf4_from=0.5)
    whole = _model(tiny_folder)
    fine_tune(whole, tiny_folder, phantom_folder, small_manifest, plan, tmp_path / "run")
    (tmp_path / "run" / "checkpoint-4").rename(tmp_path / "later")
    resumed = _model(tiny_folder)
    fine_tune(resumed, tiny_folder, phantom_folder, small_manifest, plan, tmp_path / "run", resume=True)
    for one, two in zip(whole.parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-5)
    start = _model(tiny_folder)
    assert any(not torch.equal(a, b) for a, b in zip(whole.parameters(), start.parameters(), strict=True))
    other = dataclasses.replace(plan, fit=dataclasses.replace(plan.fit, batch=4, seed=1))
    with pytest.raises(TrainingError, match="batch was 2, now 4; seed was 0, now 1"):
        fine_tune(start, tiny_folder, phantom_folder, small_manifest, other, tmp_path / "run", resume=True)
    slower = dataclasses.replace(plan, fit=dataclasses.replace(plan.fit, learning_rate=1e-5, micro_batch=1))
    fine_tune(start, tiny_folder, phantom_folder, small_manifest, slower, tmp_path / "run", resume=True)


def test_warm_up_trains_the_tower_alone(
    phantom_folder: Path,
    tiny_folder: Path,
    small_manifest: Manifest,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    model, start = _model(tiny_folder), _model(tiny_folder)
    plan = Fit(12, batch=8, learning_rate=3e-3, log_every=3, workers=0)
    with caplog.at_level("INFO", logger="trainer.tuning.fit"):
        warm_up(model, phantom_folder, small_manifest, plan, tmp_path / "run")
    losses = [float(line.split(" loss=")[1].split()[0]) for line in caplog.messages if " loss=" in line]
    assert len(losses) == 4
    assert losses[-1] < losses[0]
    assert all(
        torch.equal(a, b)
        for a, b in zip(
            model.model.language_model.parameters(), start.model.language_model.parameters(), strict=True
        )
    )
    assert not torch.equal(model.model.visual.merger.mlp[0].weight, start.model.visual.merger.mlp[0].weight)
