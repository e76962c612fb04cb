"""Rows that are alike: the completions of a group have prompt and image in common."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def numbers_of(*columns: Sequence[Tensor] | Tensor) -> tuple[list[int], list[int]]:
    """Where each different row stands first, and for every row the number of its like among those.

    Parameters
    ----------
    *columns : sequence of tensor
        Rows are alike where they are equal in every column.
    """
    first: list[int] = []
    number_of = []
    for row in range(len(columns[0])):
        alike = (
            number
            for number, other in enumerate(first)
            if all(torch.equal(column[other], column[row]) for column in columns)
        )
        number = next(alike, len(first))
        if number == len(first):
            first.append(row)
        number_of.append(number)
    return first, number_of
