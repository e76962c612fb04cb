"""Heart, great vessels, airways and oesophagus of the phantom, as sections at any height.

Heights and positions are millimetres for an average man, from the carina (head positive) and the body's axis.
They follow common anatomy: ascending aorta about 32 mm wide on the right in front, descending aorta about
25 mm on the left of the spine, the right pulmonary artery behind the ascending aorta, the left one over the
left main bronchus.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from .build import Build
from .paint import Capsule, Ellipse, Shape

AIRWAY_WALL_HU: Final = 30.0  # of trachea and main bronchi


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

    def at(dx: float, dy: float, a: float, b: float, turn: float = -0.5) -> Ellipse:
        return Ellipse(x + dx * swell, y + dy * swell, a * swell, b * swell, turn)

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
        shapes += [Capsule(*a, *b, arch) for a, b in pairwise(points)]
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
    walls: list[tuple[Shape, float]] = [(shape.grown(1.5), AIRWAY_WALL_HU) for shape in shapes]
    return walls + [(shape, -985.0) for shape in shapes]
