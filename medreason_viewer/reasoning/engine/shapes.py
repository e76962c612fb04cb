"""The exact shapes of the published Qwen2.5-VL-3B and -7B: configuration, and name and shape of each tensor.

For measuring: speed and memory depend on shapes, not on what the weights know.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from ...errors import BundleError
from .tensor_file import TensorSpec

ShapeName = Literal["3b", "7b"]

# As in the published config.json of each; the rest is shared.
_TEXT: Final[dict[str, dict[str, Any]]] = {
    "3b": {
        "hidden_size": 2048,
        "intermediate_size": 11008,
        "max_window_layers": 70,
        "num_attention_heads": 16,
        "num_hidden_layers": 36,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
        "vocab_size": 151936,
    },
    "7b": {
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "max_window_layers": 28,
        "num_attention_heads": 28,
        "num_hidden_layers": 28,
        "num_key_value_heads": 4,
        "tie_word_embeddings": False,
        "vocab_size": 152064,
    },
}
_VISION: Final[dict[str, Any]] = {
    "depth": 32,
    "hidden_act": "silu",
    "hidden_size": 1280,
    "intermediate_size": 3420,
    "num_heads": 16,
    "in_chans": 3,
    "patch_size": 14,
    "spatial_merge_size": 2,
    "spatial_patch_size": 14,
    "window_size": 112,
    "fullatt_block_indexes": [7, 15, 23, 31],
    "tokens_per_second": 2,
    "temporal_patch_size": 2,
}
_WORDS: Final = 151643  # tokens before the control tokens
# In the order of their published ids, from 151643 on.
CONTROLS: Final = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    *(f"<|{kind}_{end}|>" for kind in ("object_ref", "box", "quad", "vision") for end in ("start", "end")),
    *("<|vision_pad|>", "<|image_pad|>", "<|video_pad|>", "<tool_call>", "</tool_call>"),
    *(f"<|fim_{part}|>" for part in ("prefix", "middle", "suffix", "pad")),
    *("<|repo_name|>", "<|file_sep|>"),
)
INITIALIZER_RANGE: Final = 0.02


@dataclass(frozen=True, slots=True)
class Shape:
    """Which published model, and how much of it.

    Attributes
    ----------
    layers : int, optional
        Layers of the language model; all by default. The vision tower is cut in the same proportion.
    vision_blocks : int, optional
        Blocks of the vision tower, where another number is wanted.
    words : int
        Tokens of text; fewer make the embeddings smaller, and the shape no longer the published one.
    """

    name: ShapeName
    layers: int | None = None
    vision_blocks: int | None = None
    words: int = _WORDS

    def __post_init__(self) -> None:
        if self.name not in _TEXT:
            raise BundleError(f"The shape {self.name!r} is not known: it is 3b or 7b.")
        for wanted, most in ((self.layers, self._all_layers), (self.vision_blocks, _VISION["depth"])):
            if wanted is not None and not 1 <= wanted <= most:
                raise BundleError(f"The {self.name} shape has 1 to {most} layers, not {wanted}.")
        if not 1000 <= self.words <= _WORDS:
            raise BundleError(f"A shape has 1000 to {_WORDS} words, not {self.words}.")

    @property
    def _all_layers(self) -> int:
        return int(_TEXT[self.name]["num_hidden_layers"])

    @property
    def title(self) -> str:
        """What it is, for people."""
        cut = f", {self.layers} of {self._all_layers} layers" if self.layers else ""
        small = f", {self.words} words" if self.words != _WORDS else ""
        return f"Qwen2.5-VL-{self.name.upper()} shape{cut}{small}, random weights"

    def config(self) -> dict[str, Any]:
        """``config.json`` as published, with the layers and the vocabulary that are wanted."""
        text = dict(_TEXT[self.name])
        layers = self.layers or self._all_layers
        depth = self.vision_blocks or math.ceil(_VISION["depth"] * layers / self._all_layers)
        padding = text["vocab_size"] - _WORDS  # the embeddings are longer than the tokenizer
        text |= {"num_hidden_layers": layers, "vocab_size": self.words + padding}
        full = [block for block in _VISION["fullatt_block_indexes"] if block < depth] or [depth - 1]
        sizes = {"depth": depth, "fullatt_block_indexes": full, "out_hidden_size": text["hidden_size"]}
        return _config(text, _VISION | sizes, self.control_ids())

    def control_ids(self) -> dict[str, int]:
        """The ids of the control tokens."""
        return {name: self.words + rank for rank, name in enumerate(CONTROLS)}


def _config(text: dict[str, Any], vision: dict[str, Any], ids: dict[str, int]) -> dict[str, Any]:
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "attention_dropout": 0.0,
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
        "vision_token_id": ids["<|vision_pad|>"],
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
        "hidden_act": "silu",
        "initializer_range": INITIALIZER_RANGE,
        "max_position_embeddings": 128000,
        "model_type": "qwen2_5_vl",
        "rms_norm_eps": 1e-06,
        "rope_theta": 1000000.0,
        "sliding_window": 32768,
        "torch_dtype": "bfloat16",
        "transformers_version": "4.41.2",
        "use_cache": True,
        "use_sliding_window": False,
        "vision_config": vision,
        "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
        **text,
    }


def tensor_specs(config: dict[str, Any]) -> list[TensorSpec]:
    """Every tensor of a published checkpoint, under its published name and in its order."""
    specs = [*_vision_specs(config["vision_config"]), *_text_specs(config)]
    return [TensorSpec(name, "BF16", shape) for name, shape in specs]


def _linear(name: str, out: int, into: int, *, bias: bool = True) -> Iterator[tuple[str, tuple[int, ...]]]:
    if bias:
        yield f"{name}.bias", (out,)
    yield f"{name}.weight", (out, into)


def _vision_specs(vision: dict[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    width, inner, patch = vision["hidden_size"], vision["intermediate_size"], vision["patch_size"]
    frames = vision["temporal_patch_size"]
    yield "visual.patch_embed.proj.weight", (width, vision["in_chans"], frames, patch, patch)
    for block in range(vision["depth"]):
        at = f"visual.blocks.{block}"
        yield from _linear(f"{at}.attn.proj", width, width)
        yield from _linear(f"{at}.attn.qkv", 3 * width, width)
        for name in ("gate", "up"):
            yield from _linear(f"{at}.mlp.{name}_proj", inner, width)
        yield from _linear(f"{at}.mlp.down_proj", width, inner)
        yield from ((f"{at}.{norm}.weight", (width,)) for norm in ("norm1", "norm2"))
    merged = width * vision["spatial_merge_size"] ** 2
    yield "visual.merger.ln_q.weight", (width,)
    yield from _linear("visual.merger.mlp.0", merged, merged)
    yield from _linear("visual.merger.mlp.2", vision["out_hidden_size"], merged)


def _text_specs(config: dict[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    width, inner, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    keys = width // config["num_attention_heads"] * config["num_key_value_heads"]
    yield "model.embed_tokens.weight", (vocab, width)
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}"
        for name, out in (("q", width), ("k", keys), ("v", keys)):
            yield from _linear(f"{at}.self_attn.{name}_proj", out, width)
        yield from _linear(f"{at}.self_attn.o_proj", width, width, bias=False)
        for name in ("gate", "up"):
            yield from _linear(f"{at}.mlp.{name}_proj", inner, width, bias=False)
        yield from _linear(f"{at}.mlp.down_proj", width, inner, bias=False)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            yield f"{at}.{norm}.weight", (width,)
    yield "model.norm.weight", (width,)
    if not config["tie_word_embeddings"]:
        yield from _linear("lm_head", vocab, width, bias=False)
