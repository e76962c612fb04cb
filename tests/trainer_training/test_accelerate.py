"""Two processes that share a batch learn what one learns from it alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from launched import STEPS
from short_runs import KINDS, losses

from trainer.running.config import CONFIGS
from trainer.tuning import checkpoints

HERE = Path(__file__).parent
CONFIG = CONFIGS / "accelerate" / "ddp-cpu.yaml"


def _run(folder: Path, *command: str) -> None:
    folder.mkdir()
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, *command, str(folder)],
        env=env,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.timeout(600)
def test_two_processes_tell_the_losses_of_one(
    tiny_bundle: Path, phantom_folder: Path, tmp_path: Path
) -> None:
    script = (str(HERE / "launched.py"), str(tiny_bundle), str(phantom_folder))
    launcher = ("-m", "accelerate.commands.launch", "--config_file", str(CONFIG))
    _run(tmp_path / "one", *script)
    _run(tmp_path / "two", *launcher, "--num_processes", "2", "--main_process_port", "0", *script)
    for kind in KINDS:
        one, two = (losses(tmp_path / folder / f"{kind}.jsonl") for folder in ("one", "two"))
        assert [told["step"] for told in two] == list(range(1, STEPS + 1))
        assert len({told["loss"] for told in two}) >= STEPS - 1  # the first step's rate may be 0
        for single, shared in zip(one, two, strict=True):
            for name in ("loss", "reward"):
                assert shared[name] == (
                    None if single[name] is None else pytest.approx(single[name], abs=1e-4)
                )
        whole = tmp_path / "two" / kind / checkpoints.name_of(STEPS)
        assert checkpoints.flaw(whole) is None
        assert {path.name for path in whole.glob("rng_state*")} == {"rng_state_0.pth", "rng_state_1.pth"}
