"""A loaded Qwen2.5-VL answering token by token: greedy, always ready to stop, reading nothing twice.

The last conversation's keys and values are kept. A turn on the same image whose tokens begin alike reads only
what is new: neither the image nor the conversation so far.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...cancel import Cancel
from ...errors import ModelError, ModelOutOfMemory
from ..dialogue import Turn
from ..request import ModelInfo
from .patches import image_tokens, to_patches
from .steps import steps_for
from .text_model import TextModel
from .tokens import ChatTokenizer


def out_of_memory() -> ModelOutOfMemory:
    """The error for a model or an image that does not fit."""
    return ModelOutOfMemory(
        "The model does not fit into the memory there is: close other programs, or choose a smaller model."
    )


@dataclass(slots=True)
class _Kept:
    """What the cache holds: the tokens, of which image, and how far positions are from places."""

    image: str = ""
    ids: list[int] = field(default_factory=list)
    offset: int = 0


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
        self._text = TextModel(model)
        bias = torch.zeros(text.vocab_size, device=model.device)
        bias[[*tokenizer.never_said, *range(tokenizer.size, text.vocab_size)]] = -torch.inf
        self._steps = steps_for(self._text, bias)
        self._kept = _Kept()

    def stream(self, turn: Turn, cancel: Cancel) -> Iterator[str]:
        """The reply to one turn, greedily, one piece per token (empty while a character is incomplete).

        Raises
        ------
        Cancelled
            Between two tokens, or within a layer while the image and the prompt are read.
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
            self._forget()
            raise out_of_memory() from error
        if rest := text.finish():
            yield rest

    @property
    def kept_ids(self) -> list[int]:
        """The tokens of the last conversation that will not be read again."""
        return list(self._kept.ids)

    def hold(self, tokens: int | None) -> None:
        """Hold conversations to so many tokens, where memory has room for no more; None lifts it."""
        most: int = self.model.config.text_config.max_position_embeddings
        self._positions = min(most, tokens or most)

    def _forget(self) -> None:
        """Give the memory of the conversation back."""
        self._kept = _Kept()
        self._text.cache.make_room(0, 0)

    def _decode(self, turn: Turn, cancel: Cancel) -> Iterator[int]:
        ids = self.tokenizer.encode(turn.messages, image_tokens(turn.image))
        limit = min(turn.max_new_tokens, self._positions - len(ids))
        if limit < 1:
            raise ModelError("The conversation is longer than the model can read; start a new one.")
        token_id = self._read(ids, turn.image, cancel)
        kept = self._kept
        following = self._steps.follow(token_id, len(ids), kept.offset, limit - 1, cancel.check)
        while token_id not in self.tokenizer.stop_ids:
            yield token_id
            cancel.check()
            coming = next(following, None)
            if coming is None:
                return
            kept.ids.append(token_id)
            token_id = coming

    @torch.inference_mode()
    def _read(self, ids: list[int], image: NDArray[np.uint8], cancel: Cancel) -> int:
        """Read what is new of image and prompt into the cache: the next token."""
        known = self._keep(ids, _identity(image))
        self._text.cache.make_room(len(ids) + 1, known)
        tokens = torch.tensor(ids[known:], device=self.model.device)
        hidden = self._text.embedded(tokens)
        if known:
            offset = self._kept.offset
            positions = torch.arange(known, len(ids), device=tokens.device).expand(3, -1) + offset
        else:
            features, grid = self._look(image, cancel)
            hidden[tokens == self.tokenizer.image_id] = features.to(hidden.dtype)
            positions = self._positions_of(tokens, grid)
            offset = int(positions.max()) + 1 - len(ids)
        logits = self._text.read(hidden, positions, known, cancel.check)
        self._kept.ids, self._kept.offset = list(ids), offset
        return int(self._steps.choose(logits))

    def _keep(self, ids: list[int], image: str) -> int:
        """Keep of the cache what these tokens begin with: how many."""
        kept = self._kept
        known = _common(kept.ids, ids) if image == kept.image else 0
        if self.tokenizer.image_id in ids[known:]:
            known = 0  # an image is read as a whole
        self._kept = _Kept(image, ids[:known], kept.offset)
        return known

    def _look(self, image: NDArray[np.uint8], cancel: Cancel) -> tuple[Tensor, Tensor]:
        """The image as the language model takes it, shape (tokens, size), and its grid."""
        patches, grid = to_patches(image)
        device = self.model.device
        pixels, grids = torch.from_numpy(patches).to(device), torch.tensor([grid], device=device)
        with _interruptible(self.model.model.visual, cancel):
            seen = self.model.model.get_image_features(pixels, grids, return_dict=True)
        return torch.cat(seen.pooler_output), grids

    def _positions_of(self, tokens: Tensor, grids: Tensor) -> Tensor:
        """Frame, row and column of each token as the model counts them, shape (3, n)."""
        kinds = (tokens == self.tokenizer.image_id).int()
        positions, _ = self.model.model.get_rope_index(tokens[None], kinds[None], image_grid_thw=grids)
        found: Tensor = positions[:, 0]
        return found


def _identity(image: NDArray[np.uint8]) -> str:
    return f"{image.shape} {hashlib.sha256(image.tobytes()).hexdigest()}"


def _common(kept: list[int], ids: list[int]) -> int:
    """How many tokens both begin with; at least one is left to be read, for its logits."""
    pairs = enumerate(zip(kept, ids[:-1], strict=False))
    return next((rank for rank, (old, new) in pairs if old != new), min(len(kept), len(ids) - 1))


@contextlib.contextmanager
def _interruptible(tower: nn.Module, cancel: Cancel) -> Iterator[None]:
    """Let a cancel be heard between two layers of the vision tower, for it takes seconds on a CPU."""
    layers = [module for module in tower.modules() if isinstance(module, nn.Linear)]
    hooks = [layer.register_forward_pre_hook(lambda *_: cancel.check()) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
