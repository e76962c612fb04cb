"""Model folders with random weights, of the shape and in the layout of the published Qwen2.5-VL.

``config.json``, key names, index and shards are as published with the models; the tokenizer is the demo
bundle's, filled up to their number of tokens with the control tokens at their published ids.
"""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ...errors import BundleError
from ..bundles.bundle import DEMO_BUNDLE, file_entries, template, write_manifest
from .shapes import CONTROLS, INITIALIZER_RANGE, Shape, tensor_specs
from .tensor_file import TensorFile, TensorSpec
from .weights import INDEX_NAME

_PLAIN: Final = ("<tool_call>", "</tool_call>")  # added to the tokenizer, but not special
_SHARD_BYTES: Final = 4_000_000_000  # as published
_POOL: Final = 4_194_301  # random values, used over and over from another start; a prime
_ONE: Final = 0x3F80  # 1.0 in bfloat16
PREPROCESSOR: Final = {
    "min_pixels": 3136,
    "max_pixels": 12845056,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "image_processor_type": "Qwen2VLImageProcessor",
    "processor_class": "Qwen2_5_VLProcessor",
}


def write_shape(folder: Path, shape: Shape, *, seed: int = 0) -> Path:
    """Write a model folder of that shape; equal seeds give equal bytes.

    Parameters
    ----------
    folder : Path
        Created; it must not hold anything yet.

    Returns
    -------
    Path
        The folder, a bundle with a manifest of its own.

    Raises
    ------
    BundleError
        If the folder is not empty, or the disk has too little room.
    """
    config = shape.config()
    shards = split_into_shards(tensor_specs(config))
    _make_room(folder, sum(spec.nbytes for shard in shards for spec in shard))
    _write_configs(folder, shape, config)
    pool = random_pool(seed)
    for name, specs in zip(_shard_names(len(shards)), shards, strict=True):
        with TensorFile(folder / name, specs) as file:
            for spec in specs:
                file.put(spec.name, random_values(spec, pool).data.cast("B"))
    _write_index(folder, shards)
    manifest = dataclasses.replace(
        template("qwen2.5-vl"),
        name=f"{shape.title} (seed {seed})",
        licence="none: random numbers",
        intended_use="Measures speed and memory; what it says means nothing.",
        trained_on="nothing",
        files=file_entries(folder),
    )
    write_manifest(folder, manifest)
    return folder


def _make_room(folder: Path, needed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BundleError(f"{folder} is not empty; choose a new folder.")
    free = shutil.disk_usage(folder).free
    if free < needed * 1.01:
        raise BundleError(f"The disk has {free / 1e9:.1f} GB free; the model needs {needed / 1e9:.1f} GB.")


def split_into_shards(specs: list[TensorSpec]) -> list[list[TensorSpec]]:
    """Filled in order as Hugging Face does, and at least two, so that the index is put to the test."""
    total = sum(spec.nbytes for spec in specs)
    limit = total / max(2, math.ceil(total / _SHARD_BYTES))
    shards: list[list[TensorSpec]] = [[]]
    filled = 0
    for spec in specs:
        if shards[-1] and filled + spec.nbytes > limit * 1.1:
            shards.append([])
            filled = 0
        shards[-1].append(spec)
        filled += spec.nbytes
    return shards


def _shard_names(count: int) -> list[str]:
    return [f"model-{number + 1:05}-of-{count:05}.safetensors" for number in range(count)]


def _write_index(folder: Path, shards: list[list[TensorSpec]]) -> None:
    names = _shard_names(len(shards))
    place = {spec.name: name for name, shard in zip(names, shards, strict=True) for spec in shard}
    size = sum(spec.nbytes for shard in shards for spec in shard)
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(place.items()))}
    _dump(folder / INDEX_NAME, index)


def random_pool(seed: int) -> NDArray[np.uint16]:
    """Normal values of the published spread as bfloat16 bits, shape (value,), twice over."""
    values = np.random.default_rng(seed).standard_normal(_POOL, dtype=np.float32) * INITIALIZER_RANGE
    bits = (values.view(np.uint32) >> 16).astype(np.uint16)
    return np.concatenate([bits, bits])


def random_values(spec: TensorSpec, pool: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The values of one tensor as bfloat16 bits, flat: ones for a norm, else the pool from another start."""
    count = math.prod(spec.shape)
    if len(spec.shape) == 1 and spec.name.endswith("weight"):
        return np.full(count, _ONE, np.uint16)
    start = crc32(spec.name.encode()) % _POOL
    return np.resize(pool[start : start + _POOL], count)


def _write_configs(folder: Path, shape: Shape, config: dict[str, Any]) -> None:
    ids = shape.control_ids()
    _dump(folder / "config.json", config)
    _dump(folder / "preprocessor_config.json", PREPROCESSOR)
    _dump(folder / "tokenizer.json", _tokenizer(shape), indent=None)
    _dump(folder / "tokenizer_config.json", _tokenizer_config())
    ends = [ids["<|im_end|>"], ids["<|endoftext|>"]]
    generation = {"do_sample": False, "eos_token_id": ends, "pad_token_id": ends[1]}
    _dump(folder / "generation_config.json", generation)


def _tokenizer_config() -> dict[str, Any]:
    return {
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "model_max_length": 131072,
        "pad_token": "<|endoftext|>",
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }


def _tokenizer(shape: Shape) -> dict[str, Any]:
    """The demo bundle's tokenizer with filler words, so that every id is a word as in the published one."""
    tokenizer: dict[str, Any] = json.loads((DEMO_BUNDLE / "tokenizer.json").read_text("utf-8"))
    words: dict[str, int] = tokenizer["model"]["vocab"]
    words |= {name: token_id for token_id, name in _fillers(len(words), shape.words)}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    tokenizer["added_tokens"] = [
        {"id": token_id, "content": name, **flags, "special": name not in _PLAIN}
        for name, token_id in shape.control_ids().items()
    ]
    assert len(tokenizer["added_tokens"]) == len(CONTROLS)
    return tokenizer


def _fillers(start: int, stop: int) -> Iterator[tuple[int, str]]:
    yield from ((token_id, f"Ġ~{token_id}~") for token_id in range(start, stop))


def _dump(path: Path, content: object, *, indent: int | None = 2) -> None:
    path.write_text(json.dumps(content, indent=indent, ensure_ascii=False) + "\n", encoding="utf-8")
