"""Lungs, mediastinum and upper abdomen of the phantom at any height.

Heights are millimetres from the carina (head positive) for an average man, everything scaled by the build. The
positions and calibres follow common anatomy: ascending aorta about 32 mm wide on the right in front, descending
aorta about 25 mm left of the spine, the right pulmonary artery behind the ascending aorta, the left one over
the left main bronchus, the right diaphragm dome 10 mm above the left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from .phantom_build import Build
from .phantom_paint import (
    ANGLES,
    Canvas,
    Capsule,
    Ellipse,
    Plane,
    Shape,
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
_WALL_HU: Final = 30.0  # of trachea and main bronchi
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
        halo, rounding = (0.2, 2.5) if value < -500 or value == _WALL_HU else (0.8, 7.0)  # bare bronchi
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
    return np.abs(x - lean[index]) - table[index]


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
    return (domes + uneven).astype(np.float32)


def _apex(build: Build, canvas: Canvas, z: float) -> Plane:
    """Signed distance above the lung tops, mm."""
    x, y = canvas.grid
    q2 = ((np.abs(x) - 42 * build.across) / (44 * build.across)) ** 2 + ((y - 18) / (46 * build.along)) ** 2
    return ((np.float32(z - 110 * build.up) + 21 * build.up * q2) * 0.8).astype(np.float32)


def mediastinum(build: Build, z: float) -> list[tuple[Shape, float]]:
    """Heart, great vessels, airways and spine tissue at a height, with their HU, in painting order."""
    level = z / build.up
    shapes = [*_gullet(level), *_heart(build, level), *_vessels(build, level), *_airways(level)]
    placed = []
    for number, (shape, value) in enumerate(shapes):
        dx, dy = build.shift_mm[number % len(build.shift_mm)] * 0.6
        placed.append((_placed(build, shape, dx, dy), value))
    return [(_placed(build, Ellipse(0, 62, 19, 17), 0, 0), 45.0), *placed]


def _placed(build: Build, shape: Shape, dx: float, dy: float) -> Shape:
    """A shape of the average man moved and scaled to the build."""
    across, along = build.across, build.along
    if isinstance(shape, Capsule):
        ends = shape.x0 * across + dx, shape.y0 * along + dy, shape.x1 * across + dx, shape.y1 * along + dy
        return Capsule(*ends, shape.radius * build.size)
    return Ellipse(
        shape.x * across + dx, shape.y * along + dy, shape.a * build.size, shape.b * build.size, shape.angle
    )


def _circle(x: float, y: float, radius: float) -> Ellipse:
    return Ellipse(x, y, radius, radius)


def _chord(level: float, centre: float, half: float, radius: float) -> float:
    """Radius of a lying tube's section: full in the middle of its height, zero at its ends."""
    u = (level - centre) / half
    return radius * float(np.sqrt(max(0.0, 1 - u * u)))


def _gullet(level: float) -> list[tuple[Shape, float]]:
    x, y = (
        np.interp(level, (-130, -70, 0, 100), (16, 8, 5, 3)),
        np.interp(level, (-130, 0, 100), (30, 36, 20)),
    )
    return [(Ellipse(x, y, 8.5, 5.5, 0.1), 38.0), (Ellipse(x + 1, y - 0.5, 2.2, 1.1), -350.0)]


def _heart(build: Build, level: float) -> list[tuple[Shape, float]]:
    """Pericardium with fat, muscle and four chambers; the apex points to the left front."""
    swell = build.heart * np.interp(
        level, (-122, -116, -104, -80, -60, -40, -28, -20), (0, 0.5, 0.84, 1, 1, 0.86, 0.6, 0)
    )
    if swell < 0.3:
        return []
    x, y = (
        np.interp(level, (-115, -80, -30), (30, 21, 6)),
        np.interp(level, (-115, -60, -30), (-26, -20, -22)),
    )
    blood, muscle = build.blood_hu, 48.0 if not build.contrast else 85.0
    at = lambda dx, dy, a, b, turn=-0.5: Ellipse(x + dx * swell, y + dy * swell, a * swell, b * swell, turn)  # noqa: E731
    low = float(np.interp(level, (-115, -60, -35), (1.0, 0.8, 0.0)))
    high = 1 - float(np.interp(level, (-100, -70), (1.0, 0.0)))
    chambers = [(at(0, 0, 60, 44), -85.0), (at(0.5, 1, 56, 40.5), muscle)]
    if low > 0.3:
        chambers += [(at(24, 3, 26 * low, 17 * low), blood), (at(4, -24, 33 * low, 12 * low, -0.35), blood)]
    if low > 0.6:
        chambers += [(at(-17, -31, 9, 2.8, 1.07), -75.0), (at(32, 24, 7, 2.6, 1.07), -70.0)]
    if high > 0.3:
        chambers += [(at(-36, 8, 17, 22, 0.1), blood), (at(-4, 28, 30 * high, 14 * high, 0.1), blood)]
    return [(shape, float(value)) for shape, value in chambers]


def _vessels(build: Build, level: float) -> list[tuple[Shape, float]]:
    """Aorta, its arch and branches, caval and innominate veins, pulmonary trunk and arteries."""
    blood, shapes = build.blood_hu, list[Shape]()
    if level < 30:
        x, y = np.interp(level, (-140, -80, 0), (6, 16, 25)), np.interp(level, (-140, -60, 20), (42, 44, 38))
        shapes += [_circle(x, y, 12.5), _circle(x - 30, y + 2, 3.8)]
    if -48 < level < 30:
        shapes.append(
            _circle(np.interp(level, (-48, 0), (-2, -13)), np.interp(level, (-48, 25), (-20, -27)), 16)
        )
    if (arch := _chord(level, 35, 14, 12.5)) > 3:
        points = ((-13, -24), (4, -14), (19, 6), (24, 34))
        shapes += [Capsule(*a, *b, arch) for a, b in zip(points[:-1], points[1:], strict=True)]
    if level > 47:
        branches = ((-9, -12, 6.5), (7, -6, 4.3), (19, 6, 5.2), (-25, -18, 7.5), (25, -24, 7))
        shapes += [_circle(*branch) for branch in branches]
    if (innominate := _chord(level, 54, 9, 6.5)) > 2:
        shapes.append(Capsule(27, -34, -20, -26, innominate))
    if -36 < level < 50:
        shapes.append(Ellipse(-30, -14, 9.5, 8, 0.4))
    if level < -84:
        shapes.append(_circle(-24, 8, 12.5))
    if (azygos := _chord(level, 14, 6, 5.0)) > 2:
        shapes += [Capsule(-7, 40, -17, 18, azygos), Capsule(-17, 18, -28, -6, azygos)]
    return [(shape, blood) for shape in [*shapes, *_pulmonary(level)]]


def _pulmonary(level: float) -> list[Shape]:
    shapes: list[Shape] = []
    if (trunk := _chord(level, -20, 20, 14.5)) > 5:
        shapes.append(_circle(19, -36, trunk))
    if (left := _chord(level, -4, 14, 11)) > 3:
        shapes.append(Capsule(21, -26, 40, 4, left))
    if (right := _chord(level, -16, 11, 10)) > 3:
        shapes += [Capsule(16, -26, -4, -4, right), Capsule(-4, -4, -40, 0, right)]
    if (veins := _chord(level, -46, 14, 7)) > 2:
        shapes += [Capsule(-20, 8, -50, 6, veins), Capsule(26, 10, 54, 10, veins)]
    if (upper := _chord(level, -26, 13, 4.6)) > 1.5:
        shapes += [Capsule(-28, -8, -48, -12, upper), Capsule(36, -4, 53, -10, upper)]
    if (interlobar := _chord(level, -40, 28, 8)) > 3:
        middle = float(np.interp(level, (-66, -15), (1.0, 0.0)))
        shapes.append(Ellipse(-47 - 5 * middle, 8 + 10 * middle, interlobar, 0.85 * interlobar))
    if (descending := _chord(level, -32, 33, 8)) > 3:
        middle = float(np.interp(level, (-62, -5), (1.0, 0.0)))
        shapes.append(Ellipse(47 + 8 * middle, 14 + 14 * middle, descending, 0.85 * descending))
    return shapes


def _airways(level: float) -> list[tuple[Shape, float]]:
    """Trachea above the carina, main and lower bronchi below: a wall, then air."""
    y = np.interp(level, (-50, 0, 110), (20, 15, 2))
    shapes: list[Shape] = []
    if level > 3:
        shapes = [Ellipse(-2, y, 8.8, 9.2)]
    elif level > -8:
        spread = 6 + (3 - level) * 0.9
        shapes = [Ellipse(-2 - spread, y, 8.5, 7.5), Ellipse(-2 + spread, y, 8, 7)]
    elif level > -58:
        right = np.interp(level, (-58, -25, -8), (-38, -33, -18))
        left = np.interp(level, (-58, -30, -8), (46, 40, 16))
        longer = float(np.interp(level, (-40, -25, -8), (5, 8, 10)))
        shapes = [Ellipse(right, y, 6.2, 5.8), Ellipse(left, y + 1, longer, 5.4, 0.25)]
    walls: list[tuple[Shape, float]] = [(shape.grown(1.5), _WALL_HU) for shape in shapes]
    return walls + [(shape, -985.0) for shape in shapes]


def paint_middle(build: Build, scene: Scene, hu: Plane, waves: Plane) -> None:
    """Fill the cage: abdomen, mediastinal fat and organs; the lungs are painted over it later."""
    canvas = scene.canvas
    blend(hu, canvas.cover(scene.cage), -96.0)
    _paint_abdomen(build, scene, hu, waves)
    for shape, value in scene.organs:
        fill(canvas, hu, shape, value)


def _paint_abdomen(build: Build, scene: Scene, hu: Plane, waves: Plane) -> None:
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
