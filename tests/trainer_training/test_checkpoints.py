"""A checkpoint is complete or not there, and only a complete one is gone on from."""

from __future__ import annotations

import errno
import logging
import pickle
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from short_runs import KINDS, losses
from transformers import TrainerCallback

from medreason_viewer.errors import DataSetError, TrainingError
from medreason_viewer.reasoning.bundles.manifest import Manifest
from trainer.tuning import adapters, checkpoints, resuming
from trainer.tuning.fit import Fit
from trainer.tuning.sft import Sft, fine_tune


def save(run: Path, step: int, content: bytes = b"weights") -> Path:
    beside = checkpoints.begin(run) / checkpoints.name_of(step)
    (beside / "inner").mkdir(parents=True)
    (beside / "model.safetensors").write_bytes(content)
    (beside / "inner" / "optimizer.pt").write_bytes(content * 2)
    (beside / "training_args.bin").write_bytes(b"pickled")
    return checkpoints.finish(run, step)


def names(run: Path) -> list[str]:
    """The checkpoints there are, and what is left of others."""
    return sorted(path.name for path in run.iterdir() if path.suffix != ".json")


def test_two_are_kept_and_the_newest_is_chosen(tmp_path: Path) -> None:
    assert checkpoints.last_checkpoint(tmp_path) is None
    for step in (5, 10, 20, 100):
        save(tmp_path, step)
    assert names(tmp_path) == ["checkpoint-100", "checkpoint-20"]
    assert checkpoints.last_checkpoint(tmp_path) == tmp_path / "checkpoint-100"
    assert not (tmp_path / "checkpoint-100" / "training_args.bin").exists()


def _cut(folder: Path) -> None:
    (folder / "inner" / "optimizer.pt").write_bytes(b"weights")


def _flip(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"Weights")


def _lose(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _add(folder: Path) -> None:
    (folder / "optimizer.bin").write_bytes(b"of somebody else")


def _unfinish(folder: Path) -> None:
    (folder / checkpoints.HASHES).unlink()


def _scribble(folder: Path) -> None:
    (folder / checkpoints.HASHES).write_text('{"files": ')


@pytest.mark.parametrize("damage", [_cut, _flip, _lose, _add, _unfinish, _scribble])
def test_a_damaged_one_is_named_and_the_one_before_is_used(
    damage: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path, 5)
    damage(save(tmp_path, 10))
    with caplog.at_level(logging.WARNING):
        assert checkpoints.last_checkpoint(tmp_path) == tmp_path / "checkpoint-5"
    assert "checkpoint-10 is not used" in caplog.text
    save(tmp_path, 8)
    assert names(tmp_path) == ["checkpoint-5", "checkpoint-8"]


def test_a_save_cut_short_is_never_chosen_and_is_cleared_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path, 5)
    half = checkpoints.begin(tmp_path) / "checkpoint-10"
    half.mkdir()
    checkpoints.write_hashes(half)
    assert checkpoints.last_checkpoint(tmp_path) == tmp_path / "checkpoint-5"
    assert "cut short" in caplog.text
    save(tmp_path, 10)
    assert names(tmp_path) == ["checkpoint-10", "checkpoint-5"]


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("I/O error: ... (os error 28)")],
)
def test_a_full_disk_is_a_sentence_and_gives_the_space_back(error: Exception, tmp_path: Path) -> None:
    save(tmp_path, 5)
    (checkpoints.begin(tmp_path) / "checkpoint-10").mkdir()
    sentence = r"no room .* step 10; checkpoint-5 is as it was.*--resume"
    with pytest.raises(TrainingError, match=sentence), checkpoints.saving(tmp_path, 10):
        raise error
    assert names(tmp_path) == ["checkpoint-5"]
    with pytest.raises(KeyError), checkpoints.saving(tmp_path, 10):
        raise KeyError("something else")


class _Limit(TrainerCallback):
    """After the first checkpoint no file may grow beyond some size, as on a full disk."""

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def test_a_run_that_finds_no_room_stops_and_goes_on_when_there_is(
    tiny_bundle: Path, phantom_folder: Path, manifest: Manifest, tmp_path: Path
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    plan = Sft(Fit(3, batch=2, save_every=1, log_every=1, workers=0))
    run = tmp_path / "run"

    def tune(*callbacks: TrainerCallback) -> None:
        model = adapters.to_train(tiny_bundle, manifest, "full", device="cpu")
        fine_tune(model, tiny_bundle, phantom_folder, manifest, plan, run, True, callbacks)

    try:
        with pytest.raises(
            TrainingError, match=r"no room .* checkpoint of step 2; checkpoint-1 is as it was"
        ):
            tune(_Limit())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(run) == ["checkpoint-1"]
    tune()
    assert names(run) == ["checkpoint-2", "checkpoint-3"]


@pytest.mark.parametrize("kind", ["sft", "grpo"])
@pytest.mark.parametrize("mode", ["full", "qlora"])
def test_weights_after_resuming_are_the_checkpoints(
    kind: str, mode: str, tiny_bundle: Path, phantom_folder: Path, tmp_path: Path
) -> None:
    """A run that is over already takes no step when it is resumed: what it holds is what it loaded."""
    given = (tiny_bundle, phantom_folder, tmp_path / "run", tmp_path / "told.jsonl", 2, 2, mode)
    trained = KINDS[kind](*given).state_dict()
    assert len(losses(tmp_path / "told.jsonl")) == 2
    resumed = KINDS[kind](*given).state_dict()
    assert len(losses(tmp_path / "told.jsonl")) == 2
    start = adapters.to_train(tiny_bundle, _manifest(tiny_bundle), mode, device="cpu").state_dict()
    assert trained.keys() == resumed.keys()
    assert all(torch.equal(resumed[name], value) for name, value in trained.items())
    moved = [
        name for name, value in trained.items() if name not in start or not torch.equal(value, start[name])
    ]
    assert moved


def _manifest(folder: Path) -> Manifest:
    from medreason_viewer.reasoning.bundles import bundle

    return bundle.verify(folder)


class _Bomb:
    """What runs code when it is unpickled with more trust than weights_only."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def __reduce__(self) -> Any:
        return Path.touch, (self._trace,)


@pytest.mark.parametrize("name", ["rng_state.pth", "optimizer.pt", "scheduler.pt"])
def test_nothing_in_a_checkpoint_is_trusted_with_more_than_tensors(
    name: str, tiny_bundle: Path, phantom_folder: Path, tmp_path: Path
) -> None:
    run, trace = tmp_path / "run", tmp_path / "trace"
    KINDS["sft"](tiny_bundle, phantom_folder, run, tmp_path / "told.jsonl", 2, 1)
    shutil.rmtree(run / "checkpoint-2")
    folder = run / "checkpoint-1"
    torch.save({"python": _Bomb(trace)}, folder / name, pickle_module=pickle)
    checkpoints.write_hashes(folder)
    assert checkpoints.last_checkpoint(run) == folder
    with pytest.raises(TrainingError, match="more than numbers"):
        KINDS["sft"](tiny_bundle, phantom_folder, run, tmp_path / "told.jsonl", 2, 1)
    assert not trace.exists()
    shutil.rmtree(run)


class _Spoil(TrainerCallback):
    """Makes a weight no number after a step."""

    def __init__(self, step: int) -> None:
        self._step = step

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        if state.global_step == self._step:
            with torch.no_grad():
                model.lm_head.weight[0, 0] = torch.nan


@pytest.mark.parametrize(("save_every", "told"), [(2, "a weight after step 2"), (1000, "the loss of step 3")])
def test_numbers_that_are_none_end_the_run_and_are_never_saved(
    save_every: int, told: str, tiny_bundle: Path, phantom_folder: Path, manifest: Manifest, tmp_path: Path
) -> None:
    plan = Sft(Fit(4, batch=2, save_every=save_every, log_every=1, workers=0))
    model = adapters.to_train(tiny_bundle, manifest, "full", device="cpu")
    with pytest.raises(TrainingError, match=f"{told} is not a finite number"):
        fine_tune(model, tiny_bundle, phantom_folder, manifest, plan, tmp_path / "run", False, [_Spoil(2)])
    assert checkpoints.last_checkpoint(tmp_path / "run") is None


class _Hungry(TrainerCallback):
    def __init__(self, error: Exception) -> None:
        self._error = error

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 1:
            raise self._error


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("DataLoader worker (pid 12) is killed by signal: Killed."),
    ],
)
def test_too_little_memory_is_a_sentence_and_the_run_goes_on_from_where_it_was(
    error: Exception, tiny_bundle: Path, phantom_folder: Path, manifest: Manifest, tmp_path: Path
) -> None:
    plan = Sft(Fit(2, batch=2, save_every=1, log_every=1, workers=0))
    model = adapters.to_train(tiny_bundle, manifest, "full", device="cpu")
    with pytest.raises(TrainingError, match=r"does not suffice\. Try a smaller --micro-batch, .*--resume"):
        fine_tune(
            model, tiny_bundle, phantom_folder, manifest, plan, tmp_path / "run", False, [_Hungry(error)]
        )
    assert checkpoints.last_checkpoint(tmp_path / "run") == tmp_path / "run" / "checkpoint-1"


@pytest.mark.parametrize("workers", [0, 1])
def test_a_sample_that_makes_no_example_is_named_in_one_sentence(
    workers: int,
    tiny_bundle: Path,
    phantom_folder: Path,
    manifest: Manifest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from trainer.examples import items

    stock, bad = items.make, 3

    def make(data: Any, index: int, *rest: Any) -> Any:
        if index == bad:
            raise ValueError("its box is empty")
        return stock(data, index, *rest)

    monkeypatch.setattr(items, "make", make)
    plan = Sft(Fit(8, batch=4, save_every=1, log_every=1, workers=workers))
    model = adapters.to_train(tiny_bundle, manifest, "full", device="cpu")
    with pytest.raises(DataSetError) as raised:
        fine_tune(model, tiny_bundle, phantom_folder, manifest, plan, tmp_path / "run")
    assert str(raised.value).startswith("Row 3 of the data set cannot be made into an example of the ")
    assert "its box is empty" in str(raised.value)
    assert "Traceback" not in str(raised.value)


def test_a_batch_whose_rows_are_good_alone_is_named_by_its_rows() -> None:
    def collate(rows: Any) -> int:
        if len(rows) > 1:
            raise ValueError("sizes differ")
        return len(rows)

    named = resuming.Naming(collate)
    rows = [{"case": number, "turn": "reason"} for number in (4, 7)]
    assert named(rows[:1]) == 1
    with pytest.raises(DataSetError, match=r"do not fit into one batch: \[4, 7\]"):
        named(rows)
