"""What a finding of the phantom is, and where in a lung it may lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args

import numpy as np

from .anatomy import Scene, survey
from .build import Build
from .paint import Canvas, Plane

Finding = Literal[
    "nodule", "mass", "consolidation", "ground-glass", "effusion", "emphysema", "pneumothorax", "none"
]
Side = Literal["right", "left"]
FINDINGS: Final[tuple[Finding, ...]] = get_args(Finding)
_COARSE: Final = Canvas(104, 4.0, (0.0, 8.0), 0.0)


class Lesion(Protocol):
    """One finding in space."""

    @property
    def side(self) -> Side:
        """The lung it lies in."""

    @property
    def heights(self) -> tuple[float, float]:
        """Where a slice shows it well, mm: lowest and highest."""

    @property
    def under_vessels(self) -> bool:
        """Whether vessels stay visible through it."""

    def cover(self, scene: Scene) -> Plane:
        """Share of each pixel that is lesion, 0 to 1."""

    def paint(self, scene: Scene, hu: Plane, cover: Plane) -> None:
        """Draw it."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place in one lung: the lung, a point (mm) and how far it is from the lung's surface."""

    side: Side
    point: tuple[float, float, float]
    depth_mm: float
    bounds: tuple[float, float, float, float]


def inside(scene: Scene, side: Side) -> Plane:
    return scene.lungs[0 if side == "right" else 1]


def choose_site(
    rng: np.random.Generator, build: Build, heights: tuple[float, float], depths: tuple[float, float]
) -> Site:
    """A random point of a lung between two heights (average-man mm) and two depths below its surface (mm)."""
    for attempt in range(60):
        near, far = depths if attempt < 20 else (0.0, 200.0)  # small lungs: any depth will do
        side: Side = "right" if rng.random() < 0.5 else "left"
        z = float(rng.uniform(*heights)) * build.up
        scene = survey(build, _COARSE, z)
        lung = inside(scene, side) > 0.5
        if lung.sum() * _COARSE.spacing_mm**2 < 2600:
            continue
        rows, cols = np.nonzero(lung & (scene.depth >= near) & (scene.depth <= far))
        if not len(rows):
            continue
        pick = rng.integers(len(rows))
        x, y = (axis[rows[pick], cols[pick]] for axis in _COARSE.grid)
        jitter = rng.uniform(-2, 2, 2)
        extent = [(axis[lung].min(), axis[lung].max()) for axis in _COARSE.grid]
        bounds = float(extent[0][0]), float(extent[0][1]), float(extent[1][0]), float(extent[1][1])
        point = float(x + jitter[0]), float(y + jitter[1]), z
        return Site(side, point, float(scene.depth[rows[pick], cols[pick]]), bounds)
    raise RuntimeError("no place for the finding in this phantom's lungs")
