"""What is easy comes first, nothing is lost, and chance has its share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medreason_viewer.errors import DataSetError
from trainer.data import dataset
from trainer.grpo import train as grpo
from trainer.grpo.plan import Grpo
from trainer.tuning import curriculum
from trainer.tuning.fit import draws

SIZES = (30.0, None, 5.0, 12.0)


def test_the_smallest_lesion_is_the_hardest_and_no_lesion_stands_in_the_middle() -> None:
    assert curriculum.hardness(SIZES).tolist() == [0.0, 0.5, 1.0, 0.5]
    assert curriculum.hardness((None, 8.0)).tolist() == [0.5, 0.5]
    with pytest.raises(DataSetError, match="has none"):
        curriculum.hardness((None, None))


def test_the_same_rows_come_in_another_order() -> None:
    rows, hard = draws(range(4), 80, {"reason": 1.0}, seed=2), curriculum.hardness(SIZES)
    strict = curriculum.easy_first(rows, hard, 1.0, seed=2)
    assert sorted(strict["draw"]) == sorted(rows["draw"])
    assert np.all(np.diff(hard[np.asarray(strict["case"])]) >= 0)
    half = hard[np.asarray(curriculum.easy_first(rows, hard, 0.5, seed=2)["case"])]
    assert half[:40].mean() + 0.1 < half[40:].mean()
    assert np.any(np.diff(half) < 0)


def test_a_run_takes_its_prompts_easy_first(phantom_folder: Path, manifest: Any) -> None:
    plan = Grpo(steps=20, prompts=2, curriculum=1.0)
    sizes = [case.size_mm for case in dataset.read(phantom_folder).cases]
    cases = grpo.prompts(phantom_folder, manifest, plan).with_format(None)["case"]
    order = curriculum.hardness(sizes)[np.asarray(cases)]
    assert len(order) == plan.rows
    assert np.all(np.diff(order) >= 0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        Grpo(steps=1, curriculum=1.5)
