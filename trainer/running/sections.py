"""The sections of a run's config: their fields, defaults, and what each means.

Fields carry meaning, unit and origin as metadata, from which :mod:`.config_toml` writes the commented file; a
field without them cannot be made. Defaults are this project's own unless their origin says otherwise: of the
paper's recipe only the names are public.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final, Literal

_OURS: Final = "ours"
_PEERS: Final = "ours, as peers have it"
_NAMED: Final = "the paper names this reward; its formula and its weight are not public, so both are ours"


def _field(default: Any, meaning: str, *, unit: str = "", origin: str = _OURS) -> Any:
    return dataclasses.field(default=default, metadata=_told(meaning, unit, origin))


def _told(meaning: str, unit: str = "", origin: str = _OURS) -> dict[str, str]:
    return {"meaning": meaning, "unit": unit, "origin": origin}


def require(holds: bool, sentence: str) -> None:
    """Refuse what does not hold.

    Raises
    ------
    ValueError
        With the sentence.
    """
    if not holds:
        raise ValueError(sentence)


@dataclass(frozen=True, slots=True)
class Run:
    """Where the run lies and on what it computes."""

    folder: str = _field(
        "runs/first",
        "everything of this run goes here; beside this file, where it is not absolute. It holds patient data",
    )
    seed: int = _field(0, "decides every random choice")
    device: Literal["auto", "cpu", "cuda"] = _field("auto", "auto takes a GPU where there is one")
    threads: int = _field(0, "for arithmetic on the CPU; 0 takes all", unit="cores")

    def __post_init__(self) -> None:
        require(bool(self.folder.strip()), "folder is empty")
        require(self.seed >= 0, "seed must not be negative")
        require(self.threads >= 0, "threads must not be negative")


@dataclass(frozen=True, slots=True)
class Launch:
    """How many processes train."""

    processes: int = _field(1, "one for each GPU; more than one are started by accelerate")
    accelerate: str = _field(
        "",
        "a config file of accelerate, or of the program: ddp, zero2, zero3, fsdp2, ddp-cpu; empty for none",
    )

    def __post_init__(self) -> None:
        require(self.processes >= 1, "processes must be at least 1")
        require(self.processes == 1 or bool(self.accelerate), "several processes need an accelerate file")


@dataclass(frozen=True, slots=True)
class Data:
    """What is trained on."""

    source: Literal[
        "phantoms", "folder", "ct-rate-vqa", "rexgrounding", "dicom", "seg", "rtstruct", "journal"
    ] = _field(
        "phantoms",
        "phantoms are made up; folder is a data set that `ingest` or `synth` wrote; the others are read as "
        "`medreason-train ingest KIND` reads them",
    )
    folder: str = _field("", "the data set, for the source folder")
    count: int = _field(4000, "phantoms to make", unit="slices")
    seed: int = _field(1, "decides every phantom")
    matrix: int = _field(256, "rows and columns of a phantom, a multiple of 8", unit="pixels")
    setting: Literal["standard", "shifted", "small"] = _field(
        "standard", "of the phantoms: shifted is for testing only, small has nodules of 5.5 to 11 mm"
    )
    findings: str = _field("", "of the phantoms, in turns, separated by commas; empty for all")
    options: dict[str, Any] = dataclasses.field(
        default_factory=dict,
        metadata=_told(
            "for the other sources: the options of `medreason-train ingest KIND`, without their dashes, such "
            'as images = "/data/ct" and labels = "/data/labels.csv"'
        ),
    )

    def __post_init__(self) -> None:
        require(self.source != "folder" or bool(self.folder), "the source folder needs a folder")
        require(self.count >= 1, "count must be at least 1")
        require(self.seed >= 0, "seed must not be negative")
        require(
            self.matrix % 8 == 0 and 64 <= self.matrix <= 1024,
            "matrix must be a multiple of 8 from 64 to 1024",
        )


@dataclass(frozen=True, slots=True)
class Model:
    """What is trained."""

    start: str = _field(
        "",
        "the bundle to start from, demo for the one that comes with the program; empty for a small new model "
        "(phantoms only)",
    )
    mode: Literal["full", "lora", "qlora"] = _field(
        "full",
        "full trains all weights, lora an adapter on the plain model, qlora an adapter on the model in 4 bit",
    )
    rank: int = _field(16, "of a new adapter")
    alpha: int = _field(32, "of a new adapter: its scale is alpha divided by rank")
    zoom: bool = _field(
        True, "the enlarged region is embedded in the image; false to measure what it is worth"
    )

    def __post_init__(self) -> None:
        require(self.rank >= 1 and self.alpha >= 1, "rank and alpha must be at least 1")
        require(bool(self.start) or self.mode == "full", "a new model is trained in mode full only")


@dataclass(frozen=True, slots=True)
class Sft:
    """Supervised fine-tuning: the model learns to write the right reply."""

    steps: int = _field(4000, "of the optimizer; 0 leaves the stage out")
    batch: int = _field(24, "examples of a step, over all processes")
    micro_batch: int = _field(0, "examples in one backward pass of each process; 0 takes all of a step")
    gradient_checkpointing: bool = _field(False, "less memory, more time")
    rate: float = _field(6e-4, "learning rate; an adapter of a 7B model takes about 1e-4")
    warm_up_steps: int = _field(0, "of the dense warm-up that a new model's vision tower needs; 0 for none")
    warm_up_rate: float = _field(8e-4, "learning rate of the dense warm-up")
    save_every: int = _field(500, "a checkpoint each so many steps", unit="steps")
    log_every: int = _field(25, "a line of figures each so many steps", unit="steps")
    locate_share: float = _field(0.5, "of the examples that ask where; the others ask what", unit="0 to 1")
    nf4_from: float = _field(
        0.6,
        "part of the steps after which weights are rounded to 4 bit in every pass (full only); 1 for never",
    )
    dense_weight: float = _field(0.2, "of the warm-up's loss while fine-tuning goes on")
    judge: int = _field(48, "validation slices on which each checkpoint is tried; 0 for none", unit="slices")
    emphasis: dict[str, Any] = dataclasses.field(
        default_factory=dict,
        metadata=_told("how often a round shows the slices of a finding, where not once, such as nodule = 3"),
    )

    def __post_init__(self) -> None:
        require(min(self.steps, self.warm_up_steps, self.judge, self.micro_batch) >= 0, "a count is negative")
        require(min(self.batch, self.save_every, self.log_every) >= 1, "a count must be at least 1")
        require(min(self.rate, self.warm_up_rate) > 0, "a learning rate must be above 0")
        require(0 <= self.locate_share <= 1, "locate_share must be between 0 and 1")
        require(0 <= self.nf4_from <= 1, "nf4_from must be between 0 and 1")
        require(self.dense_weight >= 0, "dense_weight must not be negative")
        times = self.emphasis.values()
        require(
            all(type(each) in (int, float) and each >= 0 for each in times),
            "an emphasis must be a number, not negative",
        )


@dataclass(frozen=True, slots=True)
class Grpo:
    """Reinforcement learning with rewards (GRPO, which the paper uses; its settings are not public)."""

    steps: int = _field(200, "of the optimizer; 0 leaves the stage out")
    prompts: int = _field(4, "of one round of rollouts")
    group: int = _field(8, "completions of each prompt; peers take 4 to 16", origin=_PEERS)
    micro_batch: int = _field(8, "completions in one backward pass of each process")
    updates: int = _field(1, "optimizer steps into which a round is divided")
    iterations: int = _field(1, "how often a round is gone through")
    rate: float = _field(1e-6, "learning rate", origin=_PEERS)
    beta: float = _field(
        0.02, "weight of the KL divergence from the start; peers take 0.01 to 0.04", origin=_PEERS
    )
    clip: float = _field(0.2, "of the probability ratio", origin=_PEERS)
    loss: Literal["grpo", "dr_grpo", "dapo", "bnpo", "gspo"] = _field("dapo", "which form of the loss")
    scale: Literal["group", "batch", "none"] = _field(
        "group", "by whose spread of rewards an advantage is divided: group makes every prompt count alike"
    )
    temperature: float = _field(1.0, "of the rollouts")
    max_new_tokens: int = _field(
        0, "of a completion; 0 takes the longest that the bundle allows", unit="tokens"
    )
    locate: float = _field(0.5, "share of the prompts that ask where", unit="0 to 1")
    no_think: bool = _field(False, "train to answer without reasoning")
    curriculum: float = _field(
        0.0, "how strictly prompts with large lesions come before those with small ones", unit="0 to 1"
    )
    train_vision: bool = _field(False, "the vision tower changes too (full only)")
    rollouts: Literal["local", "vllm"] = _field(
        "local", "local writes completions with the model in training; vllm (lora only) with vLLM"
    )
    gradient_checkpointing: bool = _field(False, "less memory, more time")
    correctness: float = _field(1.0, "weight of the reward for the right answer", origin=_NAMED)
    format: float = _field(0.5, "weight of the reward for the reply's format", origin=_NAMED)
    validation: float = _field(
        1.0,
        "weight of the reward for a region that holds the finding and reasoning that fits it",
        origin=_NAMED,
    )
    save_every: int = _field(50, "a checkpoint each so many steps, rounded up to whole rounds", unit="steps")
    log_every: int = _field(5, "a line of figures each so many steps", unit="steps")

    def __post_init__(self) -> None:
        require(self.steps >= 0 and self.max_new_tokens >= 0, "a count is negative")
        counts = (self.prompts, self.micro_batch, self.updates, self.iterations)
        require(min(*counts, self.save_every, self.log_every) >= 1, "a count must be at least 1")
        require(self.group >= 2, "group must be at least 2")
        require(min(self.rate, self.temperature, self.clip) > 0, "rate, temperature and clip must be above 0")
        require(self.beta >= 0, "beta must not be negative")
        require(0 <= self.locate <= 1, "locate must be between 0 and 1")
        require(0 <= self.curriculum <= 1, "curriculum must be between 0 and 1")
        require(min(self.correctness, self.format, self.validation) >= 0, "a weight is negative")


@dataclass(frozen=True, slots=True)
class Evaluate:
    """How well the models of the run do, on slices that none of them was trained on."""

    data: str = _field("", "a data set; empty makes held-out phantoms, or takes the validation split")
    count: int = _field(304, "held-out phantoms to make", unit="slices")
    seed: int = _field(70003, "decides every held-out phantom; never that of the training data")
    split: Literal["validation", "test"] = _field(
        "validation", "of a site's own data set, the slices to evaluate on where data is empty"
    )
    ablations: bool = _field(
        True, "the last model also without zoom, without thinking, on blank slices, without the right option"
    )
    limit: int = _field(0, "only the first so many slices; 0 for all", unit="slices")
    control: bool = _field(
        False, "sft also goes on, on the same cases, for as long as grpo took: tells what grpo is worth"
    )
    workers: int = _field(1, "processes that evaluate, each with a model of its own (without a GPU only)")

    def __post_init__(self) -> None:
        require(min(self.count, self.workers) >= 1, "count and workers must be at least 1")
        require(self.seed >= 0 and self.limit >= 0, "seed and limit must not be negative")


@dataclass(frozen=True, slots=True)
class Export:
    """The bundle that the viewer gets."""

    name: str = _field("", "what the bundle is called; empty for the name of the one it started from")
    merged: bool = _field(False, "merge an adapter into the weights, in place of keeping it apart")
