"""A small Qwen2.5-VL from scratch: tokenizer, configuration and weights, saved as Qwen's own folders are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import torch
import transformers
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
from torch import nn
from transformers import AddedToken, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

SPECIAL_TOKENS: Final = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
REPLY_TOKENS: Final = (
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    '[{"bbox_2d": [',
    '], "label": "',
    '"}]',
)
"""Plain text that is one token: the fixed parts of a reply, which would otherwise be most of its length."""

CHAT_TEMPLATE: Final = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' or 'image' in part or 'image_url' in part %}"
    "<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif 'text' in part %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""ChatML with Qwen's image markers, without its default system message (the demo model learns none)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the model; text widths are multiples of 64, so that no NF4 block spans two rows.

    Raises
    ------
    ValueError
        If a width does not fit its heads or an NF4 block of 64 weights.
    """

    hidden: int = 192
    intermediate: int = 512
    layers: int = 4
    heads: int = 4
    key_value_heads: int = 2
    vision_hidden: int = 192
    vision_intermediate: int = 512
    vision_depth: int = 4
    vision_heads: int = 4
    positions: int = 2048

    def __post_init__(self) -> None:
        if self.hidden % 64 or self.intermediate % 64:
            raise ValueError("the text model's widths must be multiples of 64 (one NF4 block)")
        if self.hidden % (self.heads * 2) or self.vision_hidden % (self.vision_heads * 4):
            raise ValueError("a width does not divide into its heads")

    @property
    def rotary_sections(self) -> list[int]:
        """Rotary frequencies given to time, height and width; together half a head."""
        half = self.hidden // self.heads // 2
        third = half // 3
        return [half - 2 * third, third, third]


def train_tokenizer(corpus: Iterable[str], vocabulary: int = 704) -> Qwen2Tokenizer:
    """A byte-level BPE tokenizer in Qwen2's format: each digit is a token, any text can be written.

    Parameters
    ----------
    corpus : iterable of str
        Prompts and replies from which merges are learnt.
    vocabulary : int
        Bytes and merges together, without the added tokens.
    """
    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    bare.train_from_iterator(corpus, trainer)
    learnt = json.loads(bare.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=learnt["vocab"],
        merges=cast(Any, [tuple(pair) for pair in learnt["merges"]]),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=Shape().positions,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.add_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL_TOKENS])
    tokenizer.add_tokens([AddedToken(text, special=False, normalized=False) for text in REPLY_TOKENS])
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _ids(tokenizer: Qwen2Tokenizer, tokens: Sequence[str]) -> list[int]:
    ids = tokenizer.convert_tokens_to_ids(list(tokens))
    assert isinstance(ids, list)
    return ids


def _config(tokenizer: Qwen2Tokenizer, shape: Shape) -> Qwen2_5_VLConfig:
    ids = dict(zip(SPECIAL_TOKENS, _ids(tokenizer, SPECIAL_TOKENS), strict=True))
    text: dict[str, Any] = {
        "vocab_size": (len(tokenizer) + 63) // 64 * 64,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.key_value_heads,
        "max_position_embeddings": shape.positions,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": shape.rotary_sections,
        },
        "tie_word_embeddings": True,
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
    }
    vision: dict[str, Any] = {
        "depth": shape.vision_depth,
        "hidden_size": shape.vision_hidden,
        "intermediate_size": shape.vision_intermediate,
        "num_heads": shape.vision_heads,
        "out_hidden_size": shape.hidden,
        "fullatt_block_indexes": list(range(shape.vision_depth)),
    }
    return Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
        architectures=["Qwen2_5_VLForConditionalGeneration"],
    )


def build_model(
    tokenizer: Qwen2Tokenizer, shape: Shape | None = None, seed: int = 0
) -> Qwen2_5_VLForConditionalGeneration:
    """Random weights of the given shape, the same for the same seed."""
    torch.manual_seed(seed)
    model = Qwen2_5_VLForConditionalGeneration(_config(tokenizer, shape or Shape()))
    model.generation_config.do_sample = False
    model.generation_config.eos_token_id = _ids(tokenizer, ("<|im_end|>", "<|endoftext|>"))
    return model


def parameters(model: torch.nn.Module) -> int:
    """How many distinct weights the model has (tied ones count once)."""
    return sum(weight.numel() for weight in model.parameters())


def save(
    model: Qwen2_5_VLForConditionalGeneration,
    tokenizer: Qwen2Tokenizer,
    folder: Path,
    pixels: tuple[int, int],
    dtype: torch.dtype = torch.bfloat16,
) -> None:
    """Write a folder as Qwen2.5-VL is published: config, safetensors, tokenizer, image processor.

    Parameters
    ----------
    pixels : (int, int)
        Fewest and most pixels of an image. Images arrive resized, so these only guard.
    dtype : torch.dtype
        Of the weights on disk; the model in memory is left as it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: weight.detach().to(dtype).contiguous() for name, weight in model.state_dict().items()}
    copy = Qwen2_5_VLForConditionalGeneration(model.config)
    nn.Module.to(copy, dtype)
    copy.load_state_dict(state)
    copy.generation_config = model.generation_config
    bars_off: Callable[[], None] = transformers.logging.disable_progress_bar
    bars_off()
    copy.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    processor = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen2_5_VLProcessor",
        "size": {"shortest_edge": pixels[0], "longest_edge": pixels[1]},
        "patch_size": 14,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "do_convert_rgb": True,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor, indent=2) + "\n")
