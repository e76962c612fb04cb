"""Folders of the published 3B and 7B shapes load by every path, with exactly the intended layers in 4 bit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import peft
import pytest
import torch
from safetensors.torch import save_file

from medreason_viewer.cancel import Cancel
from medreason_viewer.reasoning.bundles.bundle import verify
from medreason_viewer.reasoning.dialogue import Turn
from medreason_viewer.reasoning.engine import qwen
from medreason_viewer.reasoning.engine.quantize import quantise_bundle
from medreason_viewer.reasoning.engine.shape_folder import write_shape
from medreason_viewer.reasoning.engine.shapes import Shape

PARTS = [f"self_attn.{name}_proj" for name in "qkvo"] + [f"mlp.{x}_proj" for x in ("gate", "up", "down")]
IN_4_BIT = [f"model.language_model.layers.{layer}.{part}" for layer in (0, 1) for part in PARTS]
TARGETS = r".*language_model.*\.(q|k|v|o|gate|up|down)_proj"
SHAPES = [
    pytest.param(Shape("3b", layers=2, vision_blocks=1, words=1000), id="3b-few-words"),
    pytest.param(Shape("3b", layers=2), id="3b", marks=pytest.mark.slow),
    pytest.param(Shape("7b", layers=2), id="7b", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module", params=SHAPES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A model folder in the published layout, in shards; removed at once, for it is large."""
    path = tmp_path_factory.mktemp("shapes") / "model"
    yield write_shape(path, request.param)
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def quantised(folder: Path) -> Iterator[Path]:
    """The same, quantised once."""
    out = folder.with_name("nf4")
    quantise_bundle(folder, out)
    yield out
    shutil.rmtree(out)


def load(folder: Path, adapter: Path | None = None) -> qwen.Engine:
    return qwen.load(folder, verify(folder), device="cpu", adapter=adapter)


def plain_linears(engine: qwen.Engine) -> list[str]:
    """Names of linear layers that are not in 4 bit, adapters left out."""
    named = engine.model.named_modules()
    return [name for name, module in named if type(module) is torch.nn.Linear and "lora_" not in name]


def check_layers(engine: qwen.Engine) -> None:
    """Exactly the language model's linear layers are in 4 bit; head, embeddings and vision are not."""
    named = [name.removesuffix(".base_layer") for name in qwen.four_bit_modules(engine.model)]
    found = list(dict.fromkeys(named))  # an adapted layer and the layer inside it
    assert found == IN_4_BIT
    blocks = range(engine.model.config.vision_config.depth)
    parts = ("attn.qkv", "attn.proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
    vision = [f"model.visual.blocks.{block}.{part}" for block in blocks for part in parts]
    merger = [f"model.visual.merger.mlp.{rank}" for rank in (0, 2)]
    assert plain_linears(engine) == [*vision, *merger, "lm_head"]
    assert type(engine.model.get_input_embeddings()) is torch.nn.Embedding
    assert engine.model.get_input_embeddings().weight.is_floating_point()


def reply(engine: qwen.Engine) -> str:
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    content = [{"type": "image"}, {"type": "text", "text": "What is it?"}]
    turn = Turn("reason", [{"role": "user", "content": content}], image, 3)
    return "".join(engine.stream(turn, Cancel()))


def write_adapter(folder: Path, engine: qwen.Engine) -> Path:
    """A LoRA adapter of rank 4 on every linear layer of the language model, filled at random."""
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=TARGETS)
    folder.mkdir()
    config.save_pretrained(str(folder))
    settings = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(settings | {"target_modules": TARGETS}))
    modules = dict(engine.model.named_modules())
    weights, generator = {}, torch.Generator().manual_seed(0)
    for name in IN_4_BIT:
        layer = modules[name]
        for part, shape in (("A", (4, layer.in_features)), ("B", (layer.out_features, 4))):
            key = f"base_model.model.{name}.lora_{part}.weight"
            weights[key] = 0.1 * torch.randn(shape, generator=generator)
    save_file(weights, folder / "adapter_model.safetensors")
    return folder


def test_every_path_loads_with_exactly_the_intended_layers_in_4_bit(
    folder: Path, quantised: Path, tmp_path: Path
) -> None:
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    assert len(set(index["weight_map"].values())) >= 2
    fresh = load(folder)
    check_layers(fresh)
    said, adapter = reply(fresh), write_adapter(tmp_path / "adapter", fresh)
    del fresh
    again = load(quantised)
    check_layers(again)
    assert reply(again) == said
    del again
    adapted = load(quantised, adapter)
    check_layers(adapted)
    assert reply(adapted) != said
