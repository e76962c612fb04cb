"""``medreason-train check``: what a run needs against what is there, before anything heavy is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from medreason_viewer.reasoning.engine import hardware
from trainer.running.config import Config

from . import data, machine, model, recipe
from .machine import Machine
from .page import LEVELS, Line, Page, guarded

__all__ = ["LEVELS", "Line", "Machine", "Page", "check"]

_Look = Callable[[Config, Machine], Iterator[Line]]
_CHECKS: Final[tuple[tuple[str, _Look], ...]] = (
    ("Python", machine.versions),
    ("GPU", machine.gpus),
    ("bundle", model.start),
    ("memory", model.memory),
    ("disk", model.disk),
    ("data", data.training),
    ("evaluation", data.evaluation),
    ("recipe", recipe.divides),
    ("recipe", recipe.conflicts),
    ("launch", recipe.launch),
    ("run folder", recipe.folder),
)


def check(config: Config, found: Machine | None = None) -> Page:
    """Look at everything that a run needs; no model is loaded.

    Parameters
    ----------
    found : Machine, optional
        What the machine has, where that is known already; else it is asked.
    """
    there = found or Machine.of(hardware.report())
    return Page(tuple(line for area, look in _CHECKS for line in guarded(area, partial(look, config, there))))
