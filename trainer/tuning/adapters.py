"""LoRA adapters for fine-tuning and reinforcement learning: on a plain base, or on one in NF4 (QLoRA)."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import peft
import torch
from safetensors.torch import load_file
from transformers import Qwen2_5_VLForConditionalGeneration

from medreason_viewer.errors import BundleError, DataSetError
from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.engine import qwen
from medreason_viewer.reasoning.engine.model_config import read_adapter_config

Mode = Literal["full", "lora", "qlora"]
TARGETS: Final = r".*language_model.*\.(q|k|v|o|gate|up|down)_proj"
"""By plain names the vision tower's MLP would be hit too."""
ADAPTER_FOLDER: Final = "adapter"
_WEIGHTS: Final = "adapter_model.safetensors"
_CONFIG: Final = "adapter_config.json"


@dataclass(frozen=True, slots=True)
class Lora:
    """Rank and scale of an adapter.

    Raises
    ------
    ValueError
        If a number makes no sense.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha < 1 or not 0 <= self.dropout < 1:
            raise ValueError("an adapter needs a positive rank and scale, and a dropout from 0 to below 1")

    def config(self) -> Any:
        """The adapter as peft's ``LoraConfig``."""
        return peft.LoraConfig(
            task_type="CAUSAL_LM",
            r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules=TARGETS,
        )


def load_base(folder: Path, manifest: Manifest, mode: Mode, device: qwen.Device = "auto") -> Any:
    """The model to train, without an adapter: in NF4 as the viewer loads it, or plain.

    Parameters
    ----------
    mode : {"full", "lora", "qlora"}
        ``full`` loads float32, ``lora`` what the device computes in, ``qlora`` NF4 with the vision tower and
        ``lm_head`` as they are.

    Raises
    ------
    BundleError, ModelError
        As :func:`medreason_viewer.reasoning.engine.qwen.load`.
    """
    if mode == "qlora":
        return qwen.load(folder, manifest, device=device).model
    where, dtype = qwen.best_device(device)
    return Qwen2_5_VLForConditionalGeneration.from_pretrained(
        folder,
        dtype=torch.float32 if mode == "full" else dtype,
        device_map={"": where},
        attn_implementation="sdpa",
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
    )


def to_train(
    folder: Path,
    manifest: Manifest,
    mode: Mode,
    lora: Lora | None = None,
    device: qwen.Device = "auto",
    seed: int = 0,
) -> Any:
    """A bundle's model as it is to be trained: whole, or with its adapter, or with a new one.

    Parameters
    ----------
    lora : Lora, optional
        Of a new adapter; the bundle's own, if it has one, is trained further instead.

    Raises
    ------
    BundleError, ModelError
        As :func:`load_base`; also if the whole model of a bundle with an adapter is to be trained.
    """
    if mode == "full" and manifest.adapter:
        raise BundleError(f"{folder.name} has an adapter: train that (lora or qlora), or merge it first.")
    model = load_base(folder, manifest, mode, device)
    if mode == "full":
        return model
    if manifest.adapter:
        return with_adapter(model, folder / manifest.adapter)
    return with_new_adapter(model, lora or Lora(), seed)


def is_adapted(model: Any) -> bool:
    """Whether only an adapter of the model is trained."""
    return hasattr(model, "peft_config")


def bare(model: Any) -> Any:
    """The Qwen2.5-VL itself, whose layers hold the adapter if there is one."""
    return model.get_base_model() if is_adapted(model) else model


def keep_exact(model: Any) -> None:
    """Hold what is trained in float32: TRL makes QLoRA's bfloat16, in which steps of 1e-6 are lost."""
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()


def with_new_adapter(model: Any, lora: Lora, seed: int = 0) -> Any:
    """The model as peft wraps it, with an adapter that changes nothing yet."""
    torch.manual_seed(seed)
    return _wrapped(model, lora.config())


def _wrapped(model: Any, config: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 uses old names of transformers 5.23
        return peft.get_peft_model(model, config)


def with_adapter(model: Any, folder: Path) -> Any:
    """The model with a saved adapter to be trained further.

    Raises
    ------
    BundleError
        If it is no plain LoRA adapter, or if one of its weights finds no place.
    """
    config = peft.LoraConfig(task_type="CAUSAL_LM", **read_adapter_config(folder))
    wrapped = _wrapped(model, config)
    weights = load_file(folder / _WEIGHTS)
    if weights.keys() != peft.get_peft_model_state_dict(wrapped).keys():
        raise BundleError(f"The adapter {folder.name} does not fit this model; train or export it again.")
    peft.set_peft_model_state_dict(wrapped, weights)
    return wrapped


def save_adapter(model: Any, folder: Path, base_name: str) -> None:
    """Write an adapter as :func:`medreason_viewer.reasoning.engine.qwen.place_adapter` reads it.

    Parameters
    ----------
    model : peft.PeftModel
    base_name : str
        Written into the adapter in place of the path from which the base was loaded.
    """
    model.save_pretrained(folder, selected_adapters=["default"], save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # a model card that names local paths
    config = json.loads((folder / _CONFIG).read_text())
    config["base_model_name_or_path"] = base_name
    (folder / _CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def write_adapter_bundle(model: Any, base: Path, manifest: Manifest, folder: Path) -> Manifest:
    """A bundle of the base's files and the trained adapter, without earlier scores and adapters.

    The base's files are linked where the disk allows it, else copied. The bundle is whole or not there.

    Raises
    ------
    DataSetError
        If the folder exists.
    """
    if folder.exists():
        raise DataSetError(f"{folder} exists already; name a folder that does not.")
    beside = folder.with_name(folder.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    old = f"{manifest.adapter}/" if manifest.adapter else "\0"
    for entry in bundle.file_entries(base) if not manifest.files else manifest.files:
        if not entry.path.startswith(old):
            _link(base / entry.path, beside / entry.path)
    save_adapter(model, beside / ADAPTER_FOLDER, manifest.base_model)
    listed = dataclasses.replace(manifest, adapter=ADAPTER_FOLDER, scores=())
    listed = dataclasses.replace(listed, files=bundle.file_entries(beside))
    bundle.write_manifest(beside, listed)
    beside.rename(folder)
    return listed


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
