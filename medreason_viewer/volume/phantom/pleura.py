"""Findings of air and fluid: effusion, emphysema and pneumothorax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .anatomy import FROM_FRONT, Scene
from .build import Build
from .paint import Plane, blend
from .site import Side, Site, choose_site, inside
from .tubes import Tubes, tube_cover


@dataclass(frozen=True, slots=True)
class Fluid:
    """A free effusion in a supine patient: it pools at the back and climbs the pleura on both sides."""

    side: Side
    level: tuple[float, float, float]
    middle: float
    half: float
    climb: float
    value: float
    atelectasis: tuple[float, float]
    under_vessels: bool = False

    @property
    def heights(self) -> tuple[float, float]:
        """From the base upwards to where the layer was planned."""
        return self.level[0] - 14, self.level[0] + 6

    def _front(self, scene: Scene) -> Plane:
        """How far each pixel lies behind the surface of the fluid, mm."""
        x, y = scene.canvas.grid
        planned, at, slope = self.level
        u = np.clip((x - np.float32(self.middle)) / np.float32(self.half), -1.4, 1.4)
        surface = np.float32(at + slope * (scene.z - planned)) - np.float32(self.climb) * u * u
        behind: Plane = (y - surface).astype(np.float32)
        return behind

    def cover(self, scene: Scene) -> Plane:
        """Everything in the pleural space behind the surface."""
        return scene.canvas.cover(-self._front(scene)) * inside(scene, self.side)

    def paint(self, scene: Scene, hu: Plane, cover: Plane) -> None:
        """Fluid, and the strip of collapsed lung before it."""
        front = self._front(scene)
        strip = np.clip((front + np.float32(self.atelectasis[0])) / 2.5, 0, 1) * inside(scene, self.side)
        blend(hu, np.float32(self.atelectasis[1]) * strip, 30.0)
        blend(hu, cover, self.value)


def effusion(rng: np.random.Generator, build: Build, shift_hu: float) -> Fluid:
    site = choose_site(rng, build, (-108, -12), (3, 80))
    left, right, front, back = site.bounds
    thick = (back - front) * rng.uniform(0.15, 0.42)
    climb = thick * rng.uniform(0.25, 0.6)
    return Fluid(
        site.side, (site.point[2], back - thick, float(rng.uniform(0.25, 0.6))), (left + right) / 2,
        (right - left) / 2, climb, float(rng.uniform(0, 20)) + shift_hu * 0.3,
        (float(rng.uniform(2, 9)), float(rng.uniform(0.25, 0.9))),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Holes:
    """Emphysema: clustered holes without walls, with or without thin-walled bullae under the pleura."""

    side: Side
    centre: tuple[float, float, float]
    reach: float
    value: float
    holes: Tubes
    bullae: Tubes
    under_vessels: bool = True

    @property
    def heights(self) -> tuple[float, float]:
        """Near the middle of the affected area."""
        return self.centre[2] - 0.35 * self.reach, self.centre[2] + 0.35 * self.reach

    def cover(self, scene: Scene) -> Plane:
        """All holes on the slice."""
        canvas, z = scene.canvas, scene.z
        cover = np.maximum(tube_cover(canvas, self.holes, z), tube_cover(canvas, self.bullae, z))
        return cover * inside(scene, self.side)

    def paint(self, scene: Scene, hu: Plane, cover: Plane) -> None:
        """Walls of the bullae, then air."""
        rim = tube_cover(scene.canvas, self.bullae.grown(0.9), scene.z)
        blend(hu, 0.8 * rim * inside(scene, self.side), -480.0)
        blend(hu, cover, self.value)


def emphysema(rng: np.random.Generator, build: Build, shift_hu: float) -> Holes:
    site = choose_site(rng, build, (-30, 84) if rng.random() < 0.8 else (-95, -30), (14, 60))
    reach = float(rng.uniform(22, 40))
    count = int((reach / 30) ** 3 * rng.uniform(170, 330))
    holes = _balls(rng, site, reach, count, (2.2, 6.0))
    bullae = _balls(rng, site, reach * 0.9, int(rng.integers(0, 5)), (8, 17))
    return Holes(
        site.side, site.point, reach, float(rng.uniform(-1000, -968)) + 0.2 * shift_hu, holes, bullae
    )


def _balls(
    rng: np.random.Generator, site: Site, reach: float, count: int, radii: tuple[float, float]
) -> Tubes:
    ways = rng.normal(size=(count, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True) + 1e-9
    at = np.array(site.point) + ways * reach * rng.random((count, 1)) ** 0.4
    radius = rng.uniform(*radii, count)
    return Tubes(at, at + np.array((0, 0, 0.01)), radius, radius)


@dataclass(frozen=True, slots=True)
class FreeAir:
    """Pneumothorax: air between chest wall and a thin visceral line, in front and at the side when supine."""

    side: Side
    middle: float
    direction: float
    spread: float
    thick: float
    span: float
    collapse: float
    under_vessels: bool = False

    @property
    def heights(self) -> tuple[float, float]:
        """Where it is thickest."""
        return self.middle - 0.4 * self.span, self.middle + 0.4 * self.span

    def _above(self, scene: Scene) -> Plane:
        """How far each pixel lies outside of the visceral line, mm."""
        _, index = scene.canvas.polar
        u = (FROM_FRONT - np.float32(self.direction)) / np.float32(self.spread)
        table: Plane = np.maximum(1 - u * u, -0.15) * np.float32(self.thick)
        fade = 1 - ((scene.z - self.middle) / (1.6 * self.span)) ** 2
        above: Plane = (table * np.float32(max(fade, -0.2)))[index] + scene.cage
        return above

    def cover(self, scene: Scene) -> Plane:
        """The air, up to the line."""
        return scene.canvas.cover(-self._above(scene)) * inside(scene, self.side)

    def paint(self, scene: Scene, hu: Plane, cover: Plane) -> None:
        """Air without vessels, the line, and a denser lung beneath it."""
        above, lung = self._above(scene), inside(scene, self.side)
        hu += np.float32(self.collapse) * lung * (1 - cover)
        line = np.clip(1 - np.abs(above + 0.5) / np.float32(max(0.9, 0.8 * scene.canvas.spacing_mm)), 0, 1)
        blend(hu, cover, -996.0)
        blend(hu, line * lung, -430.0)


def pneumothorax(rng: np.random.Generator, build: Build, shift_hu: float) -> FreeAir:
    site = choose_site(rng, build, (-90, 78), (3, 60))
    thick = float(np.exp(rng.uniform(np.log(9), np.log(42))))
    return FreeAir(
        site.side, site.point[2], float(rng.uniform(28, 85)), float(rng.uniform(38, 62)), thick,
        float(rng.uniform(40, 90)), thick * float(rng.uniform(0.5, 2.0)) + 0.2 * shift_hu,
    )  # fmt: skip
