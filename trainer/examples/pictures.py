"""Finished pictures, window and zoom burnt in by their source: what the model is shown of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medreason_viewer.reasoning.bundles.manifest import ImageSpec
from medreason_viewer.reasoning.zoom import ModelImage, SliceMap, model_size


def model_picture(picture: NDArray[np.uint8], spec: ImageSpec) -> ModelImage:
    """A picture at the size of the model's images, resampled as a slice is; no window is applied.

    Parameters
    ----------
    picture : array of uint8, shape (row, col, 3)

    Returns
    -------
    ModelImage
        Its ``slice_map`` goes from the picture's own pixels to the model's.
    """
    rows, cols = picture.shape[:2]
    height, width = model_size(rows, cols, spec)
    resized = Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC)
    return ModelImage(np.asarray(resized), SliceMap(rows, cols, height, width))
