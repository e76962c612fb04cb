"""Short runs of both trainings, the same here, in a child that is killed, and in two processes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from transformers import TrainerCallback

from medreason_viewer.reasoning.bundles import bundle
from trainer.grpo import rewards
from trainer.grpo import train as grpo
from trainer.grpo.plan import Grpo
from trainer.tuning import adapters
from trainer.tuning.fit import Fit
from trainer.tuning.sft import Sft, fine_tune

LORA = adapters.Lora(4, 8)


class Losses(TrainerCallback):
    """Writes each step's figures to a file at once, so that a killed run has told them too."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if state.is_world_process_zero and "loss" in logs:
            told = {"step": state.global_step} | {name: logs.get(name) for name in ("loss", "kl", "reward")}
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(told) + "\n")


def losses(file: Path) -> list[dict[str, float]]:
    """What a run, or several one after the other, wrote."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def sft(
    model: Path, data: Path, run: Path, told: Path, steps: int, save_every: int, mode: Any = "full"
) -> Any:
    """Fine-tune, from the last checkpoint if there is one; returns the model."""
    manifest = bundle.verify(model)
    plan = Sft(
        Fit(steps, batch=4, save_every=save_every, log_every=1, workers=0, learning_rate=1e-3),
        mode=mode,
        lora=LORA,
        nf4_from=0.5,
    )
    trained = adapters.to_train(model, manifest, mode, LORA, "cpu")
    fine_tune(trained, model, data, manifest, plan, run, True, [Losses(told)])
    return trained


def reinforced(
    model: Path, data: Path, run: Path, told: Path, steps: int, save_every: int, mode: Any = "full"
) -> Any:
    """Reinforce with a reward that tells a random model's replies apart; returns the model."""
    manifest = bundle.verify(model)
    plan = Grpo(
        steps,
        prompts=2,
        group=4,
        micro_batch=4,
        iterations=2,
        save_every=save_every,
        log_every=1,
        learning_rate=1e-3,
        mask_truncated=False,
    )
    trained = adapters.to_train(model, manifest, mode, LORA, "cpu")
    with mock.patch.dict(rewards.REWARDS, correctness=lambda reply, _truth: len(set(reply)) / 40):
        grpo.reinforce(trained, model, data, manifest, plan, run, True, [Losses(told)])
    return trained


KINDS = {"sft": sft, "grpo": reinforced}


def replay(group: int = 4) -> None:
    """From now on completions depend on prompt, image and place in the group alone, not on any model."""

    def completed(_trainer: Any, prompt_ids: Any, images: Any, *_: Any, **_how: Any) -> Any:
        made = []
        for place, (ids, shown) in enumerate(zip(prompt_ids, images, strict=True)):
            digest = hashlib.sha256(repr((list(ids), place % group)).encode())
            digest.update(np.asarray(shown[0]).tobytes())
            rng = np.random.default_rng(int.from_bytes(digest.digest()[:8], "big"))
            made.append(rng.integers(0, 380, size=rng.integers(3, 10)).tolist())
        return made, None

    grpo._Trainer._generate_single_turn = completed  # type: ignore[method-assign]
