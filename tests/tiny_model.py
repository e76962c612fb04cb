"""A tiny random Qwen2.5-VL on disk, in the very layout in which Hugging Face publishes the real ones.

Flat ``config.json``, sharded safetensors with an index and the published key names (``model.layers.*``,
``visual.*``), a byte-level BPE tokenizer with Qwen's special tokens at the end, ``preprocessor_config.json``
and the chat template. Nothing of it is product code: the demo bundle is built by the trainer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from medreason_viewer.reasoning.engine.shape_folder import PREPROCESSOR

SPECIAL = [
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    *(f"<|{kind}_{end}|>" for kind in ("object_ref", "box", "quad", "vision") for end in ("start", "end")),
    *("<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"),
]

# Published with Qwen2.5-VL, word for word.
CHAT_TEMPLATE = (
    "{% set image_count = namespace(value=0) %}{% set video_count = namespace(value=0) %}"
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}<|im_start|>system\n"
    "You are a helpful assistant.<|im_end|>\n{% endif %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}<|im_end|>\n{% else %}"
    "{% for content in message['content'] %}"
    "{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}"
    "{% set image_count.value = image_count.value + 1 %}"
    "{% if add_vision_id %}Picture {{ image_count.value }}: {% endif %}"
    "<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif content['type'] == 'video' or 'video' in content %}"
    "{% set video_count.value = video_count.value + 1 %}"
    "{% if add_vision_id %}Video {{ video_count.value }}: {% endif %}"
    "<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
_TEXT = (
    "<think>\n1. The right lung shows a rounded nodule with smooth margins.\n</think>"
    '<answer>nodule</answer> {"bbox_2d": [10, 20, 30, 40], "label": "consolidation"} left effusion mass é µ°'
)


def build(folder: Path, *, layers: int = 2, tied: bool = False, seed: int = 0, shards: int = 2) -> Path:
    """Write the model into ``folder`` (created) and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    bpe = tokenizer()
    bpe.save(str(folder / "tokenizer.json"))
    bpe.model.save(str(folder))  # vocab.json and merges.txt
    config = _config(bpe, layers, tied)
    _dump(folder / "config.json", config)
    _dump(folder / "tokenizer_config.json", _tokenizer_config(bpe))
    _dump(folder / "generation_config.json", _generation_config(bpe))
    _dump(folder / "preprocessor_config.json", PREPROCESSOR)
    _dump(folder / "chat_template.json", {"chat_template": CHAT_TEMPLATE})
    _write_weights(folder, _random_weights(config, seed), shards)
    return folder


def tokenizer() -> Tokenizer:
    """Byte-level BPE as Qwen's, with its control tokens after the merges."""
    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, min_frequency=1, initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator([_TEXT] * 4, trainer)
    bpe.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in SPECIAL])
    return bpe


def _tokenizer_config(bpe: Tokenizer) -> dict[str, Any]:
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    return {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": {str(bpe.token_to_id(name)): {"content": name, **flags} for name in SPECIAL},
        "additional_special_tokens": SPECIAL[1:],
        "bos_token": None,
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "errors": "replace",
        "model_max_length": 131072,
        "pad_token": "<|endoftext|>",
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }


def _config(bpe: Tokenizer, layers: int, tied: bool) -> dict[str, Any]:
    token = bpe.token_to_id
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "attention_dropout": 0.0,
        "bos_token_id": token("<|endoftext|>"),
        "eos_token_id": token("<|im_end|>"),
        "vision_start_token_id": token("<|vision_start|>"),
        "vision_end_token_id": token("<|vision_end|>"),
        "vision_token_id": token("<|vision_pad|>"),
        "image_token_id": token("<|image_pad|>"),
        "video_token_id": token("<|video_pad|>"),
        "hidden_act": "silu",
        "hidden_size": 64,
        "initializer_range": 0.02,
        "intermediate_size": 128,
        "max_position_embeddings": 128000,
        "max_window_layers": layers,
        "model_type": "qwen2_5_vl",
        "num_attention_heads": 4,
        "num_hidden_layers": layers,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-06,
        "rope_theta": 1000000.0,
        "sliding_window": 32768,
        "tie_word_embeddings": tied,
        "torch_dtype": "bfloat16",
        "transformers_version": "4.41.2",
        "use_cache": True,
        "use_sliding_window": False,
        "vision_config": {
            "depth": 2,
            "hidden_act": "silu",
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "in_chans": 3,
            "out_hidden_size": 64,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "spatial_patch_size": 14,
            "window_size": 112,
            "fullatt_block_indexes": [1],
            "tokens_per_second": 2,
            "temporal_patch_size": 2,
        },
        "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
        "vocab_size": 448,  # padded beyond the tokenizer, as the published models are
    }


def _generation_config(bpe: Tokenizer) -> dict[str, Any]:
    return {
        "bos_token_id": bpe.token_to_id("<|endoftext|>"),
        "pad_token_id": bpe.token_to_id("<|endoftext|>"),
        "do_sample": True,
        "eos_token_id": [bpe.token_to_id("<|im_end|>"), bpe.token_to_id("<|endoftext|>")],
        "repetition_penalty": 1.05,
        "temperature": 0.000001,
        "transformers_version": "4.49.0",
    }


def _random_weights(config: dict[str, Any], seed: int) -> dict[str, torch.Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**config))
        with torch.no_grad():
            for weight in model.parameters():
                if weight.ndim > 1:  # larger than the published start values, so that replies vary
                    weight.normal_(std=0.12)
    return published_names(model)


def published_names(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The model's weights under the key names of the published checkpoints, in bfloat16."""
    weights = {}
    for name, value in model.state_dict().items():
        published = name.replace("model.language_model.", "model.").replace("model.visual.", "visual.")
        weights[published] = value.detach().to(torch.bfloat16).contiguous()
    if getattr(model.config, "tie_word_embeddings", False):
        del weights["lm_head.weight"]
    return weights


def _write_weights(folder: Path, weights: dict[str, torch.Tensor], shards: int) -> None:
    place = {}
    names = list(weights)
    for shard in range(shards):
        part = names[shard * len(names) // shards : (shard + 1) * len(names) // shards]
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        save_file({name: weights[name] for name in part}, folder / file, metadata={"format": "pt"})
        place.update(dict.fromkeys(part, file))
    size = sum(value.nbytes for value in weights.values())
    _dump(
        folder / "model.safetensors.index.json",
        {"metadata": {"total_size": size}, "weight_map": dict(sorted(place.items()))},
    )


def _dump(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
