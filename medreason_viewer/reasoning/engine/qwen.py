"""The model itself: Qwen2.5-VL in 4 bit, with or without a LoRA adapter, from a folder to an engine.

Files of this room are the only ones of the program that import torch. They run in the model's own process,
in commands that write or measure a model, and in the trainer.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

# Read once, when the libraries below are imported.
os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_PROGRESS_BARS="1")

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import (
    BitsAndBytesConfig,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
)

from ...errors import BundleError, ModelError
from ..bundles.manifest import Manifest
from ..request import ModelInfo
from .decoding import Engine, out_of_memory
from .four_bit import UNQUANTISED
from .model_config import read_adapter_config, read_model_config
from .tokens import ChatTokenizer

Device = Literal["auto", "cpu", "cuda"]
_log = logging.getLogger(__name__)


def load(
    folder: Path,
    manifest: Manifest,
    *,
    sha256: str = "",
    device: Device = "auto",
    adapter: Path | None = None,
    adapter_sha256: str | None = None,
) -> Engine:
    """Load a verified model folder in NF4; the vision tower and ``lm_head`` stay as they are.

    Parameters
    ----------
    sha256, adapter_sha256 : str
        What identifies the weights, carried into every answer.
    device : {"auto", "cpu", "cuda"}
        ``auto`` takes the GPU where there is one.
    adapter : Path, optional
        Folder of a LoRA adapter to lay on top.

    Raises
    ------
    BundleError
        If the folder is incomplete, damaged, of another architecture, or wants to run code of its own;
        if other modules than the language model's would be in 4 bit; if part of the adapter finds no place.
    ModelOutOfMemory
        If the weights do not fit.
    """
    started = time.monotonic()
    _check_quantization(manifest)
    where, dtype = best_device(device)
    tokenizer, config = ChatTokenizer(folder), read_model_config(folder)
    with _plain_errors(folder):
        model = _load_weights(folder, config, where, dtype)
        if adapter is not None:
            place_adapter(model, adapter)
    model.eval()
    info = replace(_info(manifest, where, dtype), sha256=sha256, adapter_sha256=adapter_sha256)
    return Engine(model, tokenizer, info, time.monotonic() - started)


def _check_quantization(manifest: Manifest) -> None:
    if manifest.quantization != "nf4":
        raise BundleError(f"The quantisation {manifest.quantization!r} is not known to this version.")


def _info(manifest: Manifest, where: str, dtype: torch.dtype) -> ModelInfo:
    """What a manifest says of the model, and how it was loaded."""
    return ModelInfo(
        name=manifest.name,
        sha256="",
        quantization=f"nf4 (double quantised); vision tower and lm_head {str(dtype).removeprefix('torch.')}",
        device=torch.cuda.get_device_name() if where == "cuda" else "cpu",
        licence=manifest.licence,
        trained_on=manifest.trained_on,
        intended_use=manifest.intended_use,
    )


def best_device(wanted: Device) -> tuple[str, torch.dtype]:
    """Where to compute and in what: float32 on a CPU without bfloat16 arithmetic, where it is 4 x faster."""
    if wanted != "cpu" and torch.cuda.is_available():
        return "cuda", torch.bfloat16
    if wanted == "cuda":
        raise ModelError("There is no GPU that PyTorch can use; choose the CPU, or run medreason doctor.")
    return "cpu", torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32


@contextlib.contextmanager
def _plain_errors(folder: Path) -> Iterator[None]:
    """What the libraries raise while loading, as sentences."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise out_of_memory() from error
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        _log.warning("loading failed: %s", type(error).__name__)
        if "CUDA" in str(error):
            raise ModelError("The GPU cannot be used: run medreason doctor, or choose the CPU.") from error
        raise BundleError(
            f"The model in {folder.name} is incomplete or damaged; copy the model folder again."
        ) from error


def _load_weights(folder: Path, config: dict[str, Any], where: str, dtype: torch.dtype) -> Any:
    """The quantised model on its device, checked to be complete and quantised where it should be."""
    quantization = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=list(UNQUANTISED),
    )
    quantised_before = "quantization_config" in config
    if quantised_before:  # its own settings, but computing as this device does it best
        config = config | {"quantization_config": quantization.to_dict()}
    loaded: Any = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        folder,
        config=Qwen2_5_VLConfig.from_dict(config),
        quantization_config=None if quantised_before else quantization,
        dtype=dtype,
        device_map={"": where},
        attn_implementation="sdpa",
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    model, report = loaded
    for fault in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report[fault]:
            count = f"{len(report[fault])} {fault.split('_')[0]}"
            raise BundleError(
                f"The weights in {folder.name} do not fit the model ({count}); copy the model folder again."
            )
    check_four_bit(model)
    _compute_in(model, dtype)
    return model


@torch.no_grad()
def _compute_in(model: nn.Module, dtype: torch.dtype) -> None:
    """All of the model in the dtype of this device: of weights quantised beforehand that is left to us."""
    for weight in model.parameters():
        if _is_nf4(weight):
            weight.quant_state.dtype = dtype  # type: ignore[attr-defined]
        elif weight.is_floating_point():
            weight.data = weight.data.to(dtype)


def four_bit_modules(model: nn.Module) -> list[str]:
    """Names of the modules that are in NF4 with double quantisation, in the model's order."""
    return [name for name, module in model.named_modules() if _is_nf4(getattr(module, "weight", None))]


def _is_nf4(weight: Any) -> bool:
    state = getattr(weight, "quant_state", None)
    return state is not None and state.quant_type == "nf4" and bool(state.nested)


def check_four_bit(model: nn.Module) -> None:
    """Make sure that exactly the language model's linear layers are in 4 bit.

    Raises
    ------
    BundleError
        If one more or one less is.
    """
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    wanted = [name for name in linear if name.startswith("model.language_model.")]
    wrong = set(wanted).symmetric_difference(four_bit_modules(model))
    if wrong or not wanted:
        raise BundleError(
            f"{len(wrong)} layers of the model, such as {min(wrong, default='none')}, are not quantised "
            "as they should be; the model was not loaded."
        )


def place_adapter(model: Any, folder: Path) -> None:
    """Lay a LoRA adapter over the model, in place.

    Raises
    ------
    BundleError
        If it is no LoRA adapter in safetensors, touches other layers than the language model's, or if one
        of its weights finds no place (then it would load as if it were not there).
    """
    import peft

    config = peft.LoraConfig(**read_adapter_config(folder), init_lora_weights=False, inference_mode=True)
    with safe_open(folder / "adapter_model.safetensors", "pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    peft.inject_adapter_in_model(config, model)
    _place_weights(model, weights, folder)


def _place_weights(model: Any, weights: dict[str, Tensor], folder: Path) -> None:
    places = {
        name.replace(".default.weight", ".weight"): value
        for name, value in model.named_parameters()
        if ".lora_" in name
    }
    named = {name.removeprefix("base_model.model."): value for name, value in weights.items()}
    lost = named.keys() ^ places.keys()
    if lost or not named or any(not name.startswith("model.language_model.") for name in named):
        raise BundleError(
            f"The adapter {folder.name} does not fit this model: {len(lost)} of its weights find no place "
            "(it may have been made with an older version of transformers). Train or export it again."
        )
    with torch.no_grad():
        for name, value in named.items():
            places[name].copy_(value)
