"""Each different image of a pass goes through the vision tower once.

The completions of a group show the same image, and GRPO reads every completion again for its
log-probabilities, in training and under the reference model. Gradients stay the same: those of equal images
add up.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from .alike import numbers_of


@contextlib.contextmanager
def images_once(model: Any) -> Iterator[None]:
    """Within the block, passes of the model give equal images to its vision tower once.

    Parameters
    ----------
    model : Qwen2_5_VLForConditionalGeneration
        Not wrapped; LoRA layers injected in it are used.
    """
    inner = model.model
    stock = inner.get_image_features

    def features(pixel_values: Tensor, image_grid_thw: Tensor, **more: Any) -> Any:
        images = torch.split(pixel_values, image_grid_thw.prod(-1).tolist())
        first, number_of = numbers_of(images)
        if len(first) == len(images):
            return stock(pixel_values, image_grid_thw, **more)
        found = stock(torch.cat([images[row] for row in first]), image_grid_thw[first], **more)
        found.pooler_output = tuple(found.pooler_output[number] for number in number_of)
        return found

    inner.get_image_features = features
    try:
        yield
    finally:
        del inner.get_image_features
