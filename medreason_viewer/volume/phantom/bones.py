"""Ribs, sternum, clavicles, shoulder blades and spine of the phantom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from .anatomy import FROM_FRONT, LEFTWARDS, Scene, cage_table
from .build import Build
from .paint import ANGLES, Canvas, Capsule, Ellipse, Plane, Waves, blend, fill, fill_bone, rippled

_RIB_STEP_MM: Final = 24.0
_DISC_STEP_MM: Final = 23.0


def paint_bones(build: Build, scene: Scene, hu: Plane, waves: Waves) -> None:
    """Ribs, sternum, clavicles, scapulae and spine."""
    _paint_ribs(build, scene, hu, waves)
    for blade in scapula(build, scene.z):
        fill_bone(scene.canvas, hu, blade, 620 * build.bone, 260 * build.bone, 1.6)
    _paint_front(build, scene, hu)
    _paint_spine(build, scene, hu, waves)


def _paint_ribs(build: Build, scene: Scene, hu: Plane, waves: Waves) -> None:
    """Oblique arcs: each rib sinks from the spine to the front, so a slice cuts several."""
    canvas = scene.canvas
    _, index = canvas.polar
    drop = np.float32(118 * build.up) * np.clip((172 - FROM_FRONT) / 150, 0, 1) ** np.float32(0.85)
    phase = (build.rib_phase + 0.13 * LEFTWARDS) * _RIB_STEP_MM
    height = (scene.z + drop + phase) % (_RIB_STEP_MM * build.up)
    off = np.abs(height - _RIB_STEP_MM * build.up / 2).astype(np.float32)[index]
    across: Plane = (scene.cage - np.float32(5.2 * build.size)) / np.float32(3.7 * build.size)
    q = np.sqrt((off / np.float32(6.4)) ** 2 + across**2)
    front = FROM_FRONT[index]
    bony = (front > 30) & (front < 165) & (scene.z < 118 * build.up)
    sharp = np.float32(3.7 / canvas.spacing_mm)
    outer: Plane
    inner: Plane
    outer, inner = np.clip((1 - q) * sharp + 0.5, 0, 1), np.clip((0.62 - q) * sharp + 0.5, 0, 1)
    blend(hu, outer * bony, 760.0 * build.bone)
    blend(hu, inner * bony, 230.0 * build.bone)
    gristle = outer * ((front <= 30) & (front > 11)) * (scene.z < 40 * build.up)
    blend(hu, gristle, 105.0)


def _paint_front(build: Build, scene: Scene, hu: Plane) -> None:
    """Sternum, wider as the manubrium, and the inner ends of the clavicles above it."""
    level = scene.z / build.up
    front = -float(cage_table(build, scene.z)[3 * ANGLES // 4])
    cortex, marrow = 560 * build.bone, 140 * build.bone
    if -95 < level < 62:
        half = float(np.interp(level, (-95, -70, 5, 25, 50), (7, 15, 14, 26, 28))) * build.size
        fill_bone(scene.canvas, hu, Ellipse(0.5, front - 6.5, half, 6.2 * build.size), cortex, marrow, 1.5)
    if 46 < level < 96:
        rise = (level - 46) / 50
        for side in (-1, 1):
            middle = side * (26 + 70 * rise) * build.across, front - 8 + 14 * rise
            far = middle[0] + side * 20, middle[1] + 5
            fill_bone(
                scene.canvas, hu, Capsule(*middle, *far, 6.5 * build.size), 700 * build.bone, marrow, 1.8
            )


def _paint_spine(build: Build, scene: Scene, hu: Plane, waves: Waves) -> None:
    """Body or disc, arch with its processes, canal with cord."""
    canvas, size = scene.canvas, build.size
    step = _DISC_STEP_MM * build.up
    height = (scene.z + build.disc_phase) % step / step  # 0 and 1 in the middle of a disc
    y, cortex, marrow = 62 * build.along, 520 * build.bone, 190 * build.bone
    body = Ellipse(0, y, 17.5 * size, 14 * size)
    if 0.12 < height < 0.88:
        fill_bone(canvas, hu, body, cortex, marrow, 1.4)
        _mottle(canvas, hu, body, waves, scene.z)
    else:
        fill(canvas, hu, body.grown(0.8), 85.0)
    back = y + 13 * size
    for bone, shell_mm in _arch(back, size, height):
        fill_bone(canvas, hu, bone, cortex, marrow, shell_mm)
    canal = Ellipse(0, back + 8 * size, 10 * size, 8.6 * size)
    fill(canvas, hu, canal, -25.0)
    fill(canvas, hu, canal.grown(-1.8), 14.0)
    fill(canvas, hu, Ellipse(0, canal.y, 5.5 * size, 4.5 * size), 40.0)


def _arch(back: float, size: float, height: float) -> Iterator[tuple[Capsule, float]]:
    """Pedicles, transverse processes, laminae and the spinous process, each with its shell in mm."""
    for side in (-1, 1):
        if height > 0.42:
            yield Capsule(side * 10.5 * size, back - 3, side * 12.5 * size, back + 10, 4 * size), 1.5
        if 0.45 < height < 0.8:
            tip = side * 33 * size, back + 21 * size
            yield Capsule(side * 14 * size, back + 13 * size, *tip, 4.4 * size), 1.6
        yield Capsule(side * 12 * size, back + 12 * size, 0, back + 20 * size, 3.6 * size), 1.5
    spinous = 9 + 13 * abs(np.sin(np.pi * (height + 0.2)))
    yield Capsule(0, back + 21 * size, 0, back + (21 + spinous) * size, 3.3 * size), 1.4


def _mottle(canvas: Canvas, hu: Plane, body: Ellipse, waves: Waves, z: float) -> None:
    """Trabecular texture of the marrow."""
    window = canvas.window(body.x, body.y, body.reach)
    x, y = (axis[window] for axis in canvas.grid)
    grain = rippled(waves * (7, 7, 5, 1), x, y, z)
    hu[window] += 20 * grain * canvas.cover(body.grown(-2.5).distance(x, y))


def scapula(build: Build, z: float) -> list[Capsule]:
    """The blade's section, and its spine higher up."""
    level = z / build.up
    long = float(np.interp(level, (-42, -30, 20, 70, 110), (0, 16, 44, 52, 40)))
    if long < 8:
        return []
    bones = []
    out = 22 * build.size + 0.12 * build.fat_mm
    for side in (-1, 1):
        x0, y0 = side * (92 * build.across + 0.2 * out), 88 * build.along
        dx, dy = side * long * 0.62, -long * 0.78
        bones.append(Capsule(x0, y0, x0 + dx, y0 + dy, 2.4))
        if level > 45:
            bones.append(
                Capsule(x0 + dx * 0.55, y0 + dy * 0.55, x0 + dx * 0.9 + side * 14, y0 + dy * 0.55 + 9, 3.4)
            )
            bones.append(Capsule(x0 + dx * 0.95, y0 + dy * 0.95, x0 + dx * 1.1, y0 + dy * 1.1, 8.0))
    return bones
