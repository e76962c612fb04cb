"""Keys and values of the tokens read so far, in memory that stays where it is."""

from __future__ import annotations

from typing import Any, Final

import torch

BLOCK: Final = 256  # tokens; steps look at whole blocks, so that their shapes are few
RECORDED_BLOCK: Final = 1024  # where each shape is recorded, which takes as long as dozens of steps
_SLACK: Final = 1024


class KeyValueCache:
    """One conversation's keys and values, a tensor of shape (heads, room, head size) for each layer.

    Attributes
    ----------
    keys, values : list of Tensor
    block : int
        Tokens for which there is room at a time.
    moves : int
        How often the tensors were replaced.
    """

    def __init__(self, text_config: Any, device: torch.device, dtype: torch.dtype) -> None:
        heads = text_config.num_key_value_heads
        size = text_config.hidden_size // text_config.num_attention_heads
        self.moves = 0
        self.block = RECORDED_BLOCK if device.type == "cuda" else BLOCK
        empty = torch.empty((heads, 0, size), device=device, dtype=dtype)
        self.keys = [empty] * text_config.num_hidden_layers
        self.values = list(self.keys)

    @property
    def room(self) -> int:
        """Tokens that find place."""
        return int(self.keys[0].shape[1])

    @property
    def nbytes(self) -> int:
        """Memory taken."""
        return sum(tensor.nbytes for tensor in (*self.keys, *self.values))

    def blocks_of(self, tokens: int) -> int:
        """So many tokens, and what is missing to a whole block."""
        return -(-tokens // self.block) * self.block

    def make_room(self, tokens: int, kept: int) -> None:
        """Have place for so many tokens, in whole blocks, and keep what is known of the first ones.

        Nothing moves where the place is there already and not much more than twice what is needed.
        """
        room = self.blocks_of(tokens)
        if tokens and room <= self.room <= 2 * room + _SLACK:
            return
        self.moves += 1
        for tensors in (self.keys, self.values):
            for layer, old in enumerate(tensors):
                tensors[layer] = old.new_zeros((old.shape[0], room, old.shape[2]))
                tensors[layer][:, :kept] = old[:, :kept]
