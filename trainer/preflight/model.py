"""The model to start from, and the memory and disk that its training needs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any, Final

from medreason_viewer.reasoning.bundles import bundle
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.engine.model_config import read_model_config
from trainer.running import memory as need
from trainer.running.config import Config

from .machine import Machine
from .page import Line, size
from .sharding import stage_of

_PATCH_AREA: Final = 28 * 28
_NEW_SHAPE: Final = need.Shape(192, 512, 4, 4, 2, 768, False, 2_800_000)
_CHECKPOINTS: Final = 3  # two are kept while a third is written
_UNCOMMERCIAL: Final = "-NC"


def start(config: Config, there: Machine) -> Iterator[Line]:
    """Whether the bundle is complete and safe, and what its licence is."""
    if config.start is None:
        yield Line("bundle", "ok", "none: a small new model, for phantoms")
        return
    manifest = bundle.verify(config.start)
    told = f"{manifest.name} ({len(manifest.files)} files, hashes verified), licence {manifest.licence}"
    yield Line("bundle", "ok", told)
    if _UNCOMMERCIAL in manifest.licence.upper() or "RESEARCH" in manifest.licence.upper():
        found = f"the model's licence, {manifest.licence}, forbids commercial use"
        yield Line("licence", "warning", found, "it binds what this run makes, too: ask before passing it on")
    if config.model.mode == "full" and manifest.adapter:
        found = f"{manifest.name} has an adapter, which mode full cannot train"
        yield Line("bundle", "problem", found, 'set model.mode to "lora" or "qlora", or merge it first')


def memory(config: Config, there: Machine) -> Iterator[Line]:
    """Memory needed, by the estimate of :mod:`trainer.running.memory`, against what is free."""
    on_gpu = there.on_gpu(config)
    free = min((gpu.free for gpu in there.gpus), default=0) if on_gpu else there.memory
    shape, manifest = _shape(config), _manifest(config)
    for stage, load in _loads(config, manifest).items():
        mode = config.model.mode
        found = need.needed(shape, mode, config.model.rank, load, on_gpu=on_gpu)
        wanted = found["total"] * (1 if on_gpu else config.launch.processes)
        parts = ", ".join(f"{name} {size(count)}" for name, count in found.items() if name != "total")
        where = "of each GPU" if on_gpu else "of memory"
        text = f"{stage} needs about {size(wanted)} {where} ({parts}); {size(free)} are free"
        if wanted <= free:
            yield Line("memory", "ok" if wanted < 0.9 * free else "warning", text)
        else:
            yield Line("memory", "problem", text, _less(config, stage))


def _less(config: Config, stage: str) -> str:
    """The first thing that would help."""
    section: Any = config.sft if stage == "sft" else config.grpo
    if not section.gradient_checkpointing:
        return f"set {stage}.gradient_checkpointing to true"
    if section.micro_batch != 1:
        return f"lower {stage}.micro_batch"
    if config.model.mode != "qlora":
        return 'set model.mode to "qlora"'
    return "take a smaller model, or a machine with more memory"


def _loads(config: Config, manifest: Manifest) -> dict[str, need.Load]:
    image, processes = manifest.image.max_pixels // _PATCH_AREA, config.launch.processes
    longest = max(manifest.decoding.locate_max_new_tokens, manifest.decoding.reason_max_new_tokens)
    shared: dict[str, Any] = {"image": image, "processes": processes, "sharded": stage_of(config)}
    found = {}
    if config.sft.steps:
        micro = config.sft.micro_batch or max(1, config.sft.batch // processes)
        found["sft"] = need.Load(
            micro, learnt=longest, checkpointing=config.sft.gradient_checkpointing, **shared
        )
    if config.grpo.steps:
        found["grpo"] = need.Load(
            config.grpo.micro_batch,
            learnt=config.grpo.max_new_tokens or longest,
            sampled=config.grpo.prompts * config.grpo.group // processes,
            reference=config.model.mode == "full" and config.grpo.beta > 0,
            checkpointing=config.grpo.gradient_checkpointing,
            **shared,
        )
    return found


def disk(config: Config, there: Machine) -> Iterator[Line]:
    """Room for the data, checkpoints and bundles."""
    shape, stages = _shape(config), sum(getattr(config, name).steps > 0 for name in ("sft", "grpo"))
    mode = config.model.mode
    trained = shape.linear + shape.other if mode == "full" else shape.adapter(config.model.rank)
    checkpoints = _CHECKPOINTS * 12 * trained * stages
    bundles = (stages + 1) * 2 * (shape.linear + shape.other)
    wanted = checkpoints + bundles + _data_bytes(config)
    folder = next(path for path in (config.folder, *config.folder.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    text = f"{size(wanted)} for data, checkpoints and bundles in {config.folder}; {size(free)} are free"
    if wanted > free:
        yield Line("disk", "problem", text, "make room, or set run.folder to another disk")
    else:
        yield Line("disk", "ok" if wanted < 0.8 * free else "warning", text)


def _data_bytes(config: Config) -> int:
    if config.data.source != "phantoms":
        return 0
    return (config.data.count + config.evaluate.count) * config.data.matrix**2 * 17 // 8


def _shape(config: Config) -> need.Shape:
    folder = config.start
    if folder is None:
        return _NEW_SHAPE
    try:
        return need.Shape.of(read_model_config(folder))
    except KeyError as error:
        raise ValueError(f"{folder / 'config.json'} lacks {error}") from error


def _manifest(config: Config) -> Manifest:
    return bundle.template("demo") if config.start is None else bundle.read_manifest(config.start)
