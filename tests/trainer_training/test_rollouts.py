"""Rollouts that share their prefill say what stock ones say, having read less."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import prompt_pictures
import pytest
import torch
from torch import Tensor
from transformers import GenerationConfig

from medreason_viewer.reasoning.bundles.manifest import Manifest
from trainer.grpo import rollout_bench
from trainer.grpo.rollouts import shared_prefill
from trainer.tuning import adapters


@pytest.fixture(scope="module", params=["lora", "qlora"])
def model(request: pytest.FixtureRequest, tiny_bundle: Path, manifest: Manifest) -> Any:
    """The tiny model, plain and in NF4."""
    return adapters.load_base(tiny_bundle, manifest, request.param, "cpu").eval()


@pytest.fixture
def patches_seen(model: Any) -> Iterator[list[int]]:
    """How many patches each pass of the vision tower was given."""
    seen: list[int] = []
    hook = model.model.visual.register_forward_pre_hook(
        lambda _module, given, kept: seen.append(len(given[0] if given else kept["hidden_states"])),
        with_kwargs=True,
    )
    yield seen
    hook.remove()


def inputs(folder: Path, manifest: Manifest, counts: list[int]) -> dict[str, Tensor]:
    """Prompts of different lengths with different images, each so many times."""
    numbers = [number for number, count in enumerate(counts) for _ in range(count)]
    return prompt_pictures.inputs(
        folder, manifest, numbers, ["What is this? " * (number + 1) for number in numbers]
    )


def generate(model: Any, given: dict[str, Tensor], **how: Any) -> Tensor:
    settings = {"max_new_tokens": 12, "min_new_tokens": 12, "do_sample": False, "pad_token_id": 0} | how
    with torch.no_grad():
        said: Tensor = model.generate(**given, generation_config=GenerationConfig(**settings))
    return said


@pytest.mark.parametrize("counts", [[4], [2, 3], [1, 2, 1], [3, 3, 3]])
def test_greedy_tokens_equal_those_of_stock(
    model: Any, patches_seen: list[int], tiny_bundle: Path, manifest: Manifest, counts: list[int]
) -> None:
    given = inputs(tiny_bundle, manifest, counts)
    stock = generate(model, given)
    with shared_prefill(model):
        ours = generate(model, given)
    assert torch.equal(ours, stock)
    assert len({tuple(row.tolist()) for row in ours}) == len(counts)
    assert patches_seen == [64 * sum(counts), 64 * len(counts)]


def test_where_nothing_repeats_stock_is_left_alone(
    model: Any, patches_seen: list[int], tiny_bundle: Path, manifest: Manifest
) -> None:
    given = inputs(tiny_bundle, manifest, [1, 1])
    stock = generate(model, given)
    with shared_prefill(model):
        assert torch.equal(generate(model, given), stock)
    assert patches_seen == [128, 128]


def test_sampling_draws_the_same_replies_and_differs_within_a_group(
    model: Any, tiny_bundle: Path, manifest: Manifest
) -> None:
    given = inputs(tiny_bundle, manifest, [4])
    how = {"do_sample": True, "temperature": 1.0, "top_k": 0}
    torch.manual_seed(1)
    stock = generate(model, given, **how)
    torch.manual_seed(1)
    with shared_prefill(model):
        ours = generate(model, given, **how)
    assert torch.equal(ours, stock)
    assert len({tuple(row.tolist()) for row in ours}) == 4


def test_the_model_is_left_as_it_was(model: Any) -> None:
    with shared_prefill(model):
        assert "generate" in vars(model)
    assert "generate" not in vars(model)


def test_the_bench_measures_both_ways(model: Any, tiny_bundle: Path, manifest: Manifest) -> None:
    found = rollout_bench.measure(
        model, tiny_bundle, manifest, rollout_bench.Bench(groups=(2, 3), tokens=4, repeats=1)
    )
    assert found["tokens_equal"]
    assert found["rollout_ratio"].keys() == found["reading_ratio"].keys() == {"2", "3"}
    assert found["reading_difference"] < 0.05
    for group, ratio in found["rollout_ratio"].items():
        assert ratio == pytest.approx(found["ours_s"][group] / found["stock_s"][group], rel=0.05)
