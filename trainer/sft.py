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
from transformers import AutoTokenizer, PrinterCallback, Qwen2_5_VLForConditionalGeneration, TrainerCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from medreason_viewer.errors import DataSetError
from medreason_viewer.reasoning.manifest import Manifest

from . import dataset, dense
from .collate import Collator
from .fit import Fit, Progress, draws, last_checkpoint
from .nf4 import as_nf4

DEFAULT_TURNS: Final = {"locate": 0.5, "reason": 0.5}


@dataclass(frozen=True, slots=True)
class Sft:
    """How the fine-tuning goes.

    Attributes
    ----------
    nf4_from : float
        From this part of the steps on (0 to 1), the passes see the weights rounded to NF4; 1 for never.
    emphasis : dict of str to float
        How often a round shows the slices of a finding, where not once: more for what is hard to see.
    dense_weight : float
        Of the warm-up's loss, which goes on beside the language's so that the tower keeps its sense of place.
    """

    fit: Fit
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
            If an emphasis names a finding that no case has.
        """
        cases = data.of_split("train")
        findings = [data.cases[case].finding for case in cases]
        if strange := set(self.emphasis) - set(findings):
            raise DataSetError(f"No case of the data set has the finding {', '.join(sorted(strange))}.")
        times = [self.emphasis.get(finding, 1.0) for finding in findings]
        return draws(cases, self.fit.steps * self.fit.batch, self.turns, self.fit.seed, times)


class _Trainer(SFTTrainer):
    """TRL's trainer, with weights rounded from a given step on, and the warm-up's loss beside its own."""

    nf4_from_step: int = 0
    trained: Qwen2_5_VLForConditionalGeneration
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
        return loss + self.dense_weight * extra

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Load a checkpoint's weights; transformers 5.23's own way finds no place for any and goes on."""
        saved = Qwen2_5_VLForConditionalGeneration.from_pretrained(
            resume_from_checkpoint, dtype=torch.float32, local_files_only=True, use_safetensors=True
        )
        nn.Module.load_state_dict(self.trained, saved.state_dict())

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        step: Callable[..., Any] = super().training_step
        if self.state.global_step < self.nf4_from_step:
            return step(*args, **kwargs)
        with as_nf4(self.trained.model.language_model):
            return step(*args, **kwargs)


def fine_tune(
    model: Qwen2_5_VLForConditionalGeneration,
    tokenizer_folder: Path,
    data: Path,
    manifest: Manifest,
    plan: Sft,
    folder: Path,
    resume: bool = False,
    callbacks: Sequence[TrainerCallback] = (),
    heads: dense.DenseHeads | None = None,
) -> None:
    """Train the whole model, in place, on the replies of both turns.

    Parameters
    ----------
    tokenizer_folder : Path
        Holds ``tokenizer.json``.
    folder : Path
        For checkpoints.
    resume : bool
        Go on from the last checkpoint in the folder, if there is one.
    heads : DenseHeads, optional
        The warm-up's heads; with them its loss goes on, through heads that no longer change.
    """
    fit = plan.fit
    arguments = SFTConfig(
        **fit.arguments(folder),
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        activation_checkpointing=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        trainer = _Trainer(
            model=model,
            args=arguments,
            train_dataset=plan.rows(dataset.read(data)),
            data_collator=Collator(data, tokenizer_folder, manifest, with_dense=heads is not None),
            processing_class=AutoTokenizer.from_pretrained(tokenizer_folder),
            callbacks=[Progress("sft", fit.batch), *callbacks],
        )
    trainer.remove_callback(PrinterCallback)
    trainer.trained, trainer.dense_weight = model, plan.dense_weight
    trainer.heads = heads.requires_grad_(False) if heads is not None else None
    trainer.nf4_from_step = int(plan.nf4_from * fit.steps)
    checkpoint = last_checkpoint(folder) if resume else None
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
