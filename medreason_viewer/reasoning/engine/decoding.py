"""A loaded Qwen2.5-VL answering token by token: greedy, with a key-value cache, always ready to stop."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import DynamicCache

from ...cancel import Cancel
from ...errors import ModelError, ModelOutOfMemory
from ..dialogue import Turn
from ..request import ModelInfo
from .patches import image_tokens, to_patches
from .tokens import ChatTokenizer


def out_of_memory() -> ModelOutOfMemory:
    """The error for a model or an image that does not fit."""
    return ModelOutOfMemory(
        "The model does not fit into the memory there is: close other programs, or choose a smaller model."
    )


class Engine:
    """A loaded model that answers one turn at a time.

    Attributes
    ----------
    info : ModelInfo
    load_s : float
        Seconds from the files to a model that can answer.
    """

    def __init__(self, model: Any, tokenizer: ChatTokenizer, info: ModelInfo, load_s: float) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.info, self.load_s = info, load_s
        text = model.config.text_config
        self._positions: int = text.max_position_embeddings
        banned = [*tokenizer.never_said, *range(tokenizer.size, text.vocab_size)]
        self._banned = torch.tensor(banned, device=model.device)

    def stream(self, turn: Turn, cancel: Cancel) -> Iterator[str]:
        """The reply to one turn, greedily, one piece per token (empty while a character is incomplete).

        Raises
        ------
        Cancelled
            Between two tokens, or between two layers while the image and the prompt are read.
        ModelOutOfMemory
            If the image or the conversation does not fit.
        ModelError
            If the conversation is longer than the model can read.
        """
        text = self.tokenizer.text_stream()
        try:
            for token_id in self._decode(turn, cancel):
                yield text.feed(token_id)
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise out_of_memory() from error
        if rest := text.finish():
            yield rest

    def _decode(self, turn: Turn, cancel: Cancel) -> Iterator[int]:
        ids = self.tokenizer.encode(turn.messages, image_tokens(turn.image))
        limit = min(turn.max_new_tokens, self._positions - len(ids))
        if limit < 1:
            raise ModelError("The conversation is longer than the model can read; start a new one.")
        cache = DynamicCache(config=self.model.config.text_config)
        with _interruptible(self.model, cancel):
            token_id, position = self._prefill(ids, turn.image, cache)
        for position_now in range(position, position + limit):
            if token_id in self.tokenizer.stop_ids:
                return
            yield token_id
            cancel.check()
            token_id = self._step(token_id, position_now, cache)

    def _prefill(self, ids: list[int], image: NDArray[np.uint8], cache: Any) -> tuple[int, int]:
        """Read image and prompt into the cache: the next token, and its position."""
        patches, grid = to_patches(image)
        device = self.model.device
        tokens, grids = torch.tensor([ids], device=device), torch.tensor([grid], device=device)
        kinds = (tokens == self.tokenizer.image_id).int()
        positions, _ = self.model.model.get_rope_index(tokens, kinds, image_grid_thw=grids)
        pixels = torch.from_numpy(patches).to(device)
        token_id = self._next_token(cache, tokens, positions, pixel_values=pixels, image_grid_thw=grids)
        return token_id, int(positions.max()) + 1

    def _step(self, token_id: int, position: int, cache: Any) -> int:
        """The token after this one, which stands at ``position``."""
        device = self.model.device
        places = torch.full((3, 1, 1), position, device=device)
        return self._next_token(cache, torch.tensor([[token_id]], device=device), places)

    @torch.inference_mode()
    def _next_token(self, cache: Any, tokens: Tensor, positions: Tensor, **image: Tensor) -> int:
        """Read more tokens into the cache; the likeliest token to follow that may be said."""
        seen = self.model(
            input_ids=tokens,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
            **image,
        )
        logits: Tensor = seen.logits[0, -1]
        logits[self._banned] = -torch.inf
        return int(logits.argmax())


@contextlib.contextmanager
def _interruptible(model: Any, cancel: Cancel) -> Iterator[None]:
    """Let a cancel be heard between two layers, for a long prompt takes seconds on a CPU."""
    layers = [*model.model.visual.blocks, *model.model.language_model.layers]
    hooks = [layer.register_forward_pre_hook(lambda *_: cancel.check()) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
