"""A curriculum by difficulty: what is easy comes first, as far as is wanted.

Difficulty is the lesion's size on the slice, the smallest being the hardest; a slice without a lesion
stands in the middle. This measure is this project's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from scipy.stats import rankdata

from medreason_viewer.errors import DataSetError

_MIDDLE: Final = 0.5


def hardness(sizes_mm: Sequence[float | None]) -> NDArray[np.float64]:
    """From 0, the easiest, to 1, the hardest; shape (case,).

    Parameters
    ----------
    sizes_mm : sequence of float or None
        Long axis of each case's lesion; None where it has none, or none was measured.

    Raises
    ------
    DataSetError
        If no size is known.
    """
    known = np.array([size is not None for size in sizes_mm])
    if not known.any():
        raise DataSetError(
            "A curriculum goes by the lesions' sizes, and the data set has none; leave it out."
        )
    ranks = np.full(len(sizes_mm), _MIDDLE)
    order = rankdata([-size for size in sizes_mm if size is not None])
    ranks[known] = (order - 1) / (len(order) - 1) if len(order) > 1 else _MIDDLE
    return ranks


def easy_first(rows: Dataset, hard: NDArray[np.float64], strictness: float, seed: int) -> Dataset:
    """The same rows in another order.

    Parameters
    ----------
    rows : Dataset
        One an example; its column ``case`` is an index into ``hard``.
    strictness : float
        1 for strictly by difficulty, 0 for by chance alone; between, by a weighted mean of both.
    """
    chance = np.random.default_rng(seed).random(len(rows))
    key = strictness * hard[np.asarray(rows["case"])] + (1 - strictness) * chance
    ordered: Dataset = rows.select(np.argsort(key, kind="stable"))
    return ordered
