"""Phantom slices as a data set: ``medreason-train synth``."""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from medreason_viewer.volume.phantom import Finding, PhantomSlice, sample_slice

from .dataset import Case, Writer
from .replies import FINDINGS, NO_FINDING

Setting = Literal["standard", "shifted"]
_LEVEL_WORDS: Final = {
    "apex": "lung apex",
    "arch": "aortic arch",
    "carina": "carina",
    "heart": "heart",
    "base": "lung base",
}
_LOG_EVERY: Final = 1000
_CHUNK: Final = 16
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Synthesis:
    """What to make; slice ``i`` depends on seed, setting and ``i`` alone.

    Raises
    ------
    ValueError
        If there is nothing to make, or the matrix is not a multiple of 8 from 64 to 1024.
    """

    count: int
    seed: int
    setting: Setting = "standard"
    matrix: int = 256

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("the count must be at least 1")
        if self.seed < 0:
            raise ValueError("the seed must not be negative")
        if self.matrix % 8 or not 64 <= self.matrix <= 1024:
            raise ValueError("the matrix must be a multiple of 8 from 64 to 1024")

    def slice(self, index: int) -> PhantomSlice:
        """One slice; the findings take turns, so that every eight slices show each once."""
        rng = np.random.default_rng([self.seed, index])
        named = FINDINGS[index % len(FINDINGS)]
        finding = "none" if named == NO_FINDING else cast(Finding, named)
        return sample_slice(rng, finding=finding, matrix=self.matrix, setting=self.setting)


Packed = tuple[Case, NDArray[np.int16], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class _Maker:
    plan: Synthesis

    def __call__(self, index: int) -> Packed:
        shown = self.plan.slice(index)
        hu = np.clip(np.rint(shown.hu), -32768, 32767).astype(np.int16)
        return _case(shown), hu, shown.mask


def _case(shown: PhantomSlice) -> Case:
    return Case(
        patient=f"phantom-{shown.seed}",
        finding=NO_FINDING if shown.finding == "none" else shown.finding,
        box_slice=shown.box_slice,
        side=shown.side or "",
        level=_LEVEL_WORDS[shown.level],
        size_mm=shown.size_mm,
        spacing_mm=(shown.spacing_mm, shown.spacing_mm),
        source=f"phantom, {shown.setting} setting",
    )


def synthesize(plan: Synthesis, folder: Path, workers: int = 1) -> None:
    """Write the data set; with several workers the result is the same.

    Raises
    ------
    DataSetError
        If the folder holds something already.
    """
    writer = Writer(folder, plan.count, plan.matrix)
    began = time.monotonic()
    for done, (case, hu, mask) in enumerate(_made(plan, workers), start=1):
        writer.add(case, hu, mask)
        if done % _LOG_EVERY == 0 or done == plan.count:
            pace_s = (time.monotonic() - began) / done
            _log.info("%d of %d slices, %.1f min left", done, plan.count, (plan.count - done) * pace_s / 60)
    made_by = {"seed": plan.seed, "setting": plan.setting, "matrix": plan.matrix, "generator": "phantom"}
    writer.finish(made_by)


def _made(plan: Synthesis, workers: int) -> Iterator[Packed]:
    if workers <= 1:
        yield from map(_Maker(plan), range(plan.count))
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(_Maker(plan), range(plan.count), chunksize=_CHUNK)
