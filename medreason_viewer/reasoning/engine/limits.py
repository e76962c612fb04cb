"""The limits within which a model runs in the memory that is free now; chosen just before it is loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psutil
import torch

from ...errors import ModelOutOfMemory
from ..bundles.manifest import Manifest
from .needs import Fit, Model, fit
from .qwen import Device, best_device


def limits_here(folder: Path, manifest: Manifest, device: Device) -> Fit:
    """Where this model is to run, with what length of conversation and size of image.

    Raises
    ------
    ModelOutOfMemory
        If it does not fit within any.
    BundleError, ModelError
        If the folder holds no model, or there is no such device.
    """
    where, _ = best_device(device)
    kinds = [where, "cpu"] if device == "auto" else [where]
    free = {kind: _free_bytes(kind) for kind in kinds}
    sizes = {kind: best_device("cpu" if kind == "cpu" else "cuda")[1].itemsize for kind in free}
    model = Model.of_folder(folder)
    found = fit(model, manifest.image, free, sizes)
    if found is None:
        needed = model.needs(sizes[where]).total_bytes
        raise ModelOutOfMemory(
            f"The model needs {needed / 1e9:.1f} GB of memory and {free[where] / 1e9:.1f} GB are free: close "
            "other programs, or choose a smaller model."
        )
    return found


def limited(manifest: Manifest, limits: Fit) -> Manifest:
    """The manifest with the largest image that the limits allow."""
    return replace(manifest, image=replace(manifest.image, max_pixels=limits.max_pixels))


def _free_bytes(kind: str) -> int:
    return int(torch.cuda.mem_get_info()[0] if kind == "cuda" else psutil.virtual_memory().available)
