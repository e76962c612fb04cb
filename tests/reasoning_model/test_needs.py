"""What a model will take is known before it is loaded, and the limits chosen for it fit."""

from __future__ import annotations

import json
import weakref
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from medreason_viewer import cli
from medreason_viewer.reasoning.bundles.manifest import ImageSpec
from medreason_viewer.reasoning.engine import hardware
from medreason_viewer.reasoning.engine.needs import CONTEXT_TOKENS, Fit, Model, fit
from medreason_viewer.reasoning.engine.shapes import Shape

IMAGE = ImageSpec(min_pixels=3136, max_pixels=1_003_520)
SEVEN, BYTES = Model.of_shape(Shape("7b")), {"cuda": 2, "cpu": 4}
GB = 10**9


@pytest.mark.parametrize("name", ["3b", "7b"])
def test_the_weights_are_those_of_the_architecture_in_nf4(name: Any) -> None:
    with torch.device("meta"):
        model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**Shape(name).config())).bfloat16()
    expected = 0
    for path, weight in model.named_parameters():
        packed = ".language_model.layers." in path and weight.ndim == 2
        scales = weight.numel() // 64
        expected += weight.numel() // 2 + scales + 4 * -(-scales // 256) if packed else weight.nbytes
    assert Model.of_shape(Shape(name)).needs(2).weights_bytes == expected


class Held(TorchDispatchMode):
    """The most bytes that new tensors hold at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._seen: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return out

    def _count(self, storage: torch.UntypedStorage) -> None:
        address, nbytes = storage.data_ptr(), storage.nbytes()
        if address in self._seen:
            return
        self._seen.add(address)
        self.now += nbytes
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._forget, address, nbytes)

    def _forget(self, address: int, nbytes: int) -> None:
        self._seen.discard(address)
        self.now -= nbytes


def test_a_tower_of_the_published_width_holds_no_more_than_was_told() -> None:
    config = Shape("3b", layers=1, vision_blocks=2, words=1000).config()
    with torch.device("meta"):
        model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**config))
    tower = type(model.model.visual)(model.config.vision_config).eval()
    tower.set_attn_implementation("sdpa")
    patches = torch.zeros(4 * 64, 3 * 2 * 14 * 14)
    told = Model.of_shape(Shape("3b")).needs(4, 128, 64).vision_bytes
    with torch.inference_mode(), Held() as held:
        tower(patches, grid_thw=torch.tensor([[1, 16, 16]]))
    assert 0.4 * told < held.most < told


def test_the_7b_shape_at_2000_tokens_stays_below_7_5_gb(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    libraries = {"versions": {}, "cuda_build": None, "gpus": [], "cpu_dtype": "float32", "nf4": {"cpu": None}}
    monkeypatch.setattr(hardware, "_libraries", lambda: (libraries, None))
    cli.main(["doctor", "--shape", "7b", "--tokens", "2000", "--json"])
    found = json.loads(capsys.readouterr().out)["bundle"]
    assert found["tokens"] == 2000
    assert 6.8e9 < found["needs"]["cuda"]["total_bytes"] <= 7.5e9


def chosen(free: dict[str, float]) -> Fit | None:
    return fit(SEVEN, IMAGE, {kind: round(count * GB) for kind, count in free.items()}, BYTES)


def test_with_room_nothing_is_less() -> None:
    best = chosen({"cuda": 24, "cpu": 64})
    assert best is not None
    assert (best.device, best.tokens, best.max_pixels) == ("cuda", CONTEXT_TOKENS, IMAGE.max_pixels)
    assert best.sentence == ""


def test_with_less_room_first_the_conversation_yields_then_the_image_then_the_device() -> None:
    frees = (7.8, 7.5, 6.0)
    steps = [step for free in frees if (step := chosen({"cuda": free, "cpu": 64}))]
    assert [step.device for step in steps] == ["cuda", "cuda", "cpu"]
    assert [(step.tokens, step.max_pixels) for step in steps] == [
        (2048, IMAGE.max_pixels),
        (1152, IMAGE.max_pixels // 2),
        (CONTEXT_TOKENS, IMAGE.max_pixels),
    ]
    for step, free, said in zip(steps, frees, ("2,048 tokens", "reduced to 501,760", "the CPU"), strict=True):
        assert said in step.sentence
        assert f"7.8 GB and {free} GB are free on the GPU" in step.sentence
        assert step.sentence.endswith(".")
        assert step.needs.total_bytes <= (free if step.device == "cuda" else 64) * GB


def test_nothing_fits_and_an_image_is_never_below_what_the_model_saw() -> None:
    assert chosen({"cuda": 5, "cpu": 5}) is None
    fixed = ImageSpec(min_pixels=50176, max_pixels=50176)
    best = fit(SEVEN, fixed, {"cuda": round(7.4 * GB)}, BYTES)
    assert best is not None
    assert best.max_pixels == 50176
