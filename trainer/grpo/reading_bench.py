"""How long GRPO reads a group's completions again, and goes back through them, beside the stock model."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from .shared_prompts import shared_prompts


def completed(inputs: dict[str, Tensor], said: Tensor) -> dict[str, Tensor]:
    """What a pass over whole rows is given.

    Parameters
    ----------
    inputs : dict
        As ``generate`` got it: tensors of shape (completion, prompt token), and the images.
    said : tensor, shape (completion, prompt and completion token)
        What it gave.
    """
    more = said.shape[1] - inputs["input_ids"].shape[1]
    rows = said.shape[0]
    ones, zeros = (torch.full((rows, more), value, device=said.device) for value in (1, 0))
    return inputs | {
        "input_ids": said,
        "attention_mask": torch.cat([inputs["attention_mask"], ones], 1),
        "mm_token_type_ids": torch.cat([inputs["mm_token_type_ids"], zeros], 1),
    }


def timed(model: Any, given: dict[str, Tensor], prompt_tokens: int, *, shared: bool) -> tuple[float, Tensor]:
    """Seconds of one pass, forward and, where anything is trained, backward; and the log-probabilities.

    Returns
    -------
    float
    tensor of float32, shape (completion, completion token)
    """
    model.zero_grad(set_to_none=True)
    began = time.perf_counter()
    with shared_prompts(model, prompt_tokens) if shared else nullcontext():
        states = model.model(**given).last_hidden_state
    said = given["input_ids"][:, prompt_tokens:]
    logits = model.lm_head(states[:, prompt_tokens - 1 : -1]).float()
    found: Tensor = logits.log_softmax(-1).gather(-1, said[..., None])[..., 0]
    if found.requires_grad:
        found.sum().backward()  # type: ignore[no-untyped-call]
    if found.is_cuda:
        torch.cuda.synchronize()
    seconds = time.perf_counter() - began
    model.zero_grad(set_to_none=True)
    return seconds, found.detach()
