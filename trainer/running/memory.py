"""How much memory a training needs, from the model's configuration alone: an estimate, made before any load.

Sources of the parts:

- weights and optimizer: 4 bytes a weight in float32, 2 in bfloat16, 4.127 bits in NF4 with double quantising
  (Dettmers et al. 2023, arXiv 2305.14314; the vision tower and ``lm_head`` stay as they are); AdamW keeps two
  float32 moments and a gradient, 12 bytes a trained weight (Rajbhandari et al. 2020, arXiv 1910.02054, which
  also says what ZeRO divides among processes: moments and gradients in stages 1 and 2, weights in 3).
- activations: ``34 s b h`` bytes a layer at 16 bits without the attention matrix, which fused attention does
  not keep (Korthikanti et al. 2022, arXiv 2205.05198, eq. 1), with the MLP's share, 19, scaled to Qwen's own
  width and its third, gated, matrix; with checkpointing ``2 s b h`` a layer and one whole layer.
- logits: float32, with their gradient, 8 bytes for each token that is learnt and each word of the vocabulary.
- keys and values of a round's completions: 2 vectors a layer and token.
- a tenth on top for fragments and kernels' workspace, and 0.6 GiB for the CUDA context: this project's own
  allowance, not measured.

For Qwen2.5-VL-7B, QLoRA, micro-batch 1, 1,000 image tokens and checkpointing it gives 10.3 GB, where others
report 10 to 13 GB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from medreason_viewer.reasoning.engine.needs import NF4_BYTES

Mode = Literal["full", "lora", "qlora"]
_TRAINED_BYTES: Final = 12
_ATTENTION_PART: Final = 15.0  # of the 34 bytes: norms, query, key, value, output
_MLP_BYTES: Final = 2 * 3.0  # a value of the gate, of the raised input and of their product, 16 bits each
_CHECKPOINT_BYTES: Final = 2
_ALLOWANCE: Final = 1.1
_CONTEXT_BYTES: Final = int(0.6 * 2**30)
_PROMPT_TOKENS: Final = 160  # of text; the image's come on top


@dataclass(frozen=True, slots=True)
class Shape:
    """A Qwen2.5-VL's sizes, as its ``config.json`` tells them."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    key_value_heads: int
    vocabulary: int
    tied: bool
    vision: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Shape:
        """From ``config.json``, in its older or newer layout.

        Raises
        ------
        KeyError
            If a size is missing.
        """
        text = config.get("text_config") or config
        return cls(
            text["hidden_size"],
            text["intermediate_size"],
            text["num_hidden_layers"],
            text["num_attention_heads"],
            text.get("num_key_value_heads", text["num_attention_heads"]),
            text["vocab_size"],
            bool(config.get("tie_word_embeddings", text.get("tie_word_embeddings", False))),
            _vision_weights(config.get("vision_config", {}), text["hidden_size"]),
        )

    @property
    def key_value_width(self) -> int:
        """Width of one key or value."""
        return self.hidden // self.heads * self.key_value_heads

    @property
    def linear(self) -> int:
        """Weights of the language model's linear layers, which NF4 and LoRA are about."""
        attention = 2 * self.hidden * (self.hidden + self.key_value_width)
        return self.layers * (attention + 3 * self.hidden * self.intermediate)

    @property
    def other(self) -> int:
        """All other weights: words, ``lm_head`` and the vision tower."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2) + self.vision

    def adapter(self, rank: int) -> int:
        """Weights of a LoRA adapter on all seven linear layers of each block."""
        attention = 2 * (2 * self.hidden + self.hidden + self.key_value_width)
        return self.layers * rank * (attention + 3 * (self.hidden + self.intermediate))


def _vision_weights(vision: Mapping[str, Any], out: int) -> int:
    hidden, depth = vision.get("hidden_size", 1280), vision.get("depth", 32)
    merged = hidden * vision.get("spatial_merge_size", 2) ** 2
    blocks = depth * (4 * hidden * hidden + 3 * hidden * vision.get("intermediate_size", 3420))
    return int(blocks + merged * (merged + out))


@dataclass(frozen=True, slots=True)
class Load:
    """What one process has to hold at once.

    Attributes
    ----------
    micro_batch : int
        Sequences in one backward pass.
    image, learnt : int
        Tokens of the image, and of the reply that is learnt from.
    sampled : int
        Completions that are written at once; 0 in supervised fine-tuning.
    reference : bool
        Whether a second copy of the weights stands by for the KL divergence.
    sharded : {0, 1, 2, 3}
        Stage of ZeRO (FSDP counts as 3).
    """

    micro_batch: int
    image: int
    learnt: int
    sampled: int = 0
    reference: bool = False
    checkpointing: bool = False
    processes: int = 1
    sharded: int = 0


def needed(shape: Shape, mode: Mode, rank: int, load: Load, *, on_gpu: bool) -> dict[str, int]:
    """Bytes that each process needs, by part, and their ``total``; see the module for each formula."""
    trained = shape.linear + shape.other if mode == "full" else shape.adapter(rank)
    weights = _weights(shape, mode, on_gpu) * (2 if load.reference else 1)
    optimizer = trained * (_TRAINED_BYTES + (0 if mode == "full" else 4))
    value = 2 if on_gpu else 4
    parts = {
        "weights": weights / (load.processes if load.sharded == 3 else 1),
        "optimizer": optimizer / (load.processes if load.sharded else 1),
        "passes": max(_activations(shape, load, value) + _logits(shape, load), _cache(shape, load, value)),
    }
    told = {name: round(count * _ALLOWANCE) for name, count in parts.items()}
    told["context"] = _CONTEXT_BYTES if on_gpu else 0
    return told | {"total": sum(told.values())}


def _weights(shape: Shape, mode: Mode, on_gpu: bool) -> float:
    value = 4 if mode == "full" or not on_gpu else 2
    return (shape.linear * (NF4_BYTES if mode == "qlora" else value)) + shape.other * value


def _activations(shape: Shape, load: Load, value: int) -> float:
    tokens = load.micro_batch * (load.image + _PROMPT_TOKENS + load.learnt)
    layer = tokens * (_ATTENTION_PART * shape.hidden + _MLP_BYTES * shape.intermediate) * value / 2
    if not load.checkpointing:
        return layer * shape.layers
    return layer + tokens * _CHECKPOINT_BYTES * shape.hidden * shape.layers * value / 2


def _logits(shape: Shape, load: Load) -> float:
    return 8.0 * load.micro_batch * load.learnt * shape.vocabulary


def _cache(shape: Shape, load: Load, value: int) -> float:
    tokens = load.sampled * (load.image + _PROMPT_TOKENS + load.learnt)
    return 2.0 * shape.layers * shape.key_value_width * value * tokens
