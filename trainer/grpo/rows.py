"""Prompts of the reinforcement learning: the examples of fine-tuning, with the truth in place of a reply."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medreason_viewer.reasoning.bundles.manifest import Manifest

from ..data import dataset
from ..examples import items
from ..examples.measured import measured
from ..tuning.resuming import naming
from .rewards import Truth


class Rows:
    """A transform for ``datasets``: from slice, turn and draw to a prompt with its truth.

    It can be pickled: a worker process opens the data set for itself.

    Parameters
    ----------
    data : Path
        Folder of the data set.
    """

    def __init__(self, data: Path, manifest: Manifest) -> None:
        self._path, self._manifest = data, manifest
        self._opened: dataset.DataSet | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_opened": None}

    def __call__(self, rows: dict[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Columns ``prompt``, ``image`` and ``truth``; equal rows (a group) are made once."""
        if self._opened is None:
            self._opened = dataset.read(self._path)
        keys = list(zip(rows["case"], rows["turn"], rows["draw"], strict=True))
        made = {key: self._one(self._opened, *key) for key in dict.fromkeys(keys)}
        return {
            "prompt": [made[key][0].messages for key in keys],
            "image": [made[key][0].image for key in keys],
            "truth": [made[key][1] for key in keys],
        }

    def _one(self, data: dataset.DataSet, case: int, turn: items.Turn, draw: int) -> tuple[items.Item, Truth]:
        with naming(case, turn):
            item = items.make(data, case, turn, self._manifest, np.random.default_rng(draw))
            return item, truth_of(data, case, item, self._manifest)


def truth_of(data: dataset.DataSet, index: int, item: items.Item, manifest: Manifest) -> Truth:
    """What replies to an example are judged by."""
    case = data.cases[index]
    boxes = (case.box_slice,) if item.shown and case.box_slice is not None else ()
    return Truth(
        turn=item.turn,
        manifest=item.manifest or manifest,
        size=item.image.shape[:2],
        picture=item.composite or item.slice_map,
        answer=item.answer,
        boxes_slice=boxes,
        evidence=measured(data, index) if boxes and item.turn == "reason" else None,
    )
