"""Supervised fine-tuning of both turns of the dialogue: TRL's trainer, the viewer's prompts and pictures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from datasets import Dataset
from torch import nn
from transformers import AutoTokenizer, PrinterCallback, TrainerCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from medreason_viewer.errors import DataSetError
from medreason_viewer.reasoning.bundles.manifest import Manifest

from ..data import dataset
from ..examples.collate import Collator
from . import adapters, dense, resuming, same_training
from .fit import Fit, Progress, draws
from .nf4 import as_nf4

DEFAULT_TURNS: Final = {"locate": 0.5, "reason": 0.5}
SMALLER: Final = ("a smaller --micro-batch", "--gradient-checkpointing", "--mode qlora")


@dataclass(frozen=True, slots=True)
class Sft:
    """How the fine-tuning goes.

    Attributes
    ----------
    mode : {"full", "lora", "qlora"}
        All weights, an adapter on a plain base, or one on a base in NF4.
    lora : Lora
        Rank and scale of a new adapter.
    nf4_from : float
        From this part of the steps on (0 to 1), the passes see the weights rounded to NF4; 1 for never. In
        full mode only: under an adapter the base is what it is.
    emphasis : dict of str to float
        How often a round shows the slices of a finding, where not once: more for what is hard to see.
    dense_weight : float
        Of the warm-up's loss, which goes on beside the language's so that the tower keeps its sense of place.
    """

    fit: Fit
    mode: adapters.Mode = "full"
    lora: adapters.Lora = field(default_factory=adapters.Lora)
    turns: dict[str, float] = field(default_factory=lambda: dict(DEFAULT_TURNS))
    emphasis: dict[str, float] = field(default_factory=dict)
    nf4_from: float = 0.6
    dense_weight: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.nf4_from <= 1:
            raise ValueError("nf4_from must be between 0 and 1")
        if any(times < 0 for times in self.emphasis.values()):
            raise ValueError("an emphasis must not be negative")

    def rows(self, data: dataset.DataSet) -> Dataset:
        """What is drawn from the training split.

        Raises
        ------
        DataSetError
            If there is nothing to learn from, or an emphasis names a finding that no case has.
        """
        cases = data.to_learn()
        if not cases:
            raise DataSetError(f"There is no slice to train on in {data.folder}.")
        findings = [data.cases[case].finding for case in cases]
        if strange := set(self.emphasis) - set(findings):
            raise DataSetError(f"No case of the data set has the finding {', '.join(sorted(strange))}.")
        times = [self.emphasis.get(finding, 1.0) for finding in findings]
        return draws(cases, self.fit.steps * self.fit.batch, self.turns, self.fit.seed, times)


class _Trainer(resuming.WholeModel, SFTTrainer):
    """TRL's trainer, with weights rounded from a given step on, and the warm-up's loss beside its own."""

    nf4_from_step: int | None = None
    heads: dense.DenseHeads | None = None
    dense_weight: float = 0.0

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        compute: Callable[..., Any] = super().compute_loss
        targets = {name: inputs.pop(name) for name in dense.TARGET_NAMES if name in inputs}
        if self.heads is None or not targets:
            return compute(model, inputs, return_outputs, num_items_in_batch)
        seen: list[Any] = []
        visual: nn.Module = self.trained.model.visual
        hook = visual.register_forward_hook(lambda _module, _given, output: seen.append(output))
        try:
            loss = compute(model, inputs, num_items_in_batch=num_items_in_batch)
        finally:
            hook.remove()
        extra, _ = self.heads(dense.features_of(seen[0]), **targets)
        return loss + self.dense_weight * extra / self.current_gradient_accumulation_steps

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        step: Callable[..., Any] = super().training_step
        if self.nf4_from_step is None or self.state.global_step < self.nf4_from_step:
            return step(*args, **kwargs)
        with as_nf4(self.trained.model.language_model):
            return step(*args, **kwargs)


def fine_tune(
    model: Any,
    tokenizer_folder: Path,
    data: Path,
    manifest: Manifest,
    plan: Sft,
    folder: Path,
    resume: bool = False,
    callbacks: Sequence[TrainerCallback] = (),
    heads: dense.DenseHeads | None = None,
) -> list[dict[str, float]]:
    """Train the model, in place, on the replies of both turns.

    Parameters
    ----------
    model : Qwen2_5_VLForConditionalGeneration or peft.PeftModel
        With an adapter only the adapter is trained.
    tokenizer_folder : Path
        Holds ``tokenizer.json``.
    folder : Path
        For checkpoints.
    resume : bool
        Go on from the last whole checkpoint in the folder, if there is one.
    heads : DenseHeads, optional
        The warm-up's heads; with them its loss goes on, through heads that no longer change.

    Returns
    -------
    list of dict
        What was logged: the loss, the share of right tokens, and the step.

    Raises
    ------
    TrainingError, DataSetError
        As :func:`trainer.tuning.resuming.train`.
    """
    same_training.hold_to(folder, data, plan, resume=resume)
    trainer = _trainer(model, tokenizer_folder, data, manifest, plan, folder, heads)
    for callback in (Progress("sft", plan.fit.batch), *callbacks):
        trainer.add_callback(callback)
    return resuming.train(trainer, folder, resume, SMALLER)


def _trainer(
    model: Any,
    tokenizer_folder: Path,
    data: Path,
    manifest: Manifest,
    plan: Sft,
    folder: Path,
    heads: dense.DenseHeads | None,
) -> _Trainer:
    arguments = plan.fit.arguments(folder) | {"bf16": torch.cuda.is_available()}
    collator = Collator(data, tokenizer_folder, manifest, with_dense=heads is not None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # TRL 1.16 uses old names of transformers 5.23
        trainer = _Trainer(
            model=model,
            args=SFTConfig(**arguments, max_length=None, dataset_kwargs={"skip_prepare_dataset": True}),
            train_dataset=plan.rows(dataset.read(data)),
            data_collator=resuming.Naming(collator),
            processing_class=AutoTokenizer.from_pretrained(tokenizer_folder),
        )
    trainer.remove_callback(PrinterCallback)
    trainer.trained = model
    trainer.model_accepts_loss_kwargs = True  # TRL weighs by tokens; Qwen2.5-VL's class says it could not
    adapters.keep_exact(model)
    if heads is not None:
        trainer.heads, trainer.dense_weight = heads.requires_grad_(False), plan.dense_weight
    sharded = trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled
    if plan.mode == "full" and not sharded:
        trainer.nf4_from_step = int(plan.nf4_from * plan.fit.steps)
    return trainer
