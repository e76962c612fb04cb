"""Findings denser than lung: nodule, mass, consolidation and ground-glass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .anatomy import Scene
from .build import Build
from .paint import Plane, blend, ripple, rippled
from .site import Side, Site, choose_site, inside
from .tubes import Tubes, tube_cover


@dataclass(frozen=True, slots=True)
class Growth:
    """A nodule or mass: a ball with bumps, perhaps with spikes into the lung."""

    side: Side
    centre: tuple[float, float, float]
    radius: float
    value: float
    bumps: NDArray[np.float64]
    spikes: Tubes | None
    waves: NDArray[np.float64]
    under_vessels: bool = False

    @property
    def heights(self) -> tuple[float, float]:
        """Near its middle."""
        reach = 0.45 * self.radius
        return self.centre[2] - reach, self.centre[2] + reach

    def cover(self, scene: Scene) -> Plane:
        """Ball, bumps and spikes within the lung."""
        canvas = scene.canvas
        total = np.zeros((canvas.matrix, canvas.matrix), np.float32)
        window = canvas.window(self.centre[0], self.centre[1], 1.9 * self.radius + 4)
        part = total[window]
        if not part.size:
            return total
        x, y = (axis[window] for axis in canvas.grid)
        distance = np.full(part.shape, np.inf, np.float32)
        for bx, by, bz, size in self.bumps.astype(np.float32):
            away = np.sqrt((x - bx) ** 2 + (y - by) ** 2 + np.float32((scene.z - bz) ** 2)) - np.float32(size)
            distance = np.minimum(distance, away)
        distance += np.float32(0.06 * self.radius) * rippled(self.waves, x, y, scene.z)
        part[...] = canvas.cover(distance)
        return total * inside(scene, self.side)

    def paint(self, scene: Scene, hu: Plane, cover: Plane) -> None:
        """Solid, slightly uneven, with fainter spikes."""
        if self.spikes is not None:
            blend(hu, 0.7 * tube_cover(scene.canvas, self.spikes, scene.z) * inside(scene, self.side), -150.0)
        blend(hu, cover, self.value)


def growth(rng: np.random.Generator, build: Build, diameter: tuple[float, float], shift_hu: float) -> Growth:
    radius = 0.5 * float(rng.uniform(*diameter))
    site = choose_site(rng, build, (-105, 88), (min(0.55 * radius, 16), 70))
    centre = np.array(site.point)
    lobes = int(rng.integers(0, 6))
    directions = rng.normal(size=(lobes, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True) + 1e-9
    offset = directions * radius * 0.47
    bumps = np.vstack(
        [[*centre, radius], np.column_stack([centre + offset, radius * rng.uniform(0.48, 0.6, lobes)])]
    )
    spikes = _spikes(rng, centre, radius) if rng.random() < 0.4 else None
    value = float(rng.uniform(-15, 70)) + shift_hu
    waves = ripple(rng, 0.7 * radius, 2.5 * radius, 6)
    return Growth(site.side, site.point, radius, value, bumps, spikes, waves)


def _spikes(rng: np.random.Generator, centre: NDArray[np.float64], radius: float) -> Tubes:
    count = int(rng.integers(14, 36))
    ways = rng.normal(size=(count, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    reach = radius + rng.uniform(0.25, 0.8, (count, 1)) * np.clip(radius, 4, 11)
    thick = np.full(count, 0.05 * radius + 0.35)
    return Tubes(centre + ways * radius * 0.7, centre + ways * reach, thick, thick * 0.35)


@dataclass(frozen=True, slots=True)
class Cloud:
    """Consolidation or ground-glass: an uneven, ill-defined patch, perhaps cut off sharply by a fissure."""

    side: Side
    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    turn: float
    value: float
    softness: float
    roughness: float
    waves: NDArray[np.float64]
    fissure: tuple[float, float, float, float] | None
    bronchi: Tubes | None
    under_vessels: bool

    @property
    def heights(self) -> tuple[float, float]:
        """Near its middle."""
        reach = 0.4 * self.radii[2]
        return self.centre[2] - reach, self.centre[2] + reach

    def cover(self, scene: Scene) -> Plane:
        """Soft-edged ellipsoid with a ragged border, within the lung."""
        canvas = scene.canvas
        total = np.zeros((canvas.matrix, canvas.matrix), np.float32)
        window = canvas.window(self.centre[0], self.centre[1], 1.7 * max(self.radii) + self.softness)
        part = total[window]
        if not part.size:
            return total
        x, y = (axis[window] for axis in canvas.grid)
        distance = self._distance(x, y, scene.z)
        part[...] = np.clip(0.5 - distance / np.float32(max(self.softness, canvas.spacing_mm)), 0, 1)
        if self.fissure is not None:
            nx, ny, nz, offset = self.fissure
            part *= canvas.cover(np.float32(nx) * x + np.float32(ny) * y + np.float32(nz * scene.z - offset))
        return total * inside(scene, self.side)

    def _distance(self, x: Plane, y: Plane, z: float) -> Plane:
        cos, sin = np.float32(np.cos(self.turn)), np.float32(np.sin(self.turn))
        dx, dy = x - np.float32(self.centre[0]), y - np.float32(self.centre[1])
        u, v = (cos * dx + sin * dy) / self.radii[0], (cos * dy - sin * dx) / self.radii[1]
        w = np.float32((z - self.centre[2]) / self.radii[2])
        q = np.sqrt(u * u + v * v + w * w)
        size = np.float32(min(self.radii))
        return ((q - 1) * size + np.float32(self.roughness) * rippled(self.waves, x, y, z)).astype(np.float32)

    def paint(self, scene: Scene, hu: Plane, cover: Plane) -> None:
        """Denser lung; air-filled bronchi stay dark in a consolidation."""
        blend(hu, cover, self.value)
        if self.bronchi is not None:
            blend(hu, 0.9 * cover * tube_cover(scene.canvas, self.bronchi, scene.z), -880.0)


def consolidation(rng: np.random.Generator, build: Build, shift_hu: float) -> Cloud:
    radii = rng.uniform(16, 36), rng.uniform(13, 26), rng.uniform(18, 34)
    site = choose_site(rng, build, (-108, 78), (4, 22))
    hilum = np.array([np.sign(site.point[0]) * 38 * build.across, 8.0, site.point[2] - 4])
    turn = float(np.arctan2(site.point[1] - hilum[1], site.point[0] - hilum[0])) + np.pi / 2
    return Cloud(
        site.side, site.point, radii, turn, float(rng.uniform(5, 58)) + shift_hu, float(rng.uniform(3, 8)),
        float(rng.uniform(2.5, 5)), ripple(rng, 11, 45, 9),
        _fissure(rng, site) if rng.random() < 0.4 else None,
        _bronchogram(rng, np.array(site.point), hilum, max(radii)) if rng.random() < 0.9 else None, False,
    )  # fmt: skip


def _fissure(rng: np.random.Generator, site: Site) -> tuple[float, float, float, float]:
    """A plane such as the oblique fissure, a few mm beside the middle of the patch."""
    normal = np.array([rng.normal(0, 0.15), rng.choice([-1.0, 1.0]), rng.normal(0, 0.5)])
    normal /= np.linalg.norm(normal)
    offset = float(normal @ site.point + rng.uniform(3, 12))
    return float(normal[0]), float(normal[1]), float(normal[2]), offset


def _bronchogram(
    rng: np.random.Generator, at: NDArray[np.float64], hilum: NDArray[np.float64], reach: float
) -> Tubes:
    count = int(rng.integers(3, 7))
    ways = at - hilum
    ways = ways / np.linalg.norm(ways) + rng.normal(0, 0.38, (count, 3)) * (1, 1, 0.3)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    start = at - ways * reach * rng.uniform(0.5, 0.9, (count, 1)) + rng.normal(0, 4, (count, 3))
    end = at + ways * reach * rng.uniform(0.15, 0.75, (count, 1))
    wide = rng.uniform(1.2, 2.1, count)
    return Tubes(start, end, wide, wide * 0.5)


def ground_glass(rng: np.random.Generator, build: Build, shift_hu: float) -> Cloud:
    radii = rng.uniform(15, 34), rng.uniform(13, 27), rng.uniform(16, 34)
    site = choose_site(rng, build, (-105, 82), (7, 34))
    return Cloud(
        site.side, site.point, radii, float(rng.uniform(0, np.pi)), float(rng.uniform(-700, -470)) + shift_hu,
        float(rng.uniform(6, 13)), float(rng.uniform(2.5, 5)), ripple(rng, 11, 45, 9), None, None, True,
    )  # fmt: skip
