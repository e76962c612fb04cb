"""The dense warm-up: the vision tower learns to see and to place a lesion before language comes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PrinterCallback, Qwen2_5_VLForConditionalGeneration, TrainingArguments

from medreason_viewer.reasoning.bundles.manifest import Manifest
from medreason_viewer.reasoning.engine.patches import to_patches

from ..data import dataset
from ..examples import items
from . import dense, resuming
from .fit import Fit, Progress, draws

TURNS: Final = {"locate": 0.5, "reason": 0.5}
SMALLER: Final = ("a smaller --batch",)


class WarmupCollator:
    """Pictures with their dense targets; can be pickled, for a worker process opens the data set itself."""

    def __init__(self, data: Path, manifest: Manifest) -> None:
        self._path, self._manifest = data, manifest
        self._opened: dataset.DataSet | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_opened": None}

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Tensors as :meth:`WarmedTower.forward` takes them."""
        if self._opened is None:
            self._opened = dataset.read(self._path)
        made = [self._one(self._opened, row) for row in rows]
        patches, grids = zip(*(to_patches(item.image) for item, _ in made), strict=True)
        targets = [target for _, target in made]
        return {
            "pixel_values": torch.from_numpy(np.concatenate(patches)),
            "grid": torch.tensor(grids),
            **dense.stacked(targets),
        }

    def _one(self, data: dataset.DataSet, row: dict[str, Any]) -> tuple[items.Item, dense.DenseTarget]:
        rng = np.random.default_rng(row["draw"])
        item = items.make(data, row["case"], row["turn"], self._manifest, rng)
        return item, dense.target_of(data, row["case"], item, dense.findings_of(self._manifest))


class WarmedTower(nn.Module):
    """The model's vision tower with dense heads on it."""

    def __init__(self, visual: nn.Module, hidden: int, findings: int) -> None:
        super().__init__()
        self.visual = visual
        self.heads = dense.DenseHeads(hidden, findings)

    def forward(
        self,
        pixel_values: Tensor,
        grid: Tensor,
        finding: Tensor,
        cells: Tensor,
        box_model: Tensor,
        boxed: Tensor,
    ) -> dict[str, Tensor]:
        """The loss of a batch of images of one size, and its parts."""
        features = dense.features_of(self.visual(pixel_values, grid_thw=grid))
        loss, parts = self.heads(features, finding, cells, box_model, boxed)
        return {"loss": loss, **{name: part.detach() for name, part in parts.items()}}


class _PartsTrainer(resuming.WholeCheckpoints):
    """Logs the parts of the loss beside it."""

    parts: dict[str, list[float]]

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        out = model(**inputs)
        if not hasattr(self, "parts"):
            self.parts = {}
        for name, value in out.items():
            if name != "loss":
                self.parts.setdefault(name, []).append(float(value))
        return (out["loss"], out) if return_outputs else out["loss"]

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        means = {name: sum(values) / len(values) for name, values in getattr(self, "parts", {}).items()}
        self.parts = {}
        super().log({**logs, **means}, start_time)


def warm_up(
    model: Qwen2_5_VLForConditionalGeneration,
    data: Path,
    manifest: Manifest,
    fit: Fit,
    folder: Path,
    resume: bool = False,
) -> dense.DenseHeads:
    """Train the model's vision tower, in place, on dense targets; returns the heads that read it.

    Parameters
    ----------
    folder : Path
        For checkpoints.
    resume : bool
        Go on from the last checkpoint in the folder, if there is one.
    """
    opened, findings = dataset.read(data), dense.findings_of(manifest)
    dense.refuse_unmarked(opened)
    tower = WarmedTower(model.model.visual, model.config.get_text_config().hidden_size, len(findings))
    trainer = _PartsTrainer(
        model=tower,
        args=TrainingArguments(**fit.arguments(folder)),
        train_dataset=draws(opened.to_learn(), fit.steps * fit.batch, TURNS, fit.seed),
        data_collator=resuming.Naming(WarmupCollator(data, manifest)),
        callbacks=[Progress("warm-up", fit.batch)],
    )
    trainer.remove_callback(PrinterCallback)
    resuming.train(trainer, folder, resume, SMALLER)
    return tower.heads
