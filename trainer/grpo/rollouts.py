"""Rollouts that read image and prompt once for all completions of a group.

Stock generation runs the vision tower and the prompt once per completion. Here each different prompt is read
once, its key-value cache is copied to its completions, and stock ``generate`` goes on from there: the same
sampling, the same stopping, the same greedy tokens.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from .alike import numbers_of


@contextlib.contextmanager
def shared_prefill(model: Any) -> Iterator[None]:
    """Within the block, ``model.generate`` reads equal prompts once.

    Parameters
    ----------
    model : Qwen2_5_VLForConditionalGeneration
        Not wrapped; LoRA layers injected in it are used.
    """
    stock = model.generate

    def generate(**given: Any) -> Any:
        return stock(**prefilled(model, given))

    model.generate = generate
    try:
        yield
    finally:
        del model.generate


def prefilled(model: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Arguments for ``generate`` with image and prompt read already; as they were where no prompt repeats.

    Parameters
    ----------
    given : dict
        ``input_ids``, ``attention_mask`` and ``mm_token_type_ids`` of shape (completion, token), padded on
        the left; ``pixel_values`` of shape (patch, value); ``image_grid_thw`` of shape (completion, 3): one
        image a prompt; whatever else ``generate`` takes stays.
    """
    pixels, grids = given.get("pixel_values"), given.get("image_grid_thw")
    if pixels is None or grids is None or len(grids) != len(given["input_ids"]):
        return given
    images = pixels.split(grids.prod(-1).tolist())
    first, prompt_of = numbers_of(given["input_ids"], given["attention_mask"], images)
    if len(first) == len(prompt_of):
        return given
    cache, deltas = _read(model, given, torch.cat([images[row] for row in first]), grids[first], first)
    copies = torch.tensor(prompt_of, device=given["input_ids"].device)
    cache.batch_select_indices(copies)
    model.model.rope_deltas = deltas[copies]
    rest = {name: value for name, value in given.items() if name not in ("pixel_values", "image_grid_thw")}
    return {**rest, "past_key_values": cache}


@torch.no_grad()
def _read(
    model: Any, given: dict[str, Any], pixels: Tensor, grids: Tensor, rows: list[int]
) -> tuple[DynamicCache, Tensor]:
    """All but the last token of some rows in a cache, and how far their positions lag behind their tokens."""
    ids, seen, kinds = (given[name][rows] for name in ("input_ids", "attention_mask", "mm_token_type_ids"))
    positions, deltas = model.model.get_rope_index(ids, kinds, image_grid_thw=grids, attention_mask=seen)
    cache = DynamicCache(config=model.config.text_config)
    model.model(
        input_ids=ids[:, :-1],
        attention_mask=seen[:, :-1],
        position_ids=positions[..., :-1],
        pixel_values=pixels,
        image_grid_thw=grids,
        past_key_values=cache,
        use_cache=True,
    )
    return cache, deltas
