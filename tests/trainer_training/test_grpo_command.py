"""``grpo`` and ``bench`` from their arguments to their results."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from medreason_viewer.errors import DataSetError
from medreason_viewer.reasoning.bundles import bundle
from trainer.grpo import command as grpo_command

SHORT = "--steps 1 --prompts 1 --group 2 --micro-batch 2 --threads 1 --device cpu"


@pytest.fixture(autouse=True)
def threads_as_they_were() -> Iterator[None]:
    """The commands set them for the whole process."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    grpo_command.add(commands.add_parser("grpo"))
    grpo_command.add_bench(commands.add_parser("bench"))
    return parser.parse_args([word for each in words for word in each.split()])


def asked(tiny: Path, data: Path, out: Path, *more: str) -> argparse.Namespace:
    return parsed("grpo", f"--bundle {tiny} --data {data} --out {out}", SHORT, *more)


@pytest.mark.parametrize(("mode", "adapter"), [("full", ""), ("qlora", "adapter")])
def test_a_run_writes_a_bundle_that_verifies(
    mode: str, adapter: str, tiny_bundle: Path, phantom_folder: Path, tmp_path: Path
) -> None:
    args = asked(tiny_bundle, phantom_folder, tmp_path / "out", f"--mode {mode} --no-think --loss gspo")
    args.run(args)
    manifest = bundle.verify(tmp_path / "out")
    assert manifest.adapter == adapter
    assert not manifest.reply.thinking
    with pytest.raises(DataSetError, match="exists already"):
        args.run(args)
    other = asked(tiny_bundle, phantom_folder, tmp_path / "new", f"--work {tmp_path / 'out-work'}")
    with pytest.raises(DataSetError, match="an earlier run"):
        other.run(other)


def test_arguments_become_settings(tmp_path: Path) -> None:
    more = "--rate 1e-5 --format 2 --locate 0.25 --keep-truncated --stock-rollouts --clip-high 0.3"
    plan = grpo_command.plan_of(asked(tmp_path, tmp_path, tmp_path, more))
    assert (plan.learning_rate, plan.clip_high, plan.shared, plan.mask_truncated) == (1e-5, 0.3, False, False)
    assert plan.weights.as_list() == [1, 2, 1]
    assert plan.turns == {"locate": 0.25, "reason": 0.75}
    with pytest.raises(ValueError, match="share"):
        grpo_command.plan_of(asked(tmp_path, tmp_path, tmp_path, "--locate 2"))


def test_the_bench_prints_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    args = parsed("bench --groups 8 --tokens 3 --repeats 1 --threads 1 --json")
    args.run(args)
    found = json.loads(capsys.readouterr().out)
    assert found["rollout_ratio"]["8"] > 0
    assert found["tokens_equal"] is True
