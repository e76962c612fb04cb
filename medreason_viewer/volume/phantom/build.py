"""Who lies in the scanner: size, sex, positions, dose and contrast of one random phantom patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Setting = Literal["standard", "shifted", "small"]


@dataclass(frozen=True, slots=True)
class Build:
    """One patient and one acquisition; lengths in mm, factors relative to an average man."""

    size: float
    width: float
    depth: float
    height: float
    fat_mm: float
    muscle: float
    female: bool
    breast_mm: float
    heart: float
    blood_hu: float
    lung_hu: float
    bone: float
    vessels: float
    rib_phase: float
    disc_phase: float
    domes_mm: tuple[float, float]
    shift_mm: NDArray[np.float64]
    contrast: bool
    noise_hu: float
    grain_mm: float
    psf_mm: float
    fov_mm: float
    centre_mm: tuple[float, float]
    rotation: float
    table: int

    @property
    def across(self) -> float:
        """Scale of left-right lengths."""
        return self.size * self.width

    @property
    def along(self) -> float:
        """Scale of front-back lengths."""
        return self.size * self.depth

    @property
    def up(self) -> float:
        """Scale of head-foot lengths."""
        return self.size * self.height


_SHIFTS: Final = 16  # independent displacements handed out to the organs


def sample_build(rng: np.random.Generator, setting: Setting) -> Build:
    """Draw a patient. ``shifted`` patients are heavier or slighter, and scanned at a lower dose."""
    odd = setting == "shifted"
    female = bool(rng.random() < 0.5)
    size = rng.uniform(0.88, 1.0) if female else rng.uniform(0.95, 1.08)
    size *= float(rng.choice([0.92, 1.07])) if odd else 1.0
    fat_mm = rng.gamma(4.0, 4.5) + 5
    fat_mm = float(np.clip(rng.uniform(4, 45) if odd else fat_mm, 4, 45))
    contrast = bool(rng.random() < 0.4)
    width, depth = rng.uniform(0.95, 1.06), rng.uniform(0.93, 1.08)
    return Build(
        size=size, width=width, depth=depth, height=rng.uniform(0.9, 1.08), fat_mm=fat_mm,
        muscle=rng.uniform(0.75, 1.1) if female else rng.uniform(0.9, 1.35), female=female,
        breast_mm=rng.uniform(34, 54) + fat_mm * 0.3, heart=rng.uniform(0.92, 1.16),
        blood_hu=rng.uniform(110, 230) if contrast else rng.uniform(36, 48),
        lung_hu=rng.uniform(-895, -830) + (25 if odd else 0), bone=rng.uniform(0.75, 1.2),
        vessels=rng.uniform(0.72, 0.9), rib_phase=rng.uniform(0, 1), disc_phase=rng.uniform(0, 23),
        domes_mm=(rng.uniform(-106, -88), rng.uniform(-118, -98)), shift_mm=rng.normal(0, 2.0, (_SHIFTS, 2)),
        contrast=contrast, noise_hu=rng.uniform(32, 55) if odd else rng.uniform(12, 28),
        grain_mm=rng.uniform(0.75, 1.1) if odd else rng.uniform(0.5, 0.8), psf_mm=rng.uniform(0.35, 0.65),
        fov_mm=float(np.clip((300 * size * width + 1.9 * fat_mm) * rng.uniform(0.95, 1.08), 300, 400)),
        centre_mm=(rng.normal(0, 7), 12 + rng.normal(0, 9)), rotation=rng.normal(0, 0.03),
        table=int(rng.integers(3)),
    )  # fmt: skip
