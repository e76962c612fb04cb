"""The language model's arithmetic without the library's way through it, which costs more than a small layer.

Written after ``modeling_qwen2_5_vl.py`` of huggingface/transformers (Apache-2.0): the same weights, the same
operations, over a cache of fixed place. One sequence at a time, so there is no batch dimension.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (PyTorch's own name for it)
from torch import Tensor

from ...errors import BundleError
from .cache import KeyValueCache
from .linear import SMALL, Check, joined, packed_values

Turn = tuple[Tensor, Tensor]
"""Cosines and signed sines of shape (n, head size): ``x * cosine + swapped halves of x * sine``."""


class TextModel:
    """A Qwen2.5-VL's language model over one key-value cache.

    Parameters
    ----------
    model : Qwen2_5_VLForConditionalGeneration
        Its weights are used where they are.
    """

    def __init__(self, model: Any) -> None:
        config = model.config.text_config
        text = model.model.language_model
        keep = model.device.type == "cpu" and 0 < packed_values(text) <= SMALL
        self.layers = [_Layer(layer, keep=keep) for layer in text.layers]
        self.embeddings: Tensor = text.embed_tokens.weight
        self.cache = KeyValueCache(config, model.device, self.embeddings.dtype)
        self._head_size = config.hidden_size // config.num_attention_heads
        self._queries = config.num_attention_heads
        self._groups = config.num_attention_heads // config.num_key_value_heads
        self._scale = self._head_size**-0.5
        _check(config)
        self._rotary, self._norm = text.rotary_emb, _norm(text.norm)
        self._head = joined((model.lm_head,), keep=False)

    def embedded(self, tokens: Tensor) -> Tensor:
        """The embeddings of tokens of shape (n,)."""
        return F.embedding(tokens, self.embeddings)

    def read(self, hidden: Tensor, positions: Tensor, start: int, check: Check) -> Tensor:
        """Read a prompt's tokens into the cache.

        Parameters
        ----------
        hidden : Tensor
            Embeddings, shape (n, size).
        positions : Tensor
            Shape (3, n): frame, row and column, as the model counts them.
        start : int
            How many tokens the cache holds before them.
        check : callable
            Called between layers; may raise.

        Returns
        -------
        Tensor
            Logits after the last of them, shape (1, vocabulary).
        """
        turn, end = self._turning(positions), start + hidden.shape[0]
        mask = None
        if start:
            mask = torch.ones((hidden.shape[0], end), dtype=torch.bool, device=hidden.device).tril(start)

        def attend(layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            keys, values = self.cache.keys[layer][:, :end], self.cache.values[layer][:, :end]
            keys[:, start:] = key
            values[:, start:] = value
            return F.scaled_dot_product_attention(
                query[None], keys[None], values[None], mask, is_causal=mask is None, enable_gqa=True
            )[0]

        return self._logits(self._through(hidden, turn, attend, check)[-1:], check)

    def step(self, tokens: Tensor, places: Tensor, offset: Tensor, window: int, check: Check) -> Tensor:
        """Read a few tokens of text; shapes depend on ``window`` alone, so that the step can be recorded.

        Parameters
        ----------
        tokens, places : Tensor of int64, shape (n,)
            The tokens, and the places in the cache where they stand.
        offset : Tensor of int64, shape (1,)
            From a place to the position that the model counts.
        window : int
            Attend to so many of the cache's places; more than the last of ``places``.

        Returns
        -------
        Tensor
            Logits after each of them, shape (n, vocabulary).
        """
        n, groups = tokens.shape[0], self._groups
        angles = (places + offset).float()[:, None] * self._rotary.inv_freq  # text: all three axes alike
        turn = self._turn_by(angles.cos(), angles.sin())
        hidden = self.embedded(tokens)
        unseen = torch.arange(window, device=tokens.device) > places[:, None]
        mask = torch.zeros((n, window), device=tokens.device).masked_fill_(unseen, -torch.inf)
        mask = mask.expand(groups, n, window).reshape(1, groups * n, window)

        def attend(layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            keys, values = self.cache.keys[layer], self.cache.values[layer]
            keys.index_copy_(1, places, key)
            values.index_copy_(1, places, value)
            grouped = query.reshape(keys.shape[0], groups * n, -1)
            scores = _scores(mask, grouped, keys[:, :window].transpose(1, 2), self._scale)
            weights = scores.softmax(-1).to(query.dtype)
            return torch.bmm(weights, values[:, :window]).view(query.shape)

        return self._logits(self._through(hidden, turn, attend, check), check)

    def _turning(self, positions: Tensor) -> Turn:
        """What turns queries and keys at positions of shape (3, n)."""
        cosine, sine = self._rotary(self.embeddings, positions[:, None])
        half = self._head_size // 2
        return self._turn_by(cosine[0, :, :half], sine[0, :, :half])

    def _turn_by(self, cosine: Tensor, sine: Tensor) -> Turn:
        dtype = self.embeddings.dtype
        return torch.cat((cosine, cosine), -1).to(dtype), torch.cat((-sine, sine), -1).to(dtype)

    def _through(self, hidden: Tensor, turn: Turn, attend: Callable[..., Tensor], check: Check) -> Tensor:
        """All layers."""
        n = hidden.shape[0]
        for rank, layer in enumerate(self.layers):
            check()
            query, key, value = layer.qkv(layer.norm_in(hidden), check)
            turned = _turned(self._heads(torch.cat((query, key), dim=-1)), turn)
            mixed = attend(rank, turned[: self._queries], turned[self._queries :], self._heads(value))
            (update,) = layer.out(mixed.transpose(0, 1).reshape(n, -1), check)
            hidden = hidden + update
            gate, up = layer.gate_up(layer.norm_out(hidden), check)
            (update,) = layer.down(F.silu(gate) * up, check)
            hidden = hidden + update
        return hidden

    def _heads(self, values: Tensor) -> Tensor:
        """From shape (n, size) to (heads, n, head size)."""
        return values.view(values.shape[0], -1, self._head_size).transpose(0, 1)

    def _logits(self, hidden: Tensor, check: Check) -> Tensor:
        (logits,) = self._head(self._norm(hidden), check)
        return logits


class _Layer:
    """One layer's parts, those that share an input joined."""

    def __init__(self, layer: Any, *, keep: bool) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.norm_in, self.norm_out = _norm(layer.input_layernorm), _norm(layer.post_attention_layernorm)
        self.qkv = joined((attention.q_proj, attention.k_proj, attention.v_proj), keep=keep)
        self.out = joined((attention.o_proj,), keep=keep)
        self.gate_up = joined((mlp.gate_proj, mlp.up_proj), keep=keep)
        self.down = joined((mlp.down_proj,), keep=keep)


def _check(config: Any) -> None:
    """Refuse what the arithmetic here does not know; the published models have none of it."""
    if set(config.layer_types) != {"full_attention"} or config.rope_parameters["rope_type"] != "default":
        raise BundleError("The model attends or counts positions in a way that this version does not know.")


def _norm(norm: Any) -> Callable[[Tensor], Tensor]:
    """The library's norm as one operation."""
    weight, epsilon = norm.weight, norm.variance_epsilon
    return lambda hidden: F.rms_norm(hidden, weight.shape, weight, epsilon)


def _scores(mask: Tensor, queries: Tensor, keys: Tensor, scale: float) -> Tensor:
    """Scaled products plus mask in float32, whatever the dtype of queries and keys."""
    if queries.dtype == torch.float32:
        return torch.baddbmm(mask, queries, keys, alpha=scale)
    if queries.is_cuda:
        products = torch.bmm(queries, keys, out_dtype=torch.float32)
    else:  # where a CPU computes in bfloat16
        products = torch.bmm(queries.float(), keys.float())
    return torch.add(mask, products, alpha=scale)


def _turned(heads: Tensor, turn: Turn) -> Tensor:
    """Rotary embedding of heads of shape (heads, n, head size)."""
    cosine, sine = turn
    return heads * cosine + heads.roll(heads.shape[-1] // 2, -1) * sine
