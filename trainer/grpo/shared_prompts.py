"""The log-probabilities of a group's completions, its prompt read once.

GRPO reads every completion again, in training and under the reference model, each time with image and prompt
before it. Here a prompt goes through the model once, its key-value cache is copied to its completions, and
these alone are read for each row. Gradients flow through the copies and add up: they are those of reading all
rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.modeling_outputs import BaseModelOutputWithPast

from .alike import numbers_of


@contextlib.contextmanager
def shared_prompts(model: Any, prompt_tokens: int) -> Iterator[None]:
    """Within the block, passes of the model read equal prompts that stand anywhere among the rows once.

    Parameters
    ----------
    model : Qwen2_5_VLForConditionalGeneration
        Not wrapped; LoRA layers injected in it are used. It must not recompute activations (gradient
        checkpointing), for then it keeps no cache.
    prompt_tokens : int
        Where in every row the prompt ends, padding on its left included.
    """
    inner = model.model
    stock = inner.forward

    def forward(**given: Any) -> Any:
        ids, seen, grids = given["input_ids"], given["attention_mask"], given["image_grid_thw"]
        images = torch.split(given["pixel_values"], grids.prod(-1).tolist())
        first, number_of = numbers_of(ids[:, :prompt_tokens], seen[:, :prompt_tokens], images)
        if len(first) == len(ids):
            return stock(**given)
        kinds = given["mm_token_type_ids"]
        positions, _ = inner.get_rope_index(ids, kinds, image_grid_thw=grids, attention_mask=seen)
        cache = DynamicCache(config=model.config.text_config)
        prompt = stock(
            input_ids=ids[first, :prompt_tokens],
            attention_mask=seen[first, :prompt_tokens],
            position_ids=positions[:, first, :prompt_tokens],
            pixel_values=torch.cat([images[row] for row in first]),
            image_grid_thw=grids[first],
            past_key_values=cache,
            use_cache=True,
        )
        copies = torch.tensor(number_of, device=ids.device)
        cache.batch_select_indices(copies)
        completion = stock(
            input_ids=ids[:, prompt_tokens:],
            attention_mask=seen,
            position_ids=positions[..., prompt_tokens:],
            past_key_values=cache,
            use_cache=True,
        )
        states: list[Tensor] = [prompt.last_hidden_state[copies], completion.last_hidden_state]
        return BaseModelOutputWithPast(last_hidden_state=torch.cat(states, 1))

    inner.forward = forward
    try:
        yield
    finally:
        del inner.forward
