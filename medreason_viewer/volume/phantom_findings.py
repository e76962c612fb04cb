"""The phantom's findings: where they lie, how they look, and which pixels belong to them.

Each lesion is defined in space, so that neighbouring slices agree, and lies in one lung. Ranges are general
radiology knowledge; :mod:`.phantom` lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from .phantom_anatomy import FROM_FRONT, Scene, survey
from .phantom_build import Build, Setting
from .phantom_paint import Canvas, Plane, Tubes, blend, ripple, rippled, tube_cover

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


def _inside(scene: Scene, side: Side) -> Plane:
    return scene.lungs[0 if side == "right" else 1]


def choose_site(
    rng: np.random.Generator, build: Build, heights: tuple[float, float], depths: tuple[float, float]
) -> Site:
    """A random point of a lung between two heights (average-man mm) and two depths below its surface (mm)."""
    for _ in range(40):
        side: Side = "right" if rng.random() < 0.5 else "left"
        z = float(rng.uniform(*heights)) * build.up
        scene = survey(build, _COARSE, z)
        lung = _inside(scene, side) > 0.5
        if lung.sum() * _COARSE.spacing_mm**2 < 2600:
            continue
        rows, cols = np.nonzero(lung & (scene.depth >= depths[0]) & (scene.depth <= depths[1]))
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
        for bx, by, bz, size in self.bumps:
            away = np.sqrt((x - bx) ** 2 + (y - by) ** 2 + np.float32((scene.z - bz) ** 2)) - np.float32(size)
            distance = np.minimum(distance, away)
        distance += np.float32(0.07 * self.radius) * rippled(self.waves, x, y, scene.z)
        part[...] = canvas.cover(distance)
        return total * _inside(scene, self.side)

    def paint(self, scene: Scene, hu: Plane, cover: Plane) -> None:
        """Solid, slightly uneven, with fainter spikes."""
        if self.spikes is not None:
            blend(
                hu, 0.7 * tube_cover(scene.canvas, self.spikes, scene.z) * _inside(scene, self.side), -150.0
            )
        blend(hu, cover, self.value)


def _growth(rng: np.random.Generator, build: Build, diameter: tuple[float, float], shift_hu: float) -> Growth:
    radius = 0.5 * float(rng.uniform(*diameter))
    site = choose_site(rng, build, (-105, 88), (min(0.55 * radius, 16), 70))
    centre = np.array(site.point)
    lobes = int(rng.integers(0, 6))
    directions = rng.normal(size=(lobes, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True) + 1e-9
    offset = directions * radius * 0.5
    bumps = np.vstack(
        [[*centre, radius], np.column_stack([centre + offset, radius * rng.uniform(0.5, 0.66, lobes)])]
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
        return total * _inside(scene, self.side)

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


def _consolidation(rng: np.random.Generator, build: Build, shift_hu: float) -> Cloud:
    radii = rng.uniform(16, 36), rng.uniform(13, 26), rng.uniform(18, 34)
    site = choose_site(rng, build, (-108, 78), (4, 22))
    hilum = np.array([np.sign(site.point[0]) * 38 * build.across, 8.0, site.point[2] - 4])
    turn = float(np.arctan2(site.point[1] - hilum[1], site.point[0] - hilum[0])) + np.pi / 2
    return Cloud(
        site.side, site.point, radii, turn, float(rng.uniform(5, 58)) + shift_hu, float(rng.uniform(3, 8)),
        float(rng.uniform(2.5, 5)), ripple(rng, 11, 45, 9), _fissure(rng, site) if rng.random() < 0.4 else None,
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


def _ground_glass(rng: np.random.Generator, build: Build, shift_hu: float) -> Cloud:
    radii = rng.uniform(15, 34), rng.uniform(13, 27), rng.uniform(16, 34)
    site = choose_site(rng, build, (-105, 82), (7, 34))
    return Cloud(
        site.side, site.point, radii, float(rng.uniform(0, np.pi)), float(rng.uniform(-700, -470)) + shift_hu,
        float(rng.uniform(6, 13)), float(rng.uniform(2.5, 5)), ripple(rng, 11, 45, 9), None, None, True,
    )  # fmt: skip


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
        return (y - surface).astype(np.float32)

    def cover(self, scene: Scene) -> Plane:
        """Everything in the pleural space behind the surface."""
        return scene.canvas.cover(-self._front(scene)) * _inside(scene, self.side)

    def paint(self, scene: Scene, hu: Plane, cover: Plane) -> None:
        """Fluid, and the strip of collapsed lung before it."""
        front = self._front(scene)
        strip = np.clip((front + np.float32(self.atelectasis[0])) / 2.5, 0, 1) * _inside(scene, self.side)
        blend(hu, np.float32(self.atelectasis[1]) * strip, 30.0)
        blend(hu, cover, self.value)


def _effusion(rng: np.random.Generator, build: Build, shift_hu: float) -> Fluid:
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
        return cover * _inside(scene, self.side)

    def paint(self, scene: Scene, hu: Plane, cover: Plane) -> None:
        """Walls of the bullae, then air."""
        rim = tube_cover(scene.canvas, self.bullae.grown(0.9), scene.z)
        blend(hu, 0.8 * rim * _inside(scene, self.side), -480.0)
        blend(hu, cover, self.value)


def _emphysema(rng: np.random.Generator, build: Build, shift_hu: float) -> Holes:
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
    return Tubes(at, at + (0, 0, 0.01), radius, radius)


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
        table = np.maximum(1 - u * u, -0.15) * np.float32(self.thick)
        fade = 1 - ((scene.z - self.middle) / (1.6 * self.span)) ** 2
        return (table.astype(np.float32) * np.float32(max(fade, -0.2)))[index] + scene.cage

    def cover(self, scene: Scene) -> Plane:
        """The air, up to the line."""
        return scene.canvas.cover(-self._above(scene)) * _inside(scene, self.side)

    def paint(self, scene: Scene, hu: Plane, cover: Plane) -> None:
        """Air without vessels, the line, and a denser lung beneath it."""
        above, inside = self._above(scene), _inside(scene, self.side)
        hu += np.float32(self.collapse) * inside * (1 - cover)
        line = np.clip(1 - np.abs(above + 0.5) / np.float32(max(0.9, 0.8 * scene.canvas.spacing_mm)), 0, 1)
        blend(hu, cover, -996.0)
        blend(hu, line * inside, -430.0)


def _pneumothorax(rng: np.random.Generator, build: Build, shift_hu: float) -> FreeAir:
    site = choose_site(rng, build, (-90, 78), (3, 60))
    thick = float(np.exp(rng.uniform(np.log(9), np.log(42))))
    return FreeAir(
        site.side, site.point[2], float(rng.uniform(28, 85)), float(rng.uniform(38, 62)), thick,
        float(rng.uniform(40, 90)), thick * float(rng.uniform(0.5, 2.0)) + 0.2 * shift_hu,
    )  # fmt: skip


_MAKERS: Final[dict[str, Callable[[np.random.Generator, Build, float], Lesion]]] = {
    "nodule": lambda rng, build, shift: _growth(rng, build, (6, 30), shift),
    "mass": lambda rng, build, shift: _growth(rng, build, (34, 66), shift),
    "consolidation": _consolidation,
    "ground-glass": _ground_glass,
    "effusion": _effusion,
    "emphysema": _emphysema,
    "pneumothorax": _pneumothorax,
}


def make_lesion(rng: np.random.Generator, build: Build, finding: Finding, setting: Setting) -> Lesion | None:
    """Draw a lesion of a kind for a patient; None for ``none``."""
    if finding == "none":
        return None
    shift_hu = float(rng.uniform(-70, -25)) if setting == "shifted" else 0.0
    return _MAKERS[finding](rng, build, shift_hu)
