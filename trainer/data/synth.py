"""Phantom slices as a data set: ``medreason-train synth``."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from medreason_viewer.volume.phantom import Finding, PhantomSlice, Setting, sample_slice

from ..examples.replies import FINDINGS, NO_FINDING
from . import card
from .case import Case, Split, Turn
from .dataset import Writer

_LEVEL_WORDS: Final = {
    "apex": "lung apex",
    "arch": "aortic arch",
    "carina": "carina",
    "heart": "heart",
    "base": "lung base",
}
_LICENCE: Final = "Apache-2.0"
_VALIDATION_SHARE: Final = 0.05
_LOG_EVERY: Final = 1000
_CHUNK: Final = 16
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Synthesis:
    """What to make; slice ``i`` depends on seed, setting, findings and ``i`` alone.

    Attributes
    ----------
    findings : tuple of str
        They take turns.

    Raises
    ------
    ValueError
        If there is nothing to make, a finding is unknown, or the matrix is not a multiple of 8 from 64 to
        1024.
    """

    count: int
    seed: int
    setting: Setting = "standard"
    matrix: int = 256
    findings: tuple[str, ...] = FINDINGS

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("the count must be at least 1")
        if strange := set(self.findings) - set(FINDINGS):
            raise ValueError(f"{', '.join(sorted(strange))}: not among {', '.join(FINDINGS)}")
        if not self.findings:
            raise ValueError("no finding is named")
        if self.seed < 0:
            raise ValueError("the seed must not be negative")
        if self.matrix % 8 or not 64 <= self.matrix <= 1024:
            raise ValueError("the matrix must be a multiple of 8 from 64 to 1024")

    def slice(self, index: int) -> PhantomSlice:
        """One slice; the findings take turns, so that all are shown equally often."""
        rng = np.random.default_rng([self.seed, index])
        named = self.findings[index % len(self.findings)]
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
    finding = NO_FINDING if shown.finding == "none" else shown.finding
    patient = f"phantom-{shown.seed}"
    return Case(
        patient=patient,
        finding=finding,
        box_slice=shown.box_slice,
        side=shown.side or "",
        level=_LEVEL_WORDS[shown.level],
        size_mm=shown.size_mm,
        spacing_mm=(shown.spacing_mm, shown.spacing_mm),
        source=f"phantom, {shown.setting} setting",
        licence=_LICENCE,
        split=split_of(patient),
        turns=(Turn("locate", finding), Turn("reason", finding, options=FINDINGS)),
        mask_from="phantom",
        exhaustive=True,
        body_part="CHEST",
        kernel="PHANTOM",
        plane_name="axial",
    )


def split_of(patient: str) -> Split:
    """By a hash of the name, so that no phantom is ever in both splits."""
    digest = hashlib.sha256(patient.encode()).digest()
    return "validation" if int.from_bytes(digest[:4], "big") / 2**32 < _VALIDATION_SHARE else "train"


def synthesize(plan: Synthesis, folder: Path, workers: int = 1) -> None:
    """Write the data set; with several workers the result is the same.

    Raises
    ------
    DataSetError
        If the folder holds something already.
    """
    began, cases = time.monotonic(), []
    with Writer(folder) as writer:
        for done, (case, hu, mask) in enumerate(_made(plan, workers), start=1):
            writer.add(case, hu, mask)
            cases.append(case)
            if done % _LOG_EVERY == 0 or done == plan.count:
                pace_s = (time.monotonic() - began) / done
                left_min = (plan.count - done) * pace_s / 60
                _log.info("%d of %d slices, %.1f min left", done, plan.count, left_min)
        made_by = {"seed": plan.seed, "setting": plan.setting, "matrix": plan.matrix, "generator": "phantom"}
        told = card.of(f"phantom, {plan.setting} setting", _LICENCE, cases, _VALIDATION_SHARE) | made_by
        writer.finish({"card.json": card.as_json(told), "card.md": card.as_text(told)})


def _made(plan: Synthesis, workers: int) -> Iterator[Packed]:
    if workers <= 1:
        yield from map(_Maker(plan), range(plan.count))
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(_Maker(plan), range(plan.count), chunksize=_CHUNK)
