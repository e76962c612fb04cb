"""A folder made for a server: whole or not there, read by transformers, close to what 4 bits allow."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny_model
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import Qwen2_5_VLForConditionalGeneration
from transformers.utils import logging as transformers_logging

from medreason_viewer.cancel import Cancel
from medreason_viewer.commands.model_export import commands
from medreason_viewer.errors import BundleError, Cancelled
from medreason_viewer.reasoning.bundles.bundle import DEMO_BUNDLE, file_entries, read_manifest, write_manifest
from medreason_viewer.reasoning.engine import export
from medreason_viewer.reasoning.engine.quantize import quantise_bundle
from medreason_viewer.reasoning.engine.rewriting import LINEAR, check_held

pytest.importorskip("compressed_tensors", reason="the extra 'export' is not installed")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo bundle, exported once; not to be changed."""
    out = tmp_path_factory.mktemp("exported") / "demo"
    export.export_bundle(DEMO_BUNDLE, out)
    return out


def _loaded(folder: Path) -> Any:
    transformers_logging.disable_progress_bar()
    return Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()


def test_only_the_language_models_layers_change(exported: Path) -> None:
    before, after = (load_file(folder / "model.safetensors") for folder in (DEMO_BUNDLE, exported))
    linear = {name for name in before if LINEAR.fullmatch(name)}
    assert len(linear) == 4 * 7
    assert {name for name in after if name not in before} == {
        f"{name}_{part}" for name in linear for part in ("packed", "scale", "shape")
    }
    assert before.keys() - after.keys() == linear
    assert all(torch.equal(before[name], after[name]) for name in before.keys() - linear)


def test_transformers_reads_it_as_it_was_rounded(exported: Path) -> None:
    """The layers that it unpacks are ours, rounded by arithmetic of this test's own; so are the logits."""
    before, after = _loaded(DEMO_BUNDLE), _loaded(exported)
    packed = load_file(exported / "model.safetensors")
    for name, module in before.named_modules():
        if isinstance(module, nn.Linear) and name.startswith("model.language_model."):
            stored = name.replace("model.language_model.", "model.")  # as published
            scale = packed[f"{stored}.weight_scale"].float().repeat_interleave(64, dim=1)
            module.weight.data = (module.weight / scale).round().clamp(-8, 7) * scale
    ids = torch.arange(1, 60).unsqueeze(0)
    with torch.inference_mode():
        wanted, found = before(input_ids=ids).logits, after(input_ids=ids).logits
    assert torch.allclose(wanted, found, atol=1e-3)
    assert torch.equal(wanted.argmax(-1), found.argmax(-1))


def test_the_best_scale_is_better_than_the_widest() -> None:
    weight = torch.randn(64, 256, generator=torch.Generator().manual_seed(3))
    scale = export.best_scale(weight, 128)

    def error(scales: torch.Tensor) -> float:
        wide = scales.float().repeat_interleave(128, dim=1)
        return float((((weight / wide).round().clamp(-8, 7) * wide) - weight).norm() / weight.norm())

    widest = (weight.reshape(64, 2, 128).abs().amax(-1) / 7.5).bfloat16()
    assert error(scale) < 0.97 * error(widest)
    parts, stands_for = export.pack(weight, 128, export._scheme(128))
    assert torch.equal(parts["weight_scale"], scale)
    assert check_held("layer", weight, stands_for, 0.25) == pytest.approx(error(scale), rel=1e-3)
    zero, nothing = export.pack(torch.zeros(8, 128), 128, export._scheme(128))
    assert check_held("layer", torch.zeros(8, 128), nothing, 0.25) == 0.0
    assert torch.isfinite(zero["weight_scale"].float()).all()


def test_the_server_is_told_to_scale_no_image(exported: Path) -> None:
    sizes = json.loads((exported / "preprocessor_config.json").read_text())
    assert sizes["size"] == {"shortest_edge": 784, "longest_edge": 50176}
    manifest = read_manifest(exported)
    assert manifest.prompt == read_manifest(DEMO_BUNDLE).prompt
    assert manifest.quantization == export.QUANTIZATION
    assert {entry.path for entry in manifest.files} >= {"model.safetensors", "tokenizer.json"}


@pytest.fixture
def wide_bundle(tmp_path: Path) -> Path:
    """The demo with an adapter beside it."""
    folder = tmp_path / "with adapter"
    shutil.copytree(DEMO_BUNDLE, folder)
    adapter = folder / "adapter"
    adapter.mkdir()
    settings = {"peft_type": "LORA", "r": 12, "lora_alpha": 16, "target_modules": ["q_proj"]}
    (adapter / "adapter_config.json").write_text(json.dumps(settings))
    save_file({"x": torch.zeros(1)}, adapter / "adapter_model.safetensors")
    manifest = dataclasses.replace(read_manifest(folder), adapter="adapter")
    write_manifest(folder, dataclasses.replace(manifest, files=file_entries(folder)))
    return folder


def test_an_adapter_is_served_by_the_name_and_its_base_by_another(wide_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = export.export_bundle(wide_bundle, out)
    assert made.adapter == out / "adapter"
    assert (out / "adapter" / "adapter_model.safetensors").read_bytes() == (
        wide_bundle / "adapter" / "adapter_model.safetensors"
    ).read_bytes()
    serve, use = commands(made, out, "site")
    assert "--served-model-name site-base" in serve
    assert f"--lora-modules site={out}/adapter" in serve
    assert "--max-lora-rank 16" in serve
    assert "--name site " in use


def test_published_names_and_shards_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the layout of the published models."""
    tiny = tiny_model.build(tmp_path / "tiny")
    export.export_bundle(tiny, tmp_path / "out")
    names = set(load_file(tmp_path / "out" / "model.safetensors"))
    assert "model.layers.0.self_attn.q_proj.weight_packed" in names
    assert len([name for name in names if name.endswith("_packed")]) == 14
    assert not [name for name in names if "visual" in name and not name.endswith((".weight", ".bias"))]
    assert not (tmp_path / "out" / "model.safetensors.index.json").exists()
    monkeypatch.setattr(export, "_GROUPS", (128,))  # wider than its layers
    with pytest.raises(BundleError, match="cannot be cut into groups"):
        export.export_bundle(tiny, tmp_path / "narrow")


def test_nothing_is_left_of_an_export_that_was_stopped(tmp_path: Path) -> None:
    cancel = Cancel()

    def stop_halfway(done: int, total: int) -> None:
        if done > total // 2:
            cancel.request()

    with pytest.raises(Cancelled):
        export.export_bundle(DEMO_BUNDLE, tmp_path / "out", progress=stop_halfway, cancel=cancel)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported_says_why(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BundleError, match="exists already"):
        export.export_bundle(DEMO_BUNDLE, exported)
    with pytest.raises(BundleError, match="no model folder"):
        export.export_bundle(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(BundleError, match="not in NF4"):  # one that was exported before
        export.export_bundle(exported, tmp_path / "out")
    quantise_bundle(DEMO_BUNDLE, tmp_path / "nf4")
    with pytest.raises(BundleError, match="rounding twice"):
        export.export_bundle(tmp_path / "nf4", tmp_path / "out")
    monkeypatch.setitem(sys.modules, "compressed_tensors.compressors", None)
    with pytest.raises(BundleError, match=r"pip install .*export"):
        export.export_bundle(DEMO_BUNDLE, tmp_path / "out")
    assert not (tmp_path / "out").exists()
