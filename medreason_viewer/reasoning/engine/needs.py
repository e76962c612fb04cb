"""Memory told in advance: every tensor that a model would allocate, counted without loading one.

Weights come from the headers of a folder's files, or from a shape's list; keys and values, and what a layer
has in hand while it computes, from the configuration. torch is not needed.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from safetensors import safe_open

from ..bundles.manifest import ImageSpec
from .model_config import read_model_config
from .shapes import Shape, tensor_specs
from .tensor_file import TensorSpec
from .weights import weight_files

NF4_BYTES: Final = 4.127 / 8  # a weight in the long run, its share of the double-quantised scales included
CONTEXT_TOKENS: Final = 4096  # an image of 1,000 tokens, a prompt, a long answer and further questions
_LEAST_ANSWER: Final = 512  # tokens for the prompt and an answer, beside the image
_TOKEN_PIXELS: Final = 28 * 28
_BLOCK, _SCALES_BLOCK = 64, 256  # NF4: values that share a scale, scales that share a scale of their own
_CACHE_BLOCK: Final = 256  # tokens; the cache grows by it
_SPARE: Final = 1.03  # of the memory: what the allocator loses to whole blocks
_FLOAT_BYTES: Final = {"BF16", "F16", "F32"}


@dataclass(frozen=True, slots=True)
class Needs:
    """Bytes that a model takes on its device, the device's own context left out.

    Attributes
    ----------
    weights_bytes : int
        NF4 with its scales and tables for the language model's layers, the device's dtype for all else.
    cache_bytes : int
        Keys and values of the conversation.
    vision_bytes, reading_bytes : int
        What a block of the vision tower, and a layer of the language model while it reads the prompt, has in
        hand at once; one after the other, so the larger counts.
    """

    weights_bytes: int
    cache_bytes: int
    vision_bytes: int
    reading_bytes: int

    @property
    def total_bytes(self) -> int:
        """The most at any moment."""
        return self.weights_bytes + self.cache_bytes + max(self.vision_bytes, self.reading_bytes)

    def as_json(self) -> dict[str, int]:
        """For ``medreason doctor --json``."""
        return {**dataclasses.asdict(self), "total_bytes": self.total_bytes}


class Model:
    """A folder's or a shape's tensors and configuration.

    Parameters
    ----------
    specs : iterable of TensorSpec
        The tensors as they are stored.
    config : dict
        ``config.json``.
    """

    def __init__(self, specs: Iterable[TensorSpec], config: dict[str, Any]) -> None:
        tied = config.get(
            "tie_word_embeddings"
        )  # then a head that is stored all the same is left where it is
        self._specs = [spec for spec in specs if not (tied and spec.name == "lm_head.weight")]
        self._text = config.get("text_config") or config
        self._vision = config["vision_config"]

    @classmethod
    def of_folder(cls, folder: Path) -> Model:
        """A model folder's, from the headers of its weights.

        Raises
        ------
        BundleError
            If the folder holds no weights that can be read.
        """
        return cls(
            (spec for path in weight_files(folder) for spec in _specs(path)), read_model_config(folder)
        )

    @classmethod
    def of_shape(cls, shape: Shape) -> Model:
        """A published shape's."""
        config = shape.config()
        return cls(tensor_specs(config), config)

    def needs(self, value_bytes: int, tokens: int = CONTEXT_TOKENS, image_tokens: int | None = None) -> Needs:
        """What it takes.

        Parameters
        ----------
        value_bytes : int
            Of one value that is not in 4 bit: 2 for bfloat16, 4 for float32.
        tokens : int
            Length of the conversation, its image included.
        image_tokens : int, optional
            Of the image; half of the conversation by default.
        """
        image = tokens // 2 if image_tokens is None else image_tokens
        return Needs(
            sum(_loaded_bytes(spec, value_bytes) for spec in self._specs),
            self._cache_values(tokens) * value_bytes,
            self._vision_values(image) * value_bytes,
            self._reading_bytes(tokens, value_bytes),
        )

    def _cache_values(self, tokens: int) -> int:
        text = self._text
        head = text["hidden_size"] // text["num_attention_heads"]
        room = -(-tokens // _CACHE_BLOCK) * _CACHE_BLOCK
        return int(2 * text["num_hidden_layers"] * text["num_key_value_heads"] * head * room)

    def _vision_values(self, image_tokens: int) -> int:
        """Patches, the stream, its norm, and q, k and v with their turning, or the three of the MLP."""
        vision = self._vision
        width, inner = vision["hidden_size"], vision["intermediate_size"]
        patch = 3 * vision["temporal_patch_size"] * vision["patch_size"] ** 2
        attention = (
            3 + 1 + 2 * 2 * 2
        ) * width  # q, k, v and the result; q and k in float32, before and after
        patches = image_tokens * vision["spatial_merge_size"] ** 2
        return int(patches * (2 * patch + 2 * width + max(attention, 3 * inner)))

    def _reading_bytes(self, tokens: int, value_bytes: int) -> int:
        """Stream, norm, and q, k, v or the three of the MLP; the largest matrix unpacked; logits."""
        width, inner = self._text["hidden_size"], self._text["intermediate_size"]
        stream = tokens * (2 * width + max(4 * width, 3 * inner))
        return int((stream + width * inner) * value_bytes + 4 * self._text["vocab_size"])


def _specs(path: Path) -> Iterable[TensorSpec]:
    with safe_open(path, "np") as file:
        for name in file.keys():  # noqa: SIM118 (not a dict)
            stored = file.get_slice(name)
            yield TensorSpec(name, stored.get_dtype(), tuple(stored.get_shape()))


def _loaded_bytes(spec: TensorSpec, value_bytes: int) -> int:
    """Bytes of one stored tensor once loaded: 4 bit for the language model's layers, as is where packed."""
    values = math.prod(spec.shape)
    if spec.dtype not in _FLOAT_BYTES or ".weight." in spec.name:  # quantised beforehand
        return spec.nbytes
    if ".layers." not in spec.name or len(spec.shape) != 2:
        return values * value_bytes
    scales = -(-values // _BLOCK)
    return -(-values // 2) + scales + 4 * -(-scales // _SCALES_BLOCK)


@dataclass(frozen=True, slots=True)
class Fit:
    """Where a model runs and within which limits.

    Attributes
    ----------
    device : str
        ``cuda`` or ``cpu``.
    tokens : int
        Length of the conversation.
    max_pixels : int
        Of the image.
    needs : Needs
    sentence : str
        What is less than the model's own, and why; empty where nothing is.
    """

    device: str
    tokens: int
    max_pixels: int
    needs: Needs
    sentence: str


def fit(model: Model, image: ImageSpec, free: dict[str, int], value_bytes: dict[str, int]) -> Fit | None:
    """The best limits that fit, a GPU's before a CPU's; None if nothing does.

    Parameters
    ----------
    image : ImageSpec
        The model's own; below its ``min_pixels`` no image is reduced, for the model never saw such.
    free : dict
        Bytes free on each kind of device that can be used, such as ``{"cuda": ..., "cpu": ...}``.
    value_bytes : dict
        Bytes of a value on each.
    """
    for device in (kind for kind in ("cuda", "cpu") if kind in free):
        for tokens, pixels in _choices(image):
            needed = model.needs(value_bytes[device], tokens, pixels // _TOKEN_PIXELS)
            if needed.total_bytes * _SPARE <= free[device]:
                wanted = "cuda" if "cuda" in free else device
                whole = model.needs(value_bytes[wanted], CONTEXT_TOKENS, image.max_pixels // _TOKEN_PIXELS)
                sentence = _sentence(device, tokens, pixels, image, free, whole)
                return Fit(device, tokens, pixels, needed, sentence)
    return None


def _choices(image: ImageSpec) -> Iterable[tuple[int, int]]:
    """Ever smaller conversations and images: first a shorter conversation, then fewer pixels."""
    pixels = image.max_pixels
    while True:
        least = pixels // _TOKEN_PIXELS + _LEAST_ANSWER
        for tokens in (CONTEXT_TOKENS, CONTEXT_TOKENS // 2, least):
            yield max(tokens, least), pixels
        if pixels // 2 < image.min_pixels:
            return
        pixels //= 2


def _sentence(
    device: str, tokens: int, pixels: int, image: ImageSpec, free: dict[str, int], whole: Needs
) -> str:
    less = []
    if "cuda" in free and device == "cpu":
        less.append("it runs on the CPU, and answers take longer")
    if pixels < image.max_pixels:
        less.append(f"its image is reduced to {pixels:,} pixels, so that small findings may be lost")
    if tokens < CONTEXT_TOKENS:
        less.append(f"a conversation holds {tokens:,} tokens")
    if not less:
        return ""
    short = "cuda" if "cuda" in free else device
    place = {"cuda": "the GPU", "cpu": "this machine"}[short]
    return (
        f"The model would need {whole.total_bytes / 1e9:.1f} GB and {free[short] / 1e9:.1f} GB are free on "
        f"{place}: {'; '.join(less)}."
    )
