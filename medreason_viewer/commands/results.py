"""The five files of one explanation, written together or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..drawing.compose import compose, explanation_items
from ..drawing.offscreen import application
from ..drawing.scene import render
from ..reasoning.record import explanation_json, reasoning_markdown
from ..reasoning.request import Explanation, ZoomReady
from ..ui.output.written import write_together
from ..volume.ct import CtVolume
from ..volume.slices import native_plane, plane_image

_OVERLAY_SIDE: Final = 1024


def write_results(
    folder: Path, explanation: Explanation, zoom: ZoomReady | None, volume: CtVolume, slice_index: int
) -> None:
    """Write ``explanation.json``, ``overlay.png``, ``zoom.png``, ``model_input.png`` and ``reasoning.md``.

    Without a zoom, as a plug-in may explain, neither ``zoom.png`` nor ``model_input.png``.

    Raises
    ------
    OSError
        If the folder cannot be written to; nothing is then half-written.
    """
    document = json.dumps(explanation_json(explanation), indent=2, ensure_ascii=False, allow_nan=False)
    writers: dict[str, Callable[[Path], object]] = {
        "explanation.json": lambda path: path.write_text(document + "\n", "utf-8"),
        "overlay.png": lambda path: _save_overlay(path, explanation, volume, slice_index),
        "reasoning.md": lambda path: path.write_text(reasoning_markdown(explanation), "utf-8"),
    }
    if zoom is not None:
        writers["zoom.png"] = partial(_save_pixels, pixels=zoom.zoom)
        writers["model_input.png"] = partial(_save_pixels, pixels=zoom.model_input)
    write_together(folder, writers)


def _save_overlay(path: Path, explanation: Explanation, volume: CtVolume, slice_index: int) -> None:
    """The slice in the reader's window with the region and lesion drawn on it; no patient data."""
    image = plane_image(volume, native_plane(volume.series), slice_index)
    items = explanation_items(explanation.region, explanation.evidence)
    scene = compose(volume.series, image, explanation.display_window, items=items)
    keep = application()
    if not render(scene, (_OVERLAY_SIDE, _OVERLAY_SIDE)).save(str(path)):
        raise OSError(f"{path} could not be written")
    del keep


def _save_pixels(path: Path, pixels: NDArray[np.uint8]) -> None:
    Image.fromarray(pixels).save(path)
