"""From the image the model sees to the patches its vision tower takes; one implementation for all."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

PATCH: Final = 14  # pixels a side
MERGED: Final = 2 * PATCH  # two by two patches become one token
_FRAMES: Final = 2  # a still image is two equal frames
_MEAN: Final = np.array(
    [0.48145466, 0.4578275, 0.40821073], np.float32
)  # CLIP's, as published with the model
_SD: Final = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)


def image_tokens(image: NDArray[np.uint8]) -> int:
    """Tokens that an image of shape (row, col, 3) takes in the prompt."""
    rows, cols, _ = image.shape
    return int(rows // MERGED) * int(cols // MERGED)


def to_patches(image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], tuple[int, int, int]]:
    """Normalised patches in the order of Qwen2.5-VL: merged patch by merged patch.

    Parameters
    ----------
    image : array of uint8, shape (row, col, 3)
        Already resized: both sides are multiples of 28.

    Returns
    -------
    patches : array of float32, shape (row / 14 * col / 14, 3 * 2 * 14 * 14)
    grid : tuple of int
        (1, row / 14, col / 14): frames, rows and columns of patches.

    Raises
    ------
    ValueError
        If the image has another type or its sides do not fit.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError("the model takes uint8 images of shape (row, col, 3)")
    rows, cols = image.shape[:2]
    if rows % MERGED or cols % MERGED or not image.size:
        raise ValueError(f"the model takes images whose sides are multiples of {MERGED}")
    scaled = (image.astype(np.float32) * np.float32(1 / 255) - _MEAN) / _SD
    tiles = scaled.reshape(rows // MERGED, 2, PATCH, cols // MERGED, 2, PATCH, 3)
    tiles = tiles.transpose(0, 3, 1, 4, 6, 2, 5)  # block row, block col, row, col, channel, y, x
    tiles = np.repeat(tiles[:, :, :, :, :, None], _FRAMES, axis=5)
    grid = (1, rows // PATCH, cols // PATCH)
    return np.ascontiguousarray(tiles.reshape(grid[1] * grid[2], -1)), grid
