"""The recipe: settings that do not fit each other, the machine or the launcher."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Final

from trainer.running.config import CONFIGS, Config
from trainer.running.run_folder import RunFolder

from .machine import Machine, unmet
from .page import Line
from .sharding import settings_of, stage_of

PACKED: Final = (
    "qlora cannot have its rollouts written by vLLM: TRL 1.16 would send it the packed 4-bit weights as they "
    "are, and vLLM reads no bitsandbytes since 0.28"
)


def divides(config: Config, there: Machine) -> Iterator[Line]:
    """Whether batches and rounds divide, and checkpoints fall on the edge of a round."""
    processes, sft, grpo = config.launch.processes, config.sft, config.grpo
    share, rest = divmod(sft.batch, processes)
    if sft.steps and (rest or not share or share % (sft.micro_batch or share)):
        found = f"sft.batch {sft.batch} does not divide into {processes} x {sft.micro_batch or share}"
        yield Line("recipe", "problem", found, "change sft.batch, sft.micro_batch or launch.processes")
    if not grpo.steps:
        return
    completions, each = grpo.prompts * grpo.group, grpo.micro_batch * processes
    if completions % each or completions // each % grpo.updates:
        found = (
            f"{grpo.prompts} prompts x {grpo.group} completions do not divide into {grpo.updates} updates of "
            f"{processes} x {grpo.micro_batch}"
        )
        yield Line(
            "recipe", "problem", found, "make grpo.prompts x grpo.group a multiple of the others' product"
        )
    else:
        yield Line("recipe", "ok", f"a round of {completions} completions in {completions // each} passes")
    yield from _boundary(config)


def _boundary(config: Config) -> Iterator[Line]:
    grpo = config.grpo
    boundary = grpo.updates * grpo.iterations
    if grpo.save_every % boundary:
        saved = -(-grpo.save_every // boundary) * boundary
        found = (
            f"grpo.save_every {grpo.save_every} is in the middle of a round of {boundary} steps, where going "
            f"on is inexact: a checkpoint is written each {saved} steps"
        )
        yield Line("recipe", "warning", found, f"set grpo.save_every to {saved}")
    if grpo.steps % boundary:
        found = f"grpo.steps {grpo.steps} ends in the middle of a round of {boundary} steps"
        yield Line("recipe", "warning", found, f"set grpo.steps to a multiple of {boundary}")


def conflicts(config: Config, there: Machine) -> Iterator[Line]:
    """Modes that exclude each other."""
    mode = config.model.mode
    if mode == "qlora" and there.nf4_fault:
        yield Line(
            "recipe", "problem", f"4-bit weights do not work here: {there.nf4_fault}", "take mode lora"
        )
    if config.grpo.train_vision and mode != "full":
        found = "grpo.train_vision is for mode full: an adapter leaves the vision tower as it is"
        yield Line("recipe", "problem", found, "set grpo.train_vision to false")
    if config.grpo.rollouts == "vllm" and config.grpo.steps:
        yield from _vllm(config, there)
    if mode != "full" and config.sft.steps and config.sft.rate > 5e-4:
        found = f"sft.rate {config.sft.rate} is high for an adapter"
        yield Line("recipe", "warning", found, "take about 1e-4")
    if config.sft.warm_up_steps and mode != "full":
        found = "the dense warm-up trains the vision tower, which an adapter leaves as it is"
        yield Line("recipe", "problem", found, "set sft.warm_up_steps to 0")


def _vllm(config: Config, there: Machine) -> Iterator[Line]:
    if config.model.mode == "qlora":
        yield Line("recipe", "problem", PACKED, 'set grpo.rollouts to "local", or model.mode to "lora"')
        return
    if config.model.mode == "full":
        found = "vLLM rollouts are for mode lora here: full weights would be copied at every step"
        yield Line("recipe", "problem", found, 'set model.mode to "lora"')
    found = "vLLM rollouts follow the documentation of TRL and vLLM, and were not run by this project yet"
    yield Line("recipe", "warning", found, "try a run of a few steps first, and compare with local rollouts")
    if not there.on_gpu(config):
        yield Line("recipe", "problem", "vLLM needs a GPU", 'set grpo.rollouts to "local"')
    pins = CONFIGS / "vllm-constraints.txt"
    if missing := unmet(pins.read_text("utf-8").splitlines()):
        found = f"the vLLM recipe has pins of its own, which this environment lacks: {', '.join(missing)}"
        yield Line("recipe", "problem", found, f"make an environment for it: pip install -c {pins} -e . vllm")


def launch(config: Config, there: Machine) -> Iterator[Line]:
    """Whether the launcher's settings fit the recipe."""
    found = settings_of(config)
    if not found:
        yield Line("launch", "ok", "one process")
        return
    kind, stage = str(found.get("distributed_type", "NO")), stage_of(config)
    yield Line(
        "launch", "ok", f"{config.launch.processes} processes, {kind}{f' stage {stage}' * (stage > 0)}"
    )
    if kind == "DEEPSPEED" and find_spec("deepspeed") is None:
        yield Line(
            "launch", "problem", "DeepSpeed is not installed", "pip install deepspeed, or take ddp or fsdp2"
        )
    if stage == 3 and config.model.mode == "qlora":
        text = "packed 4-bit weights cannot be divided among GPUs (ZeRO-3, FSDP)"
        yield Line(
            "launch", "problem", text, 'set launch.accelerate to "ddp" or "zero2": each GPU holds the base'
        )
    if there.on_gpu(config) and found.get("use_cpu"):
        text = "the accelerate file computes on the CPU, though there is a GPU"
        yield Line("launch", "warning", text, 'set launch.accelerate to "ddp"')
    if not there.on_gpu(config) and str(found.get("mixed_precision", "no")) != "no":
        text = f"{found['mixed_precision']} in the accelerate file, but the run is on the CPU"
        yield Line("launch", "problem", text, 'set launch.accelerate to "ddp-cpu"')


def folder(config: Config, there: Machine) -> Iterator[Line]:
    """What the run folder holds already."""
    from trainer.running.pipeline import describe

    path = config.folder
    if not path.exists():
        yield Line("run folder", "ok", f"{path} will be made, for its user alone")
        return
    if not os.access(path, os.W_OK):
        yield Line("run folder", "problem", f"{path} cannot be written", "change its rights or run.folder")
        return
    if os.name == "posix" and path.stat().st_mode & 0o077:
        found = f"others can read {path}, which holds patient data"
        yield Line("run folder", "warning", found, f"chmod 700 {path}")
    done = [stage for stage, is_done in describe(config) if is_done]
    told = f"done already: {', '.join(done)}" if done else "no stage is done yet"
    begun = any(RunFolder(path).record(stage, "begun") for stage, _ in describe(config))
    yield Line("run folder", "ok", f"{path}: {told}{'; it goes on from there' if begun else ''}")
