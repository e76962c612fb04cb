"""What a model folder may say of itself: ``config.json`` and ``adapter_config.json``, read with suspicion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from ...errors import BundleError

ARCHITECTURE: Final = "Qwen2_5_VLForConditionalGeneration"
# Keys that name code or other models to fetch.
_REFUSED: Final = ("auto_map", "custom_pipelines", "trust_remote_code")
# All that decides what a plain LoRA adapter computes; anything more would leave weights without a place.
_LORA: Final = (
    *("r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern"),
    *("target_modules", "exclude_modules", "layers_to_transform", "layers_pattern"),
)


def read_model_config(folder: Path) -> dict[str, Any]:
    """The folder's ``config.json``, if it describes the one architecture that is known and brings no code.

    Raises
    ------
    BundleError
        If it does not, or is missing or damaged.
    """
    values = _read(folder / "config.json")
    if values.get("architectures") != [ARCHITECTURE]:
        raise BundleError(f"The model in {folder.name} is not a Qwen2.5-VL; this program runs no other.")
    stored = values.get("quantization_config", {"bnb_4bit_quant_type": "nf4"})
    if not isinstance(stored, dict) or stored.get("bnb_4bit_quant_type") != "nf4":
        raise BundleError(f"The model in {folder.name} is quantised, but not in NF4.")
    return values


def read_adapter_config(folder: Path) -> dict[str, Any]:
    """What ``adapter_config.json`` says of a plain LoRA adapter: arguments of peft's ``LoraConfig``.

    Raises
    ------
    BundleError
        If it does not, or is missing or damaged.
    """
    values = _read(folder / "adapter_config.json")
    if values.get("peft_type") != "LORA" or values.get("modules_to_save"):
        raise BundleError(f"The adapter in {folder.name} is not a plain LoRA adapter.")
    return {name: values[name] for name in _LORA if values.get(name) is not None}


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(
            f"{path.name} in {path.parent.name} is missing or damaged; copy the model folder again."
        ) from error
    if not isinstance(values, dict) or any(_holds_key(values, name) for name in _REFUSED):
        raise BundleError(f"The model in {path.parent.name} wants to run code of its own, which is refused.")
    return values


def _holds_key(value: Any, name: str) -> bool:
    """Whether a key of that name, not empty, stands anywhere in the document."""
    if isinstance(value, dict):
        return bool(value.get(name)) or any(_holds_key(item, name) for item in value.values())
    return isinstance(value, list) and any(_holds_key(item, name) for item in value)
