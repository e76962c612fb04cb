"""The phantom's findings by name.

Each lesion is defined in space, so that neighbouring slices agree, and lies in one lung. Ranges are general
radiology knowledge; :mod:`.phantom` lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from .build import Build, Setting
from .opacities import consolidation, ground_glass, growth
from .pleura import effusion, emphysema, pneumothorax
from .site import FINDINGS, Finding, Lesion

__all__ = ["FINDINGS", "Finding", "Lesion", "make_lesion"]

_SMALL_MM: Final = (5.5, 11.0)
_MAKERS: Final[dict[str, Callable[[np.random.Generator, Build, float], Lesion]]] = {
    "nodule": lambda rng, build, shift: growth(rng, build, (6.5, 27), shift),
    "mass": lambda rng, build, shift: growth(rng, build, (34, 63), shift),
    "consolidation": consolidation,
    "ground-glass": ground_glass,
    "effusion": effusion,
    "emphysema": emphysema,
    "pneumothorax": pneumothorax,
}


def make_lesion(rng: np.random.Generator, build: Build, finding: Finding, setting: Setting) -> Lesion | None:
    """Draw a lesion of a kind for a patient; None for ``none``."""
    if finding == "none":
        return None
    if setting == "small" and finding == "nodule":
        return growth(rng, build, _SMALL_MM, 0.0)
    shift_hu = float(rng.uniform(-70, -25)) if setting == "shifted" else 0.0
    return _MAKERS[finding](rng, build, shift_hu)
