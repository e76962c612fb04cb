"""Reinforcement learning by GRPO: TRL's trainer on the viewer's prompts, pictures and parser."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

import torch
from datasets import Dataset
from torch import Tensor, nn
from transformers import PrinterCallback, TrainerCallback
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from medreason_viewer.errors import DataSetError
from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.engine.tokens import ChatTokenizer

from ..data import dataset
from ..tuning import adapters, curriculum, resuming, same_training
from ..tuning.fit import Progress, draws
from ..tuning.nf4 import as_nf4, rounded
from .chat_processor import ChatProcessor
from .images_once import images_once
from .plan import Grpo
from .rewards import REWARDS, Score, Truth
from .rollouts import shared_prefill
from .rows import Rows
from .shared_prompts import shared_prompts

SMALLER: Final = (
    "a smaller --micro-batch",
    "--gradient-checkpointing",
    "a smaller --max-new-tokens",
    "--mode qlora",
)


def prompts(data: Path, manifest: Manifest, plan: Grpo) -> Dataset:
    """The run's prompts in order; each is made when it is read."""
    opened = dataset.read(data)
    cases = opened.to_learn()
    if not cases:
        raise DataSetError(f"There is no slice to train on in {data}.")
    rows = draws(cases, plan.rows, plan.turns, plan.seed)
    if plan.curriculum:
        hard = curriculum.hardness([case.size_mm for case in opened.cases])
        rows = curriculum.easy_first(rows, hard, plan.curriculum, plan.seed)
    made: Dataset = rows.with_transform(Rows(data, manifest))
    return made


def _as_trl(name: str, score: Score) -> Callable[..., list[float | None]]:
    def reward(completions: list[list[dict[str, str]]], truth: list[Truth], **_: Any) -> list[float | None]:
        return [score(said[0]["content"], right) for said, right in zip(completions, truth, strict=True)]

    reward.__name__ = name  # under which TRL logs it
    return reward


class _Trainer(resuming.WholeModel, GRPOTrainer):
    """TRL's trainer; a group's prompt and image are read once, and replies stay in the run's folder."""

    shared: bool = True
    rounded: bool = False
    folder: Path

    def _generate_single_turn(self, *args: Any, **kwargs: Any) -> Any:
        with shared_prefill(adapters.bare(self.trained)) if self.shared else nullcontext():
            generate: Callable[..., Any] = super()._generate_single_turn
            return generate(*args, **kwargs)

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: Tensor,
        attention_mask: Tensor,
        logits_to_keep: int,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        read: Callable[..., Any] = super()._get_per_token_logps_and_entropies
        with self._read_once(model, input_ids.shape[1] - logits_to_keep) if self.shared else nullcontext():
            return read(model, input_ids, attention_mask, logits_to_keep, *args, **kwargs)

    def _read_once(self, model: Any, prompt_tokens: int) -> AbstractContextManager[None]:
        bare = adapters.bare(self.accelerator.unwrap_model(model))
        if bare.training and bare.is_gradient_checkpointing:  # which keeps no cache
            return images_once(bare)
        return shared_prompts(bare, prompt_tokens)

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        step: Callable[..., Any] = super().training_step
        with as_nf4(self.trained.model.language_model) if self.rounded else nullcontext():
            return step(*args, **kwargs)  # rollouts included

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        super().log(logs, start_time)
        if self.accelerator.is_main_process and self._logs["completion"]:
            self._write_replies()

    def _write_replies(self) -> None:
        """The latest round's replies, in the run's folder alone: they count as patient data."""
        logs: dict[str, Any] = self._logs
        said, rewards = logs["completion"], logs["rewards"]
        columns = [said, logs["advantages"], *rewards.values()]
        lines = [
            {"reply": reply[0]["content"], "advantage": advantage, **dict(zip(rewards, scores, strict=True))}
            for reply, advantage, *scores in zip(*columns, strict=True)
        ]
        folder = self.folder / "replies"
        folder.mkdir(exist_ok=True)
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (folder / f"step-{self.state.global_step:06d}.jsonl").write_text(text, encoding="utf-8")


def round_to_nf4(language_model: nn.Module) -> None:
    """Round the linear layers' weights for good."""
    with torch.no_grad():
        for module in language_model.modules():
            if isinstance(module, nn.Linear):
                module.weight.data = rounded(module.weight)


def reinforce(
    model: Any,
    tokenizer_folder: Path,
    data: Path,
    manifest: Manifest,
    plan: Grpo,
    folder: Path,
    resume: bool = False,
    callbacks: Sequence[TrainerCallback] = (),
) -> list[dict[str, float]]:
    """Train the model, in place.

    Parameters
    ----------
    model : Qwen2_5_VLForConditionalGeneration or peft.PeftModel
        With an adapter only the adapter is trained.
    tokenizer_folder : Path
        Holds ``tokenizer.json``.
    folder : Path
        For checkpoints and replies; readable by its user alone.
    resume : bool
        Go on from the last checkpoint in the folder, if there is one.

    Returns
    -------
    list of dict
        What was logged: each reward apart, KL, lengths, and the step.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    same_training.hold_to(folder, data, plan, resume=resume)
    if not adapters.is_adapted(model) and not plan.train_vision:
        model.model.visual.requires_grad_(False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # TRL 1.16 uses old names of transformers 5.23
        trainer = _trainer(model, tokenizer_folder, prompts(data, manifest, plan), manifest, plan, folder)
        for callback in (Progress("grpo", plan.prompts * plan.group), *callbacks):
            trainer.add_callback(callback)
        return resuming.train(trainer, folder, resume, SMALLER)


def _trainer(
    model: Any, tokenizer_folder: Path, rows: Dataset, manifest: Manifest, plan: Grpo, folder: Path
) -> _Trainer:
    chat = ChatTokenizer(tokenizer_folder)
    model.generation_config.eos_token_id = sorted(chat.stop_ids)
    never_said = [*chat.never_said, *range(chat.size, model.config.get_text_config().vocab_size)]
    trainer = _Trainer(
        model=model,
        args=GRPOConfig(**plan.arguments(folder, manifest, never_said)),
        reward_funcs=[_as_trl(name, score) for name, score in REWARDS.items()],
        train_dataset=rows,
        processing_class=ChatProcessor(tokenizer_folder),
    )
    adapters.keep_exact(model)
    trainer.remove_callback(PrinterCallback)
    trainer.shared, trainer.trained, trainer.folder = plan.shared, model, folder
    sharded = trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled
    trainer.rounded = plan.rounded and not (adapters.is_adapted(model) or sharded)
    if trainer.rounded and trainer.ref_model is not None:
        round_to_nf4(trainer.ref_model.model.language_model)
    return trainer
