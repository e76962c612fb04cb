"""Both trainings for ten steps, as one of the processes that a launcher has started, or as the only one.

Arguments: model, data and an empty folder for what the runs tell. Completions are replayed, so that one
process and several see the same ones.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import torch
from short_runs import KINDS, replay

STEPS = 10


def main(model: Path, data: Path, folder: Path) -> None:
    """Leaves sft.jsonl and grpo.jsonl in the folder."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    replay()
    for kind, train in KINDS.items():
        train(model, data, folder / kind, folder / f"{kind}.jsonl", STEPS, STEPS)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
