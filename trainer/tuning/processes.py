"""Several processes that train one model: which this is, and waiting for the others.

``accelerate launch`` and ``torchrun`` start them and tell each its place in the environment. Without them
there is one process, and nothing here does anything.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch
from accelerate import PartialState


def count() -> int:
    """How many processes train."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Whether this is the process that writes files."""
    return int(os.environ.get("RANK", "0")) == 0


def all_here() -> None:
    """Wait until every process is here."""
    if count() > 1:
        _state().wait_for_everyone()


@contextlib.contextmanager
def main_first() -> Iterator[None]:
    """Within the block the main process works first; then the others, who find what it has made."""
    if count() == 1:
        yield
        return
    with _state().main_process_first():
        yield


def _state() -> PartialState:
    return PartialState(cpu=not torch.cuda.is_available())  # else it takes each for the only one on the CPU
