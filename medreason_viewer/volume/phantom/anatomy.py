"""The phantom's chest cavity: chest wall, lungs, diaphragm and upper abdomen at any height.

Heights are millimetres from the carina (head positive) for an average man, everything scaled by the build;
the right dome of the diaphragm stands about 10 mm above the left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from .build import Build
from .mediastinum import AIRWAY_WALL_HU, mediastinum
from .paint import (
    ANGLES,
    Canvas,
    Ellipse,
    Plane,
    Shape,
    Waves,
    blend,
    fill,
    polar_table,
    rippled,
    smooth_min,
)

FROM_FRONT: Final = np.degrees(np.arccos(-np.sin(2 * np.pi * np.arange(ANGLES) / ANGLES))).astype(np.float32)
LEFTWARDS: Final = (np.cos(2 * np.pi * np.arange(ANGLES) / ANGLES) > 0).astype(np.float32)
_CAGE_DEG: Final = (0, 20, 40, 60, 80, 100, 120, 135, 150, 160, 168, 180)
_CAGE_MM: Final = (74, 81, 93, 106, 117, 124, 125, 121, 113, 105, 94, 82)
_CAGE_Z: Final = (-170, -100, -30, 10, 40, 60, 80, 100, 125)
_CAGE_SCALE: Final = (1.0, 1.04, 1.0, 0.95, 0.88, 0.79, 0.67, 0.53, 0.42)


@dataclass(frozen=True)
class Scene:
    """Geometry of one slice before anything is painted.

    Attributes
    ----------
    cage : Plane
        Signed distance from the inner chest wall, mm.
    lungs : tuple of Plane
        Right and left lung with pleural space, cover 0 to 1.
    depth : Plane
        Distance below the lung surface, mm; negative outside of the lungs.
    under : Plane
        Cover of what lies below the diaphragm.
    organs : list of (Shape, HU)
        Mediastinal organs in painting order.
    """

    canvas: Canvas
    z: float
    cage: Plane
    lungs: tuple[Plane, Plane]
    depth: Plane
    under: Plane
    organs: list[tuple[Shape, float]] = field(default_factory=list)

    @property
    def lung(self) -> Plane:
        """Cover of both lungs."""
        return self.lungs[0] + self.lungs[1]


def cage_table(build: Build, z: float, grown_mm: float = 0.0) -> Plane:
    """Radius of the inner chest wall by direction, mm, at a height in mm."""
    level = z / build.up
    scale = np.interp(level, _CAGE_Z, _CAGE_SCALE)
    angle = np.radians(np.arange(0, 360, 4.0))
    front = np.degrees(np.arccos(np.cos(angle)))
    radius = np.interp(front, _CAGE_DEG, _CAGE_MM) * scale + grown_mm
    middle = np.interp(level, (-30, 40, 110), (0, 2, 14))
    outline = np.column_stack(
        [radius * np.sin(angle) * build.across, -radius * np.cos(angle) * build.along + middle]
    )
    return polar_table(outline)


def radial_distance(canvas: Canvas, table: Plane) -> Plane:
    """Signed distance from a star-shaped outline, mm (first order)."""
    radius, index = canvas.polar
    slope = np.gradient(table, 2 * np.pi / ANGLES)
    lean = (table / np.hypot(table, slope)).astype(np.float32)
    return (radius - table[index]) * lean[index]


def survey(build: Build, canvas: Canvas, z: float) -> Scene:
    """Where chest wall, lungs and mediastinal organs are on a slice."""
    x, y = canvas.grid
    cage = radial_distance(canvas, cage_table(build, z))
    organs = mediastinum(build, z)
    middle = _septum(build, canvas, z)
    for shape, value in organs:
        halo, rounding = (0.2, 2.5) if value < -500 or value == AIRWAY_WALL_HU else (0.8, 7.0)  # bare bronchi
        window = canvas.window(shape.x, shape.y, shape.reach + 12)
        part = middle[window]
        if part.size:
            part[...] = smooth_min(part, shape.distance(x[window], y[window]) - np.float32(halo), rounding)
    dome = _dome(build, canvas)
    below = (dome - np.float32(z)) * np.float32(0.7)
    outside = np.maximum(
        np.maximum(cage + np.float32(1.0), -middle), np.maximum(below, _apex(build, canvas, z))
    )
    lung = canvas.cover(outside)
    leftwards = x > 0
    under = canvas.cover(-below - 1.5) * canvas.cover(cage)
    return Scene(canvas, z, cage, (lung * ~leftwards, lung * leftwards), -outside, under, organs)


def _septum(build: Build, canvas: Canvas, z: float) -> Plane:
    """Signed distance from the fat between the lungs: narrow in front, wide round the vessels."""
    x, y = canvas.grid
    levels = (-130, -90, -40, 20, 60, 100)
    widths = [
        (-84, (24, 13, 5, 5, 14, 34)), (-52, (14, 9, 6, 10, 23, 32)), (-5, (12, 10, 10, 15, 21, 24)),
        (30, (9, 8, 9, 12, 17, 22)), (55, (14, 13, 13, 15, 20, 24)), (100, (16, 16, 16, 18, 24, 26)),
    ]  # fmt: skip
    at = [row * build.along for row, _ in widths]
    half = [np.interp(z / build.up, levels, width) * build.across for _, width in widths]
    rows = np.linspace(-160, 160, 641)
    table = np.interp(rows, at, half).astype(np.float32)
    index = np.clip((y + 160) * 2, 0, 640).astype(np.int32)
    bend = 4 * np.sin(rows / 21 + build.disc_phase) * np.clip((-10 - rows) / 30, 0, 1)
    lean = (np.interp(z / build.up, (-130, -60, 0), (6, 5, 0)) + bend).astype(np.float32)
    outside: Plane = np.abs(x - lean[index]) - table[index]
    return outside


def _dome(build: Build, canvas: Canvas) -> Plane:
    """Height of the diaphragm, mm."""
    x, y = canvas.grid
    across, along, up = build.across, build.along, build.up
    side = x > 0
    centre = np.where(side, np.float32(72 * across), np.float32(-68 * across))
    top = np.where(side, np.float32(build.domes_mm[1] * up), np.float32(build.domes_mm[0] * up))
    dy = y + np.float32(22 * along)
    deep = np.where(dy > 0, np.float32(92 * along), np.float32(125 * along))
    q2 = ((x - centre) / np.float32(98 * across)) ** 2 + (dy / deep) ** 2
    phase = build.disc_phase
    waves = np.array([(0.055, 0.03, 0, phase), (-0.03, 0.05, 0, 2 * phase), (0.02, -0.06, 0, 3 * phase)])
    uneven = np.float32(3) * rippled(waves, x, y, 0.0)
    tendon = ((x - np.float32(10 * across)) / np.float32(74 * across)) ** 2 + (
        (y + np.float32(38 * along)) / np.float32(64 * along)
    ) ** 2
    domes = np.maximum(top - 72 * up * q2, np.float32((min(build.domes_mm) - 6) * up) - 60 * up * tendon)
    height: Plane = (domes + uneven).astype(np.float32)
    return height


def _apex(build: Build, canvas: Canvas, z: float) -> Plane:
    """Signed distance above the lung tops, mm."""
    x, y = canvas.grid
    q2 = ((np.abs(x) - 42 * build.across) / (44 * build.across)) ** 2 + ((y - 18) / (46 * build.along)) ** 2
    return ((np.float32(z - 110 * build.up) + 21 * build.up * q2) * 0.8).astype(np.float32)


def paint_middle(build: Build, scene: Scene, hu: Plane, waves: Waves) -> None:
    """Fill the cage: abdomen, mediastinal fat and organs; the lungs are painted over it later."""
    canvas = scene.canvas
    blend(hu, canvas.cover(scene.cage), -96.0)
    _paint_abdomen(build, scene, hu, waves)
    for shape, value in scene.organs:
        fill(canvas, hu, shape, value)


def _paint_abdomen(build: Build, scene: Scene, hu: Plane, waves: Waves) -> None:
    """Liver on the right and across, spleen at the left back, stomach with its bubble at the left front."""
    if scene.z > max(build.domes_mm) * build.up + 5:
        return
    canvas, (x, y) = scene.canvas, scene.canvas.grid
    across, along = build.across, build.along
    inside = np.full(hu.shape, -98, np.float32)
    enhanced = 45.0 if build.contrast else 0.0
    swell = float(np.sqrt(np.clip((build.domes_mm[1] * build.up - scene.z) / 45, 0.02, 1)))
    stomach, spleen = (
        Ellipse(58 * across, -22 * along, 42 * swell, 40 * swell, 0.3),
        Ellipse(88 * across, 48 * along, 30, 42, -0.5),
    )
    fill(canvas, inside, stomach.grown(3), 40.0)
    fill(canvas, inside, stomach, 22.0)
    gas = canvas.cover(np.maximum(stomach.distance(x, y), y + np.float32(36 * along)))
    blend(inside, gas, -960.0)
    fill(canvas, inside, spleen, 50.0 + enhanced)
    border = x - np.float32(24 * across) + (y + 40) * np.float32(0.55)
    blend(
        inside,
        canvas.cover(border + 5 * rippled(waves[:6] * (0.4, 0.4, 0.4, 1), x, y, scene.z)),
        58.0 + enhanced,
    )
    blend(hu, scene.under, inside)
