"""From nothing, or from a bundle, to a fine-tuned bundle: tokenizer, warm-up, fine-tuning, manifest."""

from __future__ import annotations

import dataclasses
import logging
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors.torch import save_model
from transformers import (
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from medreason_viewer.errors import BundleError, DataSetError
from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.engine import qwen

from ..data import dataset
from ..data.vocabulary import fitted
from ..evaluation.evaluate import evaluate
from ..examples import items
from ..examples.replies import QUESTIONS
from . import adapters, architecture, dense, processes
from .checkpoints import last_checkpoint
from .fit import Fit
from .sft import Sft, fine_tune
from .warmup import warm_up

HEADS_NAME: Final = "heads.safetensors"
_CORPUS_CASES: Final = 2000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to train.

    Attributes
    ----------
    template : str
        The program's manifest that a model from scratch gets.
    start : Path or None
        A bundle to go on from; None for a new model.
    earlier : Path or None
        The working folder of an earlier run, to go on from its last checkpoint with its warm-up's heads.
    warm_up : Fit or None
        None for no dense warm-up.
    zoom : bool
        Whether the enlarged region is embedded in the image; False measures what that is worth.
    judge : int
        Validation slices on which each checkpoint is evaluated, in NF4; 0 for none.

    Raises
    ------
    ValueError
        If an adapter is to be trained without a bundle that it can be laid over.
    """

    sft: Sft
    warm_up: Fit | None = None
    template: str = "demo"
    start: Path | None = None
    earlier: Path | None = None
    shape: architecture.Shape = dataclasses.field(default_factory=architecture.Shape)
    seed: int = 0
    judge: int = 48
    zoom: bool = True
    device: qwen.Device = "auto"

    def __post_init__(self) -> None:
        if self.sft.mode != "full" and (self.start is None or self.warm_up or self.earlier):
            raise ValueError(
                f"{self.sft.mode} trains an adapter over a bundle: name the bundle to start from, without a "
                "warm-up and without an earlier run to go on from"
            )


def train(recipe: Recipe, data: Path, out: Path, work: Path, resume: bool = False) -> None:
    """Run the recipe and write the bundle; with several processes, each runs this.

    Parameters
    ----------
    out : Path
        The bundle; must not exist yet.
    work : Path
        Checkpoints and what else is needed to resume.

    Raises
    ------
    DataSetError
        If the bundle exists already, the working folder is used without ``resume``, or the data is unusable.
    BundleError
        If the bundle to start from cannot be used.
    TrainingError
        If the training cannot go on.
    """
    refuse_used(out, work, resume=resume)
    processes.all_here()
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    with processes.main_first():
        base, manifest = _base(recipe, data, work)
    if not recipe.zoom:
        manifest = dataclasses.replace(manifest, zoom=dataclasses.replace(manifest.zoom, embedded=False))
    model, heads = _to_tune(recipe, base, data, manifest, work, resume)
    writer = _Writer(model, base, manifest)
    judge = _Judge(writer, manifest, data, work / "candidate", recipe.judge)
    fine_tune(model, base, data, manifest, recipe.sft, work / "sft", resume, [judge], heads)
    if processes.is_main():
        writer.write(out)
        _log.info("wrote %s, %d parameters", out, architecture.parameters(model))


def refuse_used(out: Path, work: Path, *, resume: bool) -> None:
    """Whatever is there already is kept.

    Raises
    ------
    DataSetError
        If the bundle is there, or an earlier run that is not to be resumed.
    """
    if out.exists():
        raise DataSetError(f"{out} exists already; name a folder that does not.")
    if work.exists() and any(work.iterdir()) and not resume:
        raise DataSetError(f"{work} holds an earlier run; resume it, or name another folder.")


def _to_tune(
    recipe: Recipe, base: Path, data: Path, manifest: Manifest, work: Path, resume: bool
) -> tuple[Any, dense.DenseHeads | None]:
    plan = recipe.sft
    if plan.mode != "full":
        model = adapters.to_train(base, manifest, plan.mode, plan.lora, recipe.device, recipe.seed)
        return model, None
    return _warmed(recipe, base, data, manifest, work, resume)


def _base(recipe: Recipe, data: Path, work: Path) -> tuple[Path, Manifest]:
    """The folder training begins with (made once), and its manifest."""
    if recipe.start is not None:
        manifest = _refuse_adapter(recipe, bundle.verify(recipe.start))
        return recipe.start, fitted(manifest, dataset.read(data))
    manifest = fitted(bundle.template(recipe.template), dataset.read(data))
    folder = (recipe.earlier or work) / "base"
    if not (folder / "model.safetensors").exists():
        tokenizer = architecture.train_tokenizer(corpus(dataset.read(data), manifest))
        model = architecture.build_model(tokenizer, recipe.shape, recipe.seed)
        _save(model, tokenizer, manifest, folder, torch.float32)
    return folder, manifest


def _refuse_adapter(recipe: Recipe, manifest: Manifest) -> Manifest:
    if manifest.adapter and recipe.sft.mode == "full":
        raise BundleError(f"{manifest.name} has an adapter: train that (lora or qlora), or merge it first.")
    return manifest


def corpus(data: dataset.DataSet, manifest: Manifest) -> Iterator[str]:
    """Texts from which the tokenizer learns: prompts, questions, and replies of both turns."""
    rng = np.random.default_rng(0)
    prompts = manifest.prompt
    own = (prompts.system, prompts.locate, prompts.reason, prompts.question, *manifest.answer_classes)
    for index in data.to_learn()[:_CORPUS_CASES]:
        yield from own
        yield from QUESTIONS
        for turn in ("locate", "reason"):
            yield items.make(data, index, turn, manifest, rng).target


def _warmed(
    recipe: Recipe, base: Path, data: Path, manifest: Manifest, work: Path, resume: bool
) -> tuple[Qwen2_5_VLForConditionalGeneration, dense.DenseHeads | None]:
    """The model to fine-tune, and the heads of the warm-up (done once) where the recipe has one."""
    if recipe.earlier is not None:
        checkpoint = last_checkpoint(recipe.earlier / "sft")
        if checkpoint is None:
            raise DataSetError(f"There is no checkpoint in {recipe.earlier / 'sft'} to go on from.")
        return _with_heads(checkpoint, recipe.earlier / HEADS_NAME)
    if recipe.warm_up is None:
        return _load(base), None
    done, heads_file = work / "warmed", work / HEADS_NAME
    if (done / "model.safetensors").exists():
        return _with_heads(done, heads_file)
    model = _load(base)
    heads = warm_up(model, data, manifest, recipe.warm_up, work / "warm-up", resume)
    save_model(heads, str(heads_file))
    _save(model, Qwen2Tokenizer.from_pretrained(base), manifest, done, torch.float32)
    return model, heads


def _with_heads(
    folder: Path, heads_file: Path
) -> tuple[Qwen2_5_VLForConditionalGeneration, dense.DenseHeads | None]:
    model = _load(folder)
    if not heads_file.exists():
        return model, None
    return model, dense.load_heads(heads_file)


def _load(folder: Path) -> Qwen2_5_VLForConditionalGeneration:
    return Qwen2_5_VLForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, use_safetensors=True
    )


def _save(
    model: Qwen2_5_VLForConditionalGeneration,
    tokenizer: Qwen2Tokenizer,
    manifest: Manifest,
    folder: Path,
    dtype: torch.dtype,
) -> None:
    """Written beside, then renamed: the folder is whole or not there."""
    beside = folder.with_name(folder.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    pixels = (manifest.image.min_pixels, manifest.image.max_pixels)
    architecture.save(model, tokenizer, beside, pixels, dtype)
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)


def write_bundle(
    model: Qwen2_5_VLForConditionalGeneration, base: Path, manifest: Manifest, folder: Path
) -> Manifest:
    """Save the model in bfloat16 with a manifest that lists its files; earlier scores are dropped."""
    beside = folder.with_name(folder.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    pixels = (manifest.image.min_pixels, manifest.image.max_pixels)
    architecture.save(model, Qwen2Tokenizer.from_pretrained(base), beside, pixels)
    listed = dataclasses.replace(manifest, files=bundle.file_entries(beside), scores=())
    bundle.write_manifest(beside, listed)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside.rename(folder)
    return listed


class _Writer:
    """Writes what is being trained as a bundle: the whole model, or the base with the adapter."""

    def __init__(self, model: Any, base: Path, manifest: Manifest) -> None:
        self._model, self._base, self._manifest = model, base, manifest

    def write(self, folder: Path) -> Manifest:
        """Write it; what was in the folder is replaced."""
        if not adapters.is_adapted(self._model):
            return write_bundle(self._model, self._base, self._manifest, folder)
        shutil.rmtree(folder, ignore_errors=True)
        return adapters.write_adapter_bundle(self._model, self._base, self._manifest, folder)


class _Judge(TrainerCallback):
    """At each checkpoint, writes a bundle and logs how it does on some validation slices, in NF4."""

    def __init__(self, writer: _Writer, manifest: Manifest, data: Path, folder: Path, count: int) -> None:
        self._writer, self._manifest, self._folder = writer, manifest, folder
        self._data = dataset.read(data)
        self._chosen = self._data.of_split("validation")[:count]

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Evaluate the checkpoint."""
        if not (self._chosen and state.is_world_process_zero):
            return
        manifest = self._writer.write(self._folder)
        adapter = self._folder / manifest.adapter if manifest.adapter else None
        engine = qwen.load(self._folder, manifest, adapter=adapter)
        found = evaluate(engine, self._data, manifest, self._chosen)
        figures = " ".join(f"{name}={found[name]:.3f}" for name in _told(found))
        _log.info("checkpoint %d on %d validation slices: %s", state.global_step, found["n"], figures)


def _told(found: dict[str, Any]) -> Iterable[str]:
    return (name for name, value in found.items() if isinstance(value, float))
