"""An evaluation spread over processes: a small model on the CPU leaves all but one core idle."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from medreason_viewer.reasoning.bundles.manifest import Manifest

from ..data import dataset
from .evaluate import answers, load_engine
from .predictions import Said
from .variants import Variant

_WAITING: Final = "OMP_WAIT_POLICY"


@dataclass(frozen=True, slots=True)
class Asked:
    """What every process asks which model; see :func:`~.evaluate.answers`."""

    bundle: Path
    data: Path
    manifest: Manifest
    variant: Variant = ""


def spread(
    asked: Asked, chosen: Sequence[int], workers: int, progress: Callable[[int, int], None] | None = None
) -> list[Said]:
    """The same answers as :func:`~.evaluate.answers`, in the same order.

    Parameters
    ----------
    workers : int
        Processes, each with a model of its own and its share of the cores.
    """
    os.environ.setdefault(_WAITING, "PASSIVE")
    threads = max(1, (os.cpu_count() or 1) // workers)
    context = multiprocessing.get_context("spawn")
    found: list[Said] = []
    with ProcessPoolExecutor(workers, context, _prepare, (asked, threads)) as pool:
        for said in pool.map(_one, chosen):
            found.append(said)
            if progress is not None:
                progress(len(found), len(chosen))
    return found


_own: dict[str, Any] = {}
"""Of a worker process: its model and its data set, for as long as it lives."""


def _prepare(asked: Asked, threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    engine, data = load_engine(asked.bundle, asked.manifest), dataset.read(asked.data)
    _own.update(asked=asked, engine=engine, data=data)


def _one(index: int) -> Said:
    asked: Asked = _own["asked"]
    (said,) = answers(_own["engine"], _own["data"], asked.manifest, [index], variant=asked.variant)
    return said
