"""The settings of reinforcement learning, and how they become TRL's."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import torch

from medreason_viewer.reasoning.bundles.manifest import Manifest

from ..tuning import processes, tracking
from .rewards import Weights

Loss = Literal["grpo", "dr_grpo", "dapo", "bnpo", "gspo"]
Scale = Literal["group", "batch", "none"]
Rollouts = Literal["local", "vllm"]
LOSSES: Final[tuple[Loss, ...]] = ("grpo", "dr_grpo", "dapo", "bnpo", "gspo")
DEFAULT_TURNS: Final = {"locate": 0.5, "reason": 0.5}
_NEVER: Final = -100.0  # the strongest bias that vLLM takes
NO_THINK_PROMPT: Final = "{question} Give one of {classes} in <{tag}> </{tag}>, and nothing else."


@dataclass(frozen=True, slots=True)
class Grpo:
    """How the reinforcement learning goes. Defaults are this project's own, near those of its peers.

    Attributes
    ----------
    steps : int
        Of the optimizer.
    prompts, group : int
        Prompts of one round of rollouts, and completions of each.
    micro_batch : int
        Completions in one backward pass, per process.
    updates, iterations : int
        Optimizer steps into which a round is divided, and how often it is gone through.
    beta : float
        Of the KL divergence from the model at the start.
    clip, clip_high : float
        Bounds of the probability ratio: 1 - clip to 1 + clip_high (None: clip).
    loss : {"grpo", "dr_grpo", "dapo", "bnpo", "gspo"}
        ``gspo`` is ``grpo`` with one ratio a completion (Zheng et al. 2025, arXiv 2507.18071).
    scale : {"group", "batch", "none"}
        By whose spread of rewards an advantage is divided. ``group`` makes every prompt count alike, however
        little its replies differ; ``none`` is what Liu et al. 2025 (arXiv 2503.20783) advise.
    max_new_tokens : int or None
        Of a completion; None takes the longest that the bundle allows.
    mask_truncated : bool
        Completions that were cut off teach nothing.
    train_vision : bool
        In full training, whether the vision tower changes too.
    rounded : bool
        In full training, whether every pass sees the weights rounded to NF4, as the viewer runs them.
    curriculum : float
        How far the order of the prompts goes by difficulty (see :mod:`trainer.tuning.curriculum`), 0 to 1.
    shared : bool
        Read each prompt once for its whole group.
    rollouts : {"local", "vllm"}
        Whether the model in training writes the completions, or vLLM beside it on the same GPU. The latter
        follows TRL's and vLLM's documentation and was not run yet.

    Raises
    ------
    ValueError
        If a number makes no sense, or the numbers do not divide.
    """

    steps: int
    prompts: int = 4
    group: int = 8
    micro_batch: int = 8
    updates: int = 1
    iterations: int = 1
    learning_rate: float = 1e-6
    beta: float = 0.02
    clip: float = 0.2
    clip_high: float | None = None
    loss: Loss = "dapo"
    scale: Scale = "group"
    temperature: float = 1.0
    max_new_tokens: int | None = None
    mask_truncated: bool = True
    train_vision: bool = False
    rounded: bool = True
    curriculum: float = 0.0
    shared: bool = True
    rollouts: Rollouts = "local"
    weights: Weights = field(default_factory=Weights)
    turns: dict[str, float] = field(default_factory=lambda: dict(DEFAULT_TURNS))
    seed: int = 0
    save_every: int = 50
    log_every: int = 5
    gradient_checkpointing: bool = False

    def __post_init__(self) -> None:
        counts = (self.steps, self.prompts, self.micro_batch, self.updates, self.iterations)
        if min(*counts, self.save_every, self.log_every) < 1 or self.group < 2:
            raise ValueError("counts must be at least 1, and a group at least 2")
        if min(self.learning_rate, self.temperature, self.clip) <= 0 or self.beta < 0:
            raise ValueError("rate, temperature and clip must be positive, and beta not negative")
        if not 0 <= self.curriculum <= 1:
            raise ValueError("a curriculum's strictness lies between 0 and 1")
        if self.loss not in LOSSES:
            raise ValueError(f"the loss {self.loss!r} is none of {', '.join(LOSSES)}")

    @property
    def boundary(self) -> int:
        """Optimizer steps from one round of rollouts to the next: resuming is exact at its multiples only."""
        return self.updates * self.iterations

    @property
    def save_steps(self) -> int:
        """``save_every``, rounded up to a multiple of :attr:`boundary`."""
        return -(-self.save_every // self.boundary) * self.boundary

    @property
    def rows(self) -> int:
        """Prompts that the whole run takes."""
        return -(-self.steps // self.boundary) * self.prompts

    def batches(self, processes: int) -> int:
        """Backward passes of one round, per process.

        Raises
        ------
        ValueError
            If the completions of a round do not divide.
        """
        passes, rest = divmod(self.prompts * self.group, self.micro_batch * processes)
        if rest or passes % self.updates:
            raise ValueError(
                f"{self.prompts} prompts x {self.group} completions do not divide into {self.updates} "
                f"updates of {processes} x {self.micro_batch} completions; change one of them"
            )
        return passes

    def _generation(self, never_said: Sequence[int]) -> dict[str, Any]:
        if self.rollouts == "local":
            return {"generation_kwargs": {"suppress_tokens": list(never_said)}}
        biased = {"logit_bias": dict.fromkeys(never_said, _NEVER)}  # vLLM knows no suppress_tokens
        return {"use_vllm": True, "vllm_mode": "colocate", "generation_kwargs": biased}

    def arguments(self, folder: Path, manifest: Manifest, never_said: Sequence[int]) -> dict[str, Any]:
        """The settings as ``trl.GRPOConfig`` takes them; checkpoints go to the folder."""
        passes = self.batches(processes.count())
        decoding, on_gpu = manifest.decoding, torch.cuda.is_available()
        longest = max(decoding.locate_max_new_tokens, decoding.reason_max_new_tokens)
        return {
            "output_dir": str(folder),
            "max_steps": self.steps,
            "per_device_train_batch_size": self.micro_batch,
            "steps_per_generation": passes,
            "gradient_accumulation_steps": passes // self.updates,
            "num_iterations": self.iterations,
            "num_generations": self.group,
            "learning_rate": self.learning_rate,
            "lr_scheduler_type": "constant_with_warmup",
            "warmup_steps": min(10, self.steps // 10),
            "beta": self.beta,
            "epsilon": self.clip,
            "epsilon_high": self.clip_high,
            "loss_type": "grpo" if self.loss == "gspo" else self.loss,
            "scale_rewards": self.scale,
            "importance_sampling_level": "sequence" if self.loss == "gspo" else "token",
            "temperature": self.temperature,
            "max_completion_length": self.max_new_tokens or longest,
            "mask_truncated_completions": self.mask_truncated,
            **self._generation(never_said),
            "reward_weights": self.weights.as_list(),
            "shuffle_dataset": False,
            "seed": self.seed,
            "save_steps": self.save_steps,
            "save_total_limit": None,  # checkpoints.py keeps two, for it knows which are whole
            "logging_steps": self.log_every,
            "activation_checkpointing": self.gradient_checkpointing,
            "remove_unused_columns": False,
            "dataloader_pin_memory": False,
            "bf16": on_gpu,
            "use_cpu": not on_gpu,
            "report_to": tracking.report_to("grpo"),
            "disable_tqdm": True,
        }


def without_thinking(manifest: Manifest) -> Manifest:
    """The manifest of a model that answers at once: another prompt, and a format without thinking."""
    reply = dataclasses.replace(manifest.reply, thinking=False)
    text = NO_THINK_PROMPT.replace("{tag}", reply.answer_tag)
    prompt = dataclasses.replace(manifest.prompt, reason=text)
    return dataclasses.replace(manifest, reply=reply, prompt=prompt)
