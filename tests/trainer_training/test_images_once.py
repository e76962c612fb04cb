"""Equal images of a pass go through the vision tower once, and nothing else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from prompt_pictures import inputs

from medreason_viewer.reasoning.bundles.manifest import Manifest
from trainer.grpo.alike import numbers_of
from trainer.grpo.images_once import images_once
from trainer.tuning import adapters


@pytest.fixture(scope="module")
def model(tiny_bundle: Path, manifest: Manifest) -> Any:
    return adapters.load_base(tiny_bundle, manifest, "lora", "cpu").eval()


def test_images_are_told_apart_wherever_they_stand() -> None:
    one, other = torch.ones(2, 3), torch.zeros(2, 3)
    assert numbers_of([one, other, one.clone(), other, torch.ones(4, 3)]) == ([0, 1, 4], [0, 1, 0, 1, 2])


def test_logits_and_gradients_are_those_of_the_stock_model(
    model: Any, tiny_bundle: Path, manifest: Manifest
) -> None:
    given = inputs(tiny_bundle, manifest, [0, 1, 0, 0, 1])
    seen: list[int] = []
    visual = model.model.visual
    hook = visual.register_forward_pre_hook(
        lambda _module, args, kept: seen.append(len(args[0])), with_kwargs=True
    )
    weight = visual.patch_embed.proj.weight.requires_grad_(True)
    made, gradients = [], []
    for once in (False, True):
        if once:
            with images_once(model):
                made.append(model(**given).logits)
        else:
            made.append(model(**given).logits)
        (gradient,) = torch.autograd.grad(made[-1].float().log_softmax(-1)[..., 0].sum(), weight)
        gradients.append(gradient)
    hook.remove()
    assert seen == [5 * 64, 2 * 64]
    torch.testing.assert_close(made[1], made[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-3, atol=1e-4)
    assert gradients[0].abs().max() > 0


def test_the_model_is_left_as_it_was(model: Any) -> None:
    with images_once(model):
        assert "get_image_features" in vars(model.model)
    assert "get_image_features" not in vars(model.model)
