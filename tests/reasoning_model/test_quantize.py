"""A bundle quantised once is what loading would have made of it, whole or not there at all."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import tiny_model
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny_requests import MANIFEST

from medreason_viewer import cli
from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import BundleError, Cancelled
from medreason_viewer.reasoning.bundles.bundle import file_entries, verify, write_manifest
from medreason_viewer.reasoning.dialogue import Turn
from medreason_viewer.reasoning.engine import four_bit, quantize, qwen

IMAGE = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
ASKED = Turn(
    "reason", [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "?"}]}], IMAGE, 24
)


@pytest.fixture(scope="module")
def quantised(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny bundle, quantised once."""
    out = tmp_path_factory.mktemp("quantised") / "tiny-nf4"
    quantize.quantise_bundle(tiny_bundle, out)
    return out


def test_it_is_what_transformers_saves_after_loading(
    tiny_bundle: Path, quantised: Path, tmp_path: Path
) -> None:
    qwen.load(tiny_bundle, MANIFEST, device="cpu").model.save_pretrained(tmp_path)
    saved, found = load_file(tmp_path / "model.safetensors"), load_file(quantised / "model.safetensors")
    assert found.keys() == saved.keys()
    assert len([name for name in found if name.endswith("bitsandbytes__nf4")]) == 14
    for name, value in saved.items():
        if name.endswith("bitsandbytes__nf4"):
            first, second = (json.loads(bytes(each.tolist())) for each in (value, found[name]))
            assert first | {"dtype": "bfloat16"} == second
        else:
            assert torch.equal(found[name].to(value.dtype), value), name
    settings = [json.loads((folder / "config.json").read_text()) for folder in (tmp_path, quantised)]
    stored, ours = (each["quantization_config"] for each in settings)
    assert ours.items() <= (stored | {"bnb_4bit_compute_dtype": "bfloat16"}).items()


def test_it_says_the_same_with_equal_logits(tiny_bundle: Path, quantised: Path) -> None:
    fresh, again = (qwen.load(folder, verify(folder), device="cpu") for folder in (tiny_bundle, quantised))
    assert qwen.four_bit_modules(again.model) == qwen.four_bit_modules(fresh.model)
    ids = torch.arange(20, 60)[None]
    assert torch.equal(again.model(input_ids=ids).logits, fresh.model(input_ids=ids).logits)
    first, second = ("".join(engine.stream(ASKED, Cancel())) for engine in (fresh, again))
    assert first == second


@pytest.mark.parametrize("shape", [(65, 63), (3, 5), (1, 64), (700, 3072)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_pieces_give_the_bits_of_the_whole(shape: tuple[int, int], dtype: torch.dtype) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    ours, theirs = four_bit.quantise_nf4(weight, "cpu"), four_bit.on_the_fly(weight, "cpu")
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_all_else_is_kept_and_listed_and_nothing_hidden(tmp_path: Path) -> None:
    folder = tiny_model.build(tmp_path / "model", tied=True)
    (folder / "LICENSE").write_text("Be kind.")
    (folder / ".cache").mkdir()
    (folder / "notes").mkdir()
    (folder / "notes" / "README.md").write_text("#")
    write_manifest(folder, dataclasses.replace(MANIFEST, files=file_entries(folder)))
    steps: list[tuple[int, int]] = []
    manifest = quantize.quantise_bundle(folder, tmp_path / "out", progress=lambda *step: steps.append(step))
    assert verify(tmp_path / "out") == manifest
    assert (manifest.licence, manifest.name) == (MANIFEST.licence, MANIFEST.name)
    kept = {path.relative_to(folder) for path in folder.rglob("*")}
    lost = {str(path) for path in kept if not (tmp_path / "out" / path).exists()}
    assert lost == {
        ".cache", "model.safetensors.index.json", *(f"model-0000{n}-of-00002.safetensors" for n in (1, 2))
    }  # fmt: skip
    assert steps[-1][0] == pytest.approx(steps[-1][1], rel=0.1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "out"]


def test_nonsense_is_refused_with_a_sentence(quantised: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    for source, out, said in (
        (tmp_path / "none", tmp_path / "out", "no model folder"),
        (tiny_bundle, tmp_path, "exists already"),
        (tiny_bundle, tiny_bundle / "inside", "into the folder it is made from"),
        (tiny_bundle, tmp_path / "no" / "out", "no folder"),
        (quantised, tmp_path / "out", "quantised already"),
    ):
        with pytest.raises(BundleError, match=said):
            quantize.quantise_bundle(source, out)
    assert not list(tmp_path.iterdir())


def spoil(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> Path:
    """One shard's tensors changed, no manifest."""
    path = folder / "model-00002-of-00002.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, metadata={"format": "pt"})
    return folder


def test_a_layer_that_4_bits_do_not_hold_is_named(tiny_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "model"))

    def spoil_weights(weights: dict[str, torch.Tensor]) -> None:
        name = next(name for name in weights if name.endswith("layers.1.mlp.up_proj.weight"))
        weights[name][:, ::4] = torch.nan

    with pytest.raises(BundleError, match=r"layers\.1\.mlp\.up_proj\.weight cannot be held in 4 bits"):
        quantize.quantise_bundle(spoil(folder, spoil_weights), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_full_disk_is_told_before_anything_is_written(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage(1000))
    with pytest.raises(BundleError, match=r"The disk has .* GB free"):
        quantize.quantise_bundle(tiny_bundle, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_cancel_and_a_kill_leave_nothing_behind(tiny_bundle: Path, tmp_path: Path) -> None:
    cancel = Cancel()

    def stop_half_way(done: int, total: int) -> None:
        if any(tmp_path.glob(".out.partial-*/model.safetensors")) and 2 * done > total:
            cancel.request()

    with pytest.raises(Cancelled):
        quantize.quantise_bundle(tiny_bundle, tmp_path / "out", progress=stop_half_way, cancel=cancel)
    assert not list(tmp_path.iterdir())
    gone = max(psutil.pids()) + 100_000
    (tmp_path / f".out.partial-{gone}").mkdir()
    quantize.quantise_bundle(tiny_bundle, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_each_tensor_starts_at_a_multiple_of_its_size(quantised: Path) -> None:
    with safe_open(quantised / "model.safetensors", "pt") as file:
        for name in file.keys():  # noqa: SIM118 (not a dict)
            value = file.get_tensor(name)
            assert value.data_ptr() % value.element_size() == 0


def test_the_command_writes_it_and_says_how_to_use_it(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert cli.main(["models", "quantize", str(tiny_bundle), "--out", str(out)]) == 0
    assert f"medreason models add {out}" in capsys.readouterr().out
    assert verify(out).name == "tiny"
    assert cli.main(["models", "quantize", str(tiny_bundle), "--out", str(out)]) == 1
    assert "exists already" in capsys.readouterr().err
    if not torch.cuda.is_available():
        there = ["--out", str(tmp_path / "gpu"), "--device", "cuda"]
        assert cli.main(["models", "quantize", str(tiny_bundle), *there]) == 1
        assert "no GPU" in capsys.readouterr().err
