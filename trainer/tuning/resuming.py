"""What every stage of the training survives, and in which words it says what it cannot."""

from __future__ import annotations

import contextlib
import os
import pickle
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import Qwen2_5_VLForConditionalGeneration, Trainer

from medreason_viewer.errors import DataSetError, MedReasonError, TrainingError

from . import adapters, checkpoints, pace

_WEIGHTS_ONLY: Final = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
_NO_MEMORY: Final = re.compile(r"can't allocate memory|out of memory|DataLoader worker .*killed", re.I)
_BAD_DATA: Final = (ValueError, TypeError, LookupError, ArithmeticError, OSError)
_RELAYED: Final = "Original Traceback"  # torch.utils.data puts a worker's whole traceback into the message


class WholeCheckpoints(Trainer):
    """A trainer whose checkpoints are complete or not there, and that stops where numbers are none.

    For the front of the bases of a trainer of transformers or TRL.
    """

    _writing: bool = False

    def create_model_card(self, *_: Any, **_how: Any) -> None:
        """None: TRL's names local paths; a bundle has a card of its own."""

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._run_folder / checkpoints.UNFINISHED if self._writing else self._run_folder)

    @property
    def _run_folder(self) -> Path:
        return Path(str(self.args.output_dir))

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        run, step = self._run_folder, self.state.global_step
        self._refuse_broken_weights()
        with checkpoints.saving(run, step):
            if self.args.should_save:
                checkpoints.begin(run)
            self.accelerator.wait_for_everyone()
            self._writing = True
            try:
                super()._save_checkpoint(model, trial)
            finally:
                self._writing = False
            self.accelerator.wait_for_everyone()
            if self.args.should_save:
                checkpoints.finish(run, step)
            self.accelerator.wait_for_everyone()

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        """One backward pass; a loss that is no number ends the run before it spoils the weights."""
        step: Callable[..., Tensor] = super().training_step
        loss = step(*args, **kwargs)
        if not torch.isfinite(loss).all():
            raise TrainingError(_diverged(f"the loss of step {self.state.global_step + 1}"))
        return loss

    def _refuse_broken_weights(self) -> None:
        """A gradient can break weights of which no loss has told yet."""
        model: nn.Module = self.accelerator.unwrap_model(self.model)
        if any(weight.requires_grad and not torch.isfinite(weight).all() for weight in model.parameters()):
            raise TrainingError(_diverged(f"a weight after step {self.state.global_step}"))


class WholeModel(WholeCheckpoints):
    """The same for a trainer of the model itself, all of it or an adapter."""

    trained: Any

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if adapters.is_adapted(self.trained) or self.is_fsdp_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
        else:
            load_full(self.trained, resume_from_checkpoint)


def _diverged(what: str) -> str:
    return (
        f"The training ran away: {what} is not a finite number. Nothing of it was saved; lower the learning "
        "rate and give the command with --resume, which goes on from the last checkpoint."
    )


def load_full(model: nn.Module, folder: str) -> None:
    """Put a checkpoint's weights into a whole model, in place.

    transformers 5.23's own way finds no place for any, warns, and goes on: it looks for the names that the
    model has in memory, where the files have the published ones.
    """
    dtype = next(model.parameters()).dtype
    saved = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        folder, dtype=dtype, local_files_only=True, use_safetensors=True
    )
    nn.Module.load_state_dict(model, saved.state_dict())


def train(trainer: Trainer, run: Path, resume: bool, smaller: Sequence[str]) -> list[dict[str, float]]:
    """Train to the end, from the last whole checkpoint where that is asked for.

    Parameters
    ----------
    run : Path
        Where the checkpoints are.
    smaller : sequence of str
        What a user can change where memory does not suffice.

    Returns
    -------
    list of dict
        What was logged, with its step.

    Raises
    ------
    TrainingError
        If it cannot go on: memory or disk is full, or the numbers are none.
    DataSetError
        If a sample cannot be made into an example; the row is named.
    """
    checkpoint = checkpoints.last_checkpoint(run) if resume else None
    with _in_sentences(smaller), _weights_only(), pace.kept(trainer, run):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    history: list[dict[str, float]] = trainer.state.log_history
    return history


@contextlib.contextmanager
def _weights_only() -> Iterator[None]:
    """Within the block ``torch.load`` builds tensors and plain values only, whoever calls it."""
    before = os.environ.get(_WEIGHTS_ONLY)
    os.environ[_WEIGHTS_ONLY] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_WEIGHTS_ONLY]
        else:
            os.environ[_WEIGHTS_ONLY] = before


@contextlib.contextmanager
def _in_sentences(smaller: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except MedReasonError as error:
        if _RELAYED not in str(error):
            raise
        raise type(error)(str(error).rstrip().rpartition("Error: ")[2]) from None
    except pickle.UnpicklingError as error:
        raise TrainingError(
            "The checkpoint holds more than numbers, so this program did not write it; remove its folder and "
            "give the command with --resume again."
        ) from error
    except (MemoryError, RuntimeError) as error:  # torch.OutOfMemoryError is a RuntimeError
        if not (isinstance(error, MemoryError | torch.OutOfMemoryError) or _NO_MEMORY.search(str(error))):
            raise
        raise TrainingError(_out_of_memory(smaller)) from error


def _out_of_memory(smaller: Sequence[str]) -> str:
    where = f"the GPU ({torch.cuda.get_device_name()})" if torch.cuda.is_available() else "this computer"
    return (
        f"The memory of {where} does not suffice. Try {', '.join(smaller)}, and give the command with "
        "--resume: it goes on from the last checkpoint."
    )


class Naming:
    """A collator that names the row of a sample which cannot be made into an example.

    Parameters
    ----------
    collate : callable
        Makes a batch of rows; can be pickled.
    """

    def __init__(self, collate: Callable[[Sequence[dict[str, Any]]], Any]) -> None:
        self._collate = collate

    def __call__(self, rows: Sequence[dict[str, Any]]) -> Any:
        """The batch.

        Raises
        ------
        DataSetError
            With the number of the row.
        """
        try:
            return self._collate(rows)
        except _BAD_DATA as error:
            for row in rows:
                with naming(row["case"], row["turn"]):
                    self._collate([row])
            raise DataSetError(
                f"These rows do not fit into one batch: {[row['case'] for row in rows]}."
            ) from error


@contextlib.contextmanager
def naming(case: int, turn: str) -> Iterator[None]:
    """Within the block an example is made; what is wrong with its data is told with its row.

    Raises
    ------
    DataSetError
    """
    try:
        yield
    except _BAD_DATA as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise DataSetError(
            f"Row {case} of the data set cannot be made into an example of the {turn} turn: {reason}. "
            "Remove or repair that row, make the data set again, and give the command with --resume."
        ) from error
