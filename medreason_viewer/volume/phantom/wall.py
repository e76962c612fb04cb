"""Chest wall, skeleton, skin and the scanner's table of the phantom."""

from __future__ import annotations

import numpy as np

from .anatomy import FROM_FRONT, Scene, cage_table, radial_distance
from .bones import scapula
from .build import Build
from .paint import (
    ANGLES,
    Canvas,
    Ellipse,
    Plane,
    Shape,
    Waves,
    blend,
    polar_table,
    rippled,
)


def paint_wall(build: Build, scene: Scene, hu: Plane, waves: Waves) -> None:
    """Table, skin, fat, muscles, all that lies outside of the ribs."""
    canvas, z = scene.canvas, scene.z
    _paint_table(build, canvas, hu)
    cage = cage_table(build, z)
    flesh = cage + 10 * build.size + _muscle_table(build, z)
    skin = np.maximum(_skin_table(build, z), flesh + np.float32(0.35 * build.fat_mm + 3))
    outer = radial_distance(canvas, skin)
    x, y = canvas.grid
    fat = np.float32(-104) + 7 * rippled(waves[:6], x, y, z)
    blend(hu, canvas.cover(outer), 25.0)
    blend(hu, canvas.cover(outer + 1.8), fat)
    if build.female:
        _paint_breasts(build, scene, hu, waves)
    _paint_muscles(build, scene, hu, (radial_distance(canvas, flesh.astype(np.float32)), outer), waves)


def _muscle_table(build: Build, z: float) -> Plane:
    """Thickness of the muscles outside of the ribs by direction, mm."""
    level = z / build.up
    chest = np.interp(level, (-120, -40, 10, 60), (1.5, 5, 16, 17))
    flank = np.interp(level, (-120, -40, 30, 80), (7, 9, 15, 34))
    back = np.interp(level, (-120, 0, 60), (9, 9, 15))
    degrees = (0, 12, 35, 62, 85, 110, 130, 150, 166, 176, 180)
    mm = (1, 3, chest, chest, 0.7 * flank, 1.1 * flank, 1.2 * flank, back, 1.5 * back, 1.9 * back, 1.8 * back)
    return (np.interp(FROM_FRONT, degrees, mm) * build.muscle).astype(np.float32)


def _skin_table(build: Build, z: float) -> Plane:
    """Radius of the skin by direction, mm: a superellipse, flatter at the back, with breasts or shoulders."""
    level, fat = z / build.up, build.fat_mm
    wide = np.interp(level, (-150, -60, 0, 60, 110), (132, 138, 144, 154, 162)) * build.across + fat
    front = np.interp(level, (-150, -40, 50, 110), (106, 108, 100, 86)) * build.along + 0.7 * fat
    back = np.interp(level, (-150, -40, 50, 110), (112, 116, 118, 112)) * build.along + 0.45 * fat
    t = np.linspace(-np.pi, np.pi, 180, endpoint=False)
    behind = np.sin(t) > 0
    power = np.where(behind, 0.66, 0.84)
    outline = np.column_stack(
        [
            wide * np.sign(np.cos(t)) * np.abs(np.cos(t)) ** np.where(behind, 0.78, 0.84),
            14 * build.along
            + np.where(behind, back, front) * np.sign(np.sin(t)) * np.abs(np.sin(t)) ** power,
        ]
    )
    table = polar_table(outline)
    groove = np.exp(-(((180 - FROM_FRONT) / 7) ** 2)) * 2.5 + np.exp(-((FROM_FRONT / 9) ** 2)) * 4
    table -= groove.astype(np.float32)
    if build.female:
        for breast in _breasts(build, z):
            table = np.maximum(table, _seen_from_axis(breast))
    return table


def _breasts(build: Build, z: float) -> list[Ellipse]:
    """Sections of the breasts; they lie flat and to the side in a supine patient."""
    radius = build.breast_mm * np.sqrt(max(0.0, 1 - ((z / build.up + 38) / 62) ** 2))
    if radius < 12:
        return []
    y = -76 * build.along - 0.35 * build.fat_mm
    return [Ellipse(side * 86 * build.across, y, 1.2 * radius, 0.72 * radius, 0.6 * side) for side in (-1, 1)]


def _seen_from_axis(shape: Ellipse) -> Plane:
    """Polar table of an ellipse's far side, by the quadratic equation; zero where no ray meets it."""
    cos, sin = np.cos(shape.angle), np.sin(shape.angle)
    turns = 2 * np.pi * np.arange(ANGLES) / ANGLES
    du, dv = np.cos(turns - shape.angle) / shape.a, np.sin(turns - shape.angle) / shape.b
    u, v = -(cos * shape.x + sin * shape.y) / shape.a, -(cos * shape.y - sin * shape.x) / shape.b
    a, b, c = du * du + dv * dv, du * u + dv * v, u * u + v * v - 1
    root = b * b - a * c
    far = (-b + np.sqrt(np.maximum(root, 0))) / a
    return np.where(root > 0, np.maximum(far, 0), 0).astype(np.float32)


def _paint_breasts(build: Build, scene: Scene, hu: Plane, waves: Waves) -> None:
    """Strands of glandular tissue."""
    x, y = scene.canvas.grid
    for breast in _breasts(build, scene.z):
        window = scene.canvas.window(breast.x, breast.y, breast.reach)
        part = hu[window]
        if part.size:
            strands = rippled(waves[4:], x[window], y[window], scene.z) - np.float32(0.25)
            gland = np.clip(strands * 1.6, 0, 1) * np.clip(
                -breast.grown(-10).distance(x[window], y[window]) / 8, 0, 1
            )
            part += gland * (np.float32(35) - part)


def _paint_muscles(build: Build, scene: Scene, hu: Plane, borders: tuple[Plane, Plane], waves: Waves) -> None:
    """Muscle between the ribs and outside of them, parted by thin fat."""
    canvas, (flesh, outer) = scene.canvas, borders
    x, y = canvas.grid
    _, index = canvas.polar
    layer = canvas.cover(flesh) * canvas.cover(-scene.cage)
    wave = rippled(waves[2:8], x, y, scene.z)
    plane_of_fat: Plane = np.exp(-(((scene.cage - 11 * build.size - 1.5 * wave) / 1.3) ** 2))
    deep = np.exp(-(((flesh + 9 + 2.5 * wave) / 1.1) ** 2)) * (FROM_FRONT[index] < 150)
    streaks = np.clip(wave - 1.1, 0, 1) * 0.8
    blend(hu, layer * (1 - np.clip(0.75 * plane_of_fat + 0.6 * deep + streaks, 0, 0.9)), 54.0)
    for shape in [*_scapular_muscles(build, scene.z), *_outer_muscles(build, scene.z)]:
        window = canvas.window(shape.x, shape.y, shape.reach + 3)
        part = hu[window]
        if part.size:
            distance: Plane = np.maximum(shape.distance(x[window], y[window]), outer[window] + 4)
            part += canvas.cover(distance - 1.3) * (-78 - part)
            part += canvas.cover(distance) * (np.float32(55) + 6 * wave[window] - part)


def _scapular_muscles(build: Build, z: float) -> list[Shape]:
    muscles: list[Shape] = []
    for bone in scapula(build, z):
        if bone.radius == 2.4:
            turn = float(np.arctan2(bone.y1 - bone.y0, bone.x1 - bone.x0))
            muscles.append(Ellipse(bone.x, bone.y, bone.reach + 5, 15 * build.muscle, turn))
    return muscles


def _outer_muscles(build: Build, z: float) -> list[Shape]:
    """Erector spinae, and higher up the pectoral and broad back muscles on their way to the raised arms."""
    level, size = z / build.up, build.size * build.muscle
    back = 62 * build.along + 40 * build.size
    thick = float(np.interp(level, (-120, 0, 90), (14, 11.5, 10)))
    muscles: list[Shape] = [
        Ellipse(side * 23 * build.size, back, 18.5 * size, thick * size, side * -0.12) for side in (-1, 1)
    ]
    bulk = float(np.interp(level, (10, 45, 100), (0, 1, 1.2))) * build.muscle
    if bulk > 0.3:
        narrow = float(np.interp(level, (40, 100), (1, 0.86)))
        for side in (-1, 1):
            at = side * 94 * build.across * narrow, -46 * build.along * narrow
            muscles.append(Ellipse(*at, 30 * bulk, 8 * bulk, side * 0.72))
            muscles.append(
                Ellipse(side * 126 * build.across, 36 * build.along, 12 * bulk, 26 * bulk, side * 0.25)
            )
    return muscles


def _paint_table(build: Build, canvas: Canvas, hu: Plane) -> None:
    """A curved couch under the back: two bright skins with foam between, and a mattress."""
    across, down = canvas.scanner
    across = across + np.float32(canvas.centre_mm[0])
    back = (112 * build.along + 0.75 * build.fat_mm) - canvas.centre_mm[1] + 3
    curve = (across / 200) ** 2 * (38, 22, 55)[build.table]
    below = down - np.float32(back) + curve
    edge = np.clip((np.float32(205) - np.abs(across)) / canvas.spacing_mm, 0, 1)
    for depth, thick, value in ((-9.0, 9.0, -955.0), (1.0, 1.1, 20.0), (7.0, 9.0, -930.0), (15.0, 1.1, 0.0)):
        layer = canvas.cover(np.abs(below - np.float32(depth + 6)) - np.float32(thick / 2))
        blend(hu, (layer * edge).astype(np.float32), value)
