"""Training that knows of NF4: the forward and backward pass see the weights that the viewer will run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import bitsandbytes as bnb
import torch
from torch import Tensor, nn


def rounded(weight: Tensor) -> Tensor:
    """The weight after NF4 with double quantisation and back, as the viewer's loader does it."""
    packed, state = bnb.functional.quantize_4bit(weight, quant_type="nf4", compress_statistics=True)
    restored: Tensor = bnb.functional.dequantize_4bit(packed, state)
    return restored.to(weight.dtype)


@contextlib.contextmanager
def as_nf4(language_model: nn.Module) -> Iterator[None]:
    """Within the block, the linear layers hold rounded weights; afterwards their own again.

    Gradients taken inside apply to the exact weights (the straight-through estimator of Bengio et al. 2013,
    arXiv 1308.3432), so that small steps add up.
    """
    linear = [module for module in language_model.modules() if isinstance(module, nn.Linear)]
    exact = [module.weight.data for module in linear]
    try:
        with torch.no_grad():
            for module, weight in zip(linear, exact, strict=True):
                module.weight.data = rounded(weight)
        yield
    finally:
        for module, weight in zip(linear, exact, strict=True):
            module.weight.data = weight
