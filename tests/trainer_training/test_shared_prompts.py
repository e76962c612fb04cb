"""Log-probabilities and gradients with each prompt read once are those of reading it for every completion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from prompt_pictures import inputs
from torch import Tensor

from medreason_viewer.reasoning.bundles.manifest import Manifest
from trainer.grpo.shared_prompts import shared_prompts
from trainer.tuning import adapters

LENGTHS = (3, 6, 5, 6, 1)


@pytest.fixture(scope="module", params=["lora", "qlora"])
def model(request: pytest.FixtureRequest, tiny_bundle: Path, manifest: Manifest) -> Any:
    """The tiny model, plain and in NF4, in training."""
    return adapters.load_base(tiny_bundle, manifest, request.param, "cpu").train()


def with_completions(given: dict[str, Tensor], images: list[int]) -> dict[str, Tensor]:
    """The prompts padded by two on the left, each with a completion of its own, padded on the right."""
    ids, rows = given["input_ids"], len(images)
    tail = torch.randint(5, 60, (rows, max(LENGTHS)), generator=torch.Generator().manual_seed(1))
    long = torch.tensor(LENGTHS[:rows])[:, None] > torch.arange(max(LENGTHS))[None]
    pad = torch.zeros(rows, 2, dtype=ids.dtype)
    return given | {
        "input_ids": torch.cat([pad, ids, tail * long], 1),
        "attention_mask": torch.cat([pad, given["attention_mask"], long.to(ids.dtype)], 1),
        "mm_token_type_ids": torch.cat([pad, given["mm_token_type_ids"], torch.zeros_like(tail)], 1),
    }


def read(model: Any, given: dict[str, Tensor], tokens: int) -> tuple[Tensor, list[Tensor]]:
    """Log-probabilities of the completions, and gradients of what they sum to in tower and language model."""
    weights = [
        model.model.visual.patch_embed.proj.weight.requires_grad_(True),
        model.model.language_model.embed_tokens.weight.requires_grad_(True),
    ]
    states = model.model(**given).last_hidden_state
    logits = model.lm_head(states[:, tokens - 1 : -1]).float()
    said = given["input_ids"][:, tokens:]
    found = logits.log_softmax(-1).gather(-1, said[..., None])[..., 0] * given["attention_mask"][:, tokens:]
    return found.detach(), list(
        torch.autograd.grad((found * torch.arange(1, 1 + found.shape[1])).sum(), weights)
    )


def test_the_same_numbers_from_fewer_tokens(model: Any, tiny_bundle: Path, manifest: Manifest) -> None:
    images = [0, 1, 0, 0, 1]
    prompts = inputs(tiny_bundle, manifest, images)
    given, tokens = with_completions(prompts, images), prompts["input_ids"].shape[1] + 2
    seen: list[int] = []
    hook = model.model.language_model.register_forward_pre_hook(
        lambda _module, _args, kept: seen.append(kept["inputs_embeds"].shape[:2].numel()), with_kwargs=True
    )
    stock, of_stock = read(model, given, tokens)
    with shared_prompts(model, tokens):
        ours, of_ours = read(model, given, tokens)
    hook.remove()
    assert seen == [5 * (tokens + max(LENGTHS)), 2 * tokens, 5 * max(LENGTHS)]
    loose = 4 if next(model.parameters()).dtype == torch.bfloat16 else 1
    torch.testing.assert_close(ours, stock, rtol=1e-4 * loose, atol=1e-4 * loose)
    for one, other in zip(of_ours, of_stock, strict=True):
        assert other.abs().max() > 0
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3 * float(other.abs().max()))


def test_where_no_prompt_repeats_stock_reads(model: Any, tiny_bundle: Path, manifest: Manifest) -> None:
    images = [0, 1, 2]
    prompts = inputs(tiny_bundle, manifest, images)
    given, tokens = with_completions(prompts, images), prompts["input_ids"].shape[1] + 2
    stock, _ = read(model, given, tokens)
    with shared_prompts(model, tokens):
        assert torch.equal(read(model, given, tokens)[0], stock)
    assert "forward" not in vars(model.model)
