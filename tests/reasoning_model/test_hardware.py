"""The doctor tells the truth: of this machine, of bundles, and of machines that are broken."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest
import tiny_model
import torch
from tiny_requests import MANIFEST

from medreason_viewer.errors import BundleError
from medreason_viewer.reasoning.engine import hardware, qwen
from medreason_viewer.reasoning.engine import probe as qwen_probe
from medreason_viewer.reasoning.engine.cache import KeyValueCache
from medreason_viewer.reasoning.engine.driver import Gpu
from medreason_viewer.reasoning.engine.needs import Model

GPU = {"name": "RTX", "capability": "8.9", "total_bytes": 24 * 2**30, "free_bytes": 20 * 2**30}
CARD = Gpu("RTX", "590.1", 24 * 2**30, 20 * 2**30)
WORKING: dict[str, Any] = {
    "versions": {},
    "cuda_build": "13.0",
    "gpus": [GPU],
    "cpu_dtype": "float32",
    "nf4": {"cpu": None, "cuda": None},
}


def loaded_bytes(model: torch.nn.Module) -> int:
    """Of all distinct tensors a loaded model holds, quantisation scales included, their tables left out."""
    found = {weight.data_ptr(): weight.nbytes for weight in [*model.parameters(), *model.buffers()]}
    for weight in model.parameters():
        if (state := getattr(weight, "quant_state", None)) is not None:
            held = (state.absmax, state.state2.absmax)
            found |= {tensor.data_ptr(): tensor.nbytes for tensor in held}
    return sum(found.values())


@pytest.mark.parametrize("tied", [False, True])
def test_the_needs_equal_what_a_loaded_model_holds(tmp_path: Path, tied: bool) -> None:
    folder = tiny_model.build(tmp_path / "model", layers=12, tied=tied)
    engine = qwen.load(folder, MANIFEST, device="cpu")
    value_bytes = engine.model.lm_head.weight.element_size()
    needed = Model.of_folder(folder).needs(value_bytes, tokens=100)
    assert needed.weights_bytes == pytest.approx(loaded_bytes(engine.model), rel=0.001)
    cache = KeyValueCache(engine.model.config.text_config, torch.device("cpu"), engine.model.dtype)
    cache.make_room(100, 0)
    assert needed.cache_bytes == cache.nbytes
    quantised = Path(shutil.copytree(folder, tmp_path / "quantised", ignore=lambda *_: ["model*"]))
    for file in quantised.glob("model*"):
        file.unlink()
    engine.model.save_pretrained(quantised)
    stored = Model.of_folder(quantised).needs(value_bytes).weights_bytes
    assert stored == pytest.approx(needed.weights_bytes, rel=0.2)  # the tables are stored


def test_the_probe_finds_4_bit_working_on_this_machine() -> None:
    found = qwen_probe.probe()
    assert found["nf4"]["cpu"] is None
    assert found["versions"]["torch"] == torch.__version__
    assert bool(found["gpus"]) == torch.cuda.is_available()


def test_a_broken_4_bit_layer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.nn.Linear, "forward", lambda self, x: x @ self.weight.T * 2)
    assert "results are off by" in qwen_probe.probe()["nf4"]["cpu"]


def test_the_report_of_this_machine_comes_from_a_process_of_its_own(tiny_bundle: Path) -> None:
    found = hardware.report(tiny_bundle)
    assert found["memory"]["total_bytes"] == psutil.virtual_memory().total
    assert found["libraries"]["nf4"]["cpu"] is None
    assert found["bundle"]["name"] == "tiny"
    assert "cpu" in found["bundle"]["runs_on"]
    assert all(text.endswith(".") for text in found["problems"])
    if not found["libraries"]["gpus"]:
        assert any("no NVIDIA GPU" in text for text in found["problems"])


@pytest.mark.parametrize(
    ("libraries", "driver", "said"),
    [
        (WORKING, [CARD], None),
        (WORKING | {"gpus": [], "cuda_build": None}, [CARD], "install its CUDA build"),
        (WORKING | {"gpus": []}, [CARD], "driver may be too old"),
        (WORKING | {"gpus": []}, [], "no NVIDIA GPU"),
        (WORKING | {"nf4": {"cpu": None, "cuda": "RuntimeError: x"}}, [CARD], "do not work on the CUDA"),
    ],
)
def test_what_is_wrong_is_said(
    monkeypatch: pytest.MonkeyPatch, libraries: dict[str, Any], driver: list[Any], said: str | None
) -> None:
    monkeypatch.setattr(hardware, "_libraries", lambda: (libraries, None))
    monkeypatch.setattr(hardware, "driver_gpus", lambda: driver)
    problems = hardware.report()["problems"]
    assert [said in text for text in problems] == [True] if said else problems == []


def test_a_bundle_runs_only_where_it_fits_and_4_bit_works(
    monkeypatch: pytest.MonkeyPatch, tiny_bundle: Path
) -> None:
    monkeypatch.setattr(hardware, "driver_gpus", lambda: [CARD])

    def runs_on(**changes: Any) -> list[str]:
        monkeypatch.setattr(hardware, "_libraries", lambda: (WORKING | changes, None))
        found: list[str] = hardware.report(tiny_bundle)["bundle"]["runs_on"]
        return found

    assert runs_on() == ["cuda", "cpu"]
    assert runs_on(gpus=[GPU | {"free_bytes": 1000}]) == ["cpu"]
    assert runs_on(nf4={"cpu": "broken", "cuda": None}) == ["cuda"]
    assert runs_on(nf4={"cpu": "broken"}, gpus=[]) == []
    assert "does not fit" in hardware.report(tiny_bundle)["problems"][-1]


def test_libraries_that_crash_or_hang_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_args: Any, **_options: Any) -> None:
        raise subprocess.CalledProcessError(1, "x", stderr="Traceback\nImportError: libcuda.so.1\n")

    monkeypatch.setattr(subprocess, "run", crash)
    assert hardware.report()["problems"] == [
        "The libraries that run the model do not work here: ImportError: libcuda.so.1"
    ]

    def hang(*_args: Any, **_options: Any) -> None:
        raise subprocess.TimeoutExpired("x", 1)

    monkeypatch.setattr(subprocess, "run", hang)
    assert "did not answer" in hardware.report()["problems"][0]


def test_a_folder_without_weights_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BundleError, match="no weights"):
        Model.of_folder(tmp_path)
    monkeypatch.setattr(hardware, "_libraries", lambda: (WORKING, None))
    assert "no model folder" in hardware.report(tmp_path / "nowhere")["problems"][-1]
