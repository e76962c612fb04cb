"""What is told of a model folder before it is used: of small and large workstations, and broken folders."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tiny_requests import MANIFEST

from medreason_viewer.errors import BundleError
from medreason_viewer.reasoning.bundles.bundle import file_entries, write_manifest
from medreason_viewer.reasoning.bundles.manifest import ImageSpec
from medreason_viewer.reasoning.engine import driver, limits
from medreason_viewer.reasoning.engine.driver import CPU_BUILD, Gpu
from medreason_viewer.reasoning.engine.needs import CONTEXT_TOKENS, Model
from medreason_viewer.reasoning.engine.prospect import Workstation, prospect, workstation

ROOMY = Workstation((), 10**10, 10**10)
WIDE = ImageSpec(min_pixels=50176, max_pixels=802816)


@pytest.fixture
def folder(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A bundle that a test may break."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "mine"))


def _listed_anew(folder: Path, image: ImageSpec = MANIFEST.image) -> None:
    write_manifest(folder, dataclasses.replace(MANIFEST, image=image, files=file_entries(folder)))


def test_what_is_told_is_what_the_worker_then_chooses(tiny_bundle: Path) -> None:
    told, chosen = prospect(tiny_bundle), limits.limits_here(tiny_bundle, MANIFEST, "auto")
    assert (told.device, told.tokens, told.max_pixels) == (chosen.device, chosen.tokens, chosen.max_pixels)
    assert told.needs == chosen.needs
    assert told.verdict == "fits"
    assert told.manifest.name == "tiny"


def test_the_gpu_comes_first_and_less_memory_means_less_of_the_model(folder: Path) -> None:
    _listed_anew(folder, WIDE)
    model = Model.of_folder(folder)
    whole = model.needs(2, CONTEXT_TOKENS, WIDE.max_pixels // 784).total_bytes
    least = model.needs(2, WIDE.min_pixels // 784 + 512, WIDE.min_pixels // 784).total_bytes

    def on_gpu(free: int, memory: int = 1000) -> tuple[str, str, str]:
        gpu = Gpu("RTX", "590.1", 10**10, free)
        found = prospect(folder, Workstation((gpu,), 1000, memory))
        return found.verdict, found.device, found.sentence

    verdict, device, sentence = on_gpu(2 * whole)
    assert (verdict, device) == ("fits", "cuda")
    assert "on the GPU" in sentence
    verdict, device, sentence = on_gpu(round(1.5 * least))
    assert (verdict, device) == ("limited", "cuda")
    assert "tokens" in sentence
    verdict, device, sentence = on_gpu(least // 2)
    assert (verdict, device) == ("crowded", "cuda")
    assert "close other programs" in sentence
    verdict, device, sentence = on_gpu(least // 2, 10**10)
    assert (verdict, device) == ("limited", "cpu")
    assert "it runs on the CPU" in sentence


def test_what_never_fits_names_a_smaller_model(tiny_bundle: Path) -> None:
    found = prospect(tiny_bundle, Workstation((Gpu("GT", "1", 2000, 2000),), 1000, 1000))
    assert (found.verdict, found.device, found.tokens) == ("too_large", "cuda", CONTEXT_TOKENS)
    assert "Choose a smaller model" in found.sentence


def test_a_gpu_that_torch_cannot_use_does_not_count(tiny_bundle: Path) -> None:
    found = prospect(
        tiny_bundle, dataclasses.replace(ROOMY, gpus=(Gpu("RTX", "1", 10**11, 10**11),), gpu_fault=CPU_BUILD)
    )
    assert (found.verdict, found.device) == ("fits", "cpu")
    assert "take longer" in found.sentence


def _cut_short(folder: Path) -> None:
    shard = next(iter(sorted(folder.glob("*.safetensors"))))
    shard.write_bytes(shard.read_bytes()[:-7])


def _pickle(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"x")


def _no_vision(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    del config["vision_config"]
    (folder / "config.json").write_text(json.dumps(config))
    _listed_anew(folder)


def _no_heads(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["num_attention_heads"] = 0
    (folder / "config.json").write_text(json.dumps(config))
    _listed_anew(folder)


def _no_files_listed(folder: Path) -> None:
    write_manifest(folder, MANIFEST)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_cut_short, "Copy the model folder again"),
        (_pickle, "is refused: only safetensors"),
        (_no_vision, "config.json in mine is damaged; copy"),
        (_no_heads, "config.json in mine is damaged; copy"),
        (_no_files_listed, "lists no files"),
        (lambda folder: shutil.rmtree(folder), "There is no model folder"),
    ],
)
def test_a_folder_that_cannot_be_used_says_why(
    folder: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(folder)
    with pytest.raises(BundleError, match=said):
        prospect(folder, ROOMY)


def _nvidia_smi(folder: Path, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!{sys.executable}\n{says}\n")
    program.chmod(0o755)
    monkeypatch.setattr(driver.shutil, "which", lambda _name: str(program))


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands in for nvidia-smi")
@pytest.mark.parametrize(
    ("says", "found"),
    [
        ("print('RTX 4090, 590.1, 24564, 20000')", (Gpu("RTX 4090", "590.1", 24564 * 2**20, 20000 * 2**20),)),
        ("print('GB10, 590.1, [N/A], [N/A]')", ()),
        ("print('no devices were found')", ()),
        ("import sys; sys.stdout.buffer.write(bytes([255, 254]))", ()),
        ("raise SystemExit(9)", ()),
    ],
)
def test_the_driver_is_asked(
    says: str, found: tuple[Gpu, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _nvidia_smi(tmp_path, says, monkeypatch)
    assert driver.driver_gpus() == found


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands in for nvidia-smi")
def test_a_driver_that_hangs_is_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _nvidia_smi(tmp_path, "import time; time.sleep(60)", monkeypatch)
    monkeypatch.setattr(driver, "_TIMEOUT_S", 0.3)
    assert driver.driver_gpus() == ()


def test_how_torch_was_built_is_read_without_it() -> None:
    assert driver.built_for_cpu_alone() == (torch.version.cuda is None)


def test_the_cpu_is_asked_as_torch_asks_it() -> None:
    wanted = 2 if torch.cpu._is_avx512_bf16_supported() else 4
    found = workstation()
    assert found.value_bytes()["cpu"] in {wanted, 4}  # where the system tells less, the upper bound
    assert 0 < found.free_bytes <= found.total_bytes
