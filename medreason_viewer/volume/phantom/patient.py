"""One synthetic patient: build, anatomy and lesion put together, slice by slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry import SliceBox
from .anatomy import Scene, paint_middle, survey
from .bones import paint_bones
from .build import Build, Setting, sample_build
from .findings import make_lesion
from .paint import Canvas, Plane, blend, ripple, rippled
from .site import FINDINGS, Finding, Side
from .tubes import tube_cover
from .vessels import Trees, grow
from .wall import paint_wall

Density = Literal["solid", "ground-glass", "fluid", "air", "none"]
Level = Literal["apex", "arch", "carina", "heart", "base"]
_DENSITY: Final[dict[Finding, Density]] = {
    "nodule": "solid", "mass": "solid", "consolidation": "solid", "ground-glass": "ground-glass",
    "effusion": "fluid", "emphysema": "air", "pneumothorax": "air", "none": "none",
}  # fmt: skip
_LEVELS: Final[tuple[tuple[float, Level], ...]] = (
    (60, "apex"), (20, "arch"), (-15, "carina"), (-80, "heart"), (-1e9, "base")
)  # fmt: skip
_LEAST_PIXELS: Final = 9
# What the long side of the box may be; a slice through a lesion's rim is drawn anew.
_SIZES_MM: Final[dict[Finding, tuple[float, float]]] = {
    "nodule": (5, 30), "mass": (30, 75), "consolidation": (18, 90), "ground-glass": (18, 90),
    "effusion": (40, 200), "emphysema": (25, 110), "pneumothorax": (30, 230), "none": (0, 0),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class PhantomSlice:
    """One axial slice and the truth about it.

    Attributes
    ----------
    hu : array of float32, shape (rows, cols)
        Seen from the feet: the patient's right is the picture's left.
    mask : array of bool, shape (rows, cols)
        The lesion; empty for ``none``.
    finding : Finding
    box_slice : SliceBox or None
        Bounding box of ``mask`` in slice pixels, half-open.
    side : "right", "left" or None
    level : Level
        Height in the chest.
    spacing_mm : float
        Pixel size, both ways.
    size_mm : float or None
        Long side of the box.
    mean_hu : float or None
        Mean over ``mask``, noise included.
    density : Density
    place : tuple of str
        Such as ``("upper", "posterior", "lateral")``; empty for ``none``.
    seed : int
        Of the phantom; with finding, setting and ``z_mm`` it gives the same slice again.
    z_mm : float
        Height above the carina (feet negative).
    setting : Setting
    """

    hu: Plane
    mask: NDArray[np.bool_]
    finding: Finding
    box_slice: SliceBox | None
    side: Side | None
    level: Level
    spacing_mm: float
    size_mm: float | None
    mean_hu: float | None
    density: Density
    place: tuple[str, ...]
    seed: int
    z_mm: float
    setting: Setting


class Phantom:
    """One synthetic patient.

    Parameters
    ----------
    seed : int
        Decides everything.
    finding : Finding
        What the one lesion is, or ``"none"``.
    setting : "standard", "shifted" or "small"
        ``shifted`` is for testing only.

    Raises
    ------
    ValueError
        If the finding is unknown.
    """

    def __init__(self, seed: int, finding: Finding = "none", setting: Setting = "standard") -> None:
        if finding not in FINDINGS:
            raise ValueError(f"unknown finding: {finding}")
        self.seed, self.finding, self.setting = int(seed), finding, setting
        body, tree, lesion = (np.random.default_rng([self.seed, stream]) for stream in (1, 2, 3))
        self.build: Build = sample_build(body, setting)
        self._waves = ripple(body, 9, 60, 12)
        self._trees: Trees = self._grow(tree)
        self.lesion = make_lesion(lesion, self.build, finding, setting)

    def _grow(self, rng: np.random.Generator) -> Trees:
        across, up = self.build.across, self.build.up
        hila = np.array([(-40 * across, 5, -20 * up), (44 * across, 8, -14 * up)])
        return grow(rng, hila, self.build.size, self.build.vessels)

    def spacing_mm(self, matrix: int) -> float:
        """Pixel size for a matrix."""
        return self.build.fov_mm / matrix

    def view_z(self, rng: np.random.Generator) -> float:
        """A random height at which the finding shows; anywhere in the lungs if there is none."""
        if self.lesion is None:
            return float(rng.uniform(-108, 88)) * self.build.up
        return float(rng.uniform(*self.lesion.heights))

    def hu(self, z_mm: float, matrix: int = 512) -> tuple[Plane, NDArray[np.bool_]]:
        """HU and lesion mask of the slice at a height above the carina; shape (matrix, matrix) each."""
        build = self.build
        canvas = Canvas(matrix, self.spacing_mm(matrix), build.centre_mm, build.rotation)
        scene = survey(build, canvas, float(z_mm))
        hu = np.full((matrix, matrix), -1000, np.float32)
        paint_wall(build, scene, hu, self._waves)
        paint_middle(build, scene, hu, self._waves)
        paint_bones(build, scene, hu, self._waves)
        cover = self._paint_lungs(scene, hu)
        hu = self._acquire(scene, hu)
        return hu, _region(cover, self.finding)

    def _paint_lungs(self, scene: Scene, hu: Plane) -> Plane:
        """Air spaces, then vessels and bronchi, with the lesion below or above them; returns its cover."""
        canvas, z, lung = scene.canvas, scene.z, scene.lung
        x, y = canvas.grid
        air = self.build.lung_hu + np.float32(0.35) * y + 9 * rippled(self._waves, x * 1.7, y * 1.7, z)
        cover = self.lesion.cover(scene) if self.lesion else np.zeros_like(hu)
        if self.lesion and self.lesion.under_vessels:
            self.lesion.paint(scene, air, cover)
        _paint_fissures(self.build, scene, air)
        vessels = tube_cover(canvas, self._trees.vessels, z)
        if self.finding == "emphysema":  # holes have lost their vessels
            vessels *= 1 - np.float32(0.85) * cover
        blend(air, vessels, self.build.blood_hu)
        blend(air, tube_cover(canvas, self._trees.walls, z), -260.0)
        blend(air, tube_cover(canvas, self._trees.lumens, z), -960.0)
        if self.lesion and not self.lesion.under_vessels:
            self.lesion.paint(scene, air, cover)
        blend(hu, lung, air)
        return cover

    def _acquire(self, scene: Scene, hu: Plane) -> Plane:
        """Blur and noise of the scanner, both defined in mm, so that every matrix looks alike."""
        build, canvas = self.build, scene.canvas
        pixel = canvas.spacing_mm
        hu = ndimage.gaussian_filter(hu, build.psf_mm / pixel)
        rng = np.random.default_rng([self.seed, 4, round(scene.z * 100) & 0xFFFFFF, canvas.matrix])
        white = rng.standard_normal(hu.shape, np.float32)
        sigma = build.grain_mm / pixel
        fine = ndimage.gaussian_filter(white, sigma) if sigma > 0.2 else white
        noise = fine - np.float32(0.6) * ndimage.gaussian_filter(fine, 2.2 * sigma)
        coarser = (build.grain_mm**2 + 0.7**2 / 12) / (build.grain_mm**2 + pixel**2 / 12)
        x, y = canvas.grid
        deep = np.exp(-((x / 150) ** 2) - ((y / 110) ** 2)) * np.float32(0.6) + np.float32(0.5)
        noise *= np.float32(build.noise_hu * np.sqrt(coarser) / noise.std()) * deep
        return np.clip(hu + noise, -1024, 3071).astype(np.float32)

    def slice_at(self, z_mm: float, matrix: int = 256) -> PhantomSlice:
        """The slice at a height with the truth about it."""
        hu, mask = self.hu(z_mm, matrix)
        spacing, box = self.spacing_mm(matrix), _box(mask)
        level = next(name for least, name in _LEVELS if z_mm / self.build.up >= least)
        shown = box is not None
        side = self.lesion.side if shown and self.lesion else None
        return PhantomSlice(
            hu, mask, self.finding if shown else "none", box, side, level,
            spacing, _long_side(box, spacing), float(hu[mask].mean()) if shown else None,
            _DENSITY[self.finding] if shown else "none", self._place(mask, z_mm) if shown else (), self.seed,
            float(z_mm), self.setting,
        )  # fmt: skip

    def _place(self, mask: NDArray[np.bool_], z_mm: float) -> tuple[str, ...]:
        """Zone, front or back, centre or side of the lesion's middle."""
        build = self.build
        canvas = Canvas(mask.shape[0], self.spacing_mm(mask.shape[0]), build.centre_mm, build.rotation)
        x, y = (float(axis[mask].mean()) for axis in canvas.grid)
        level = z_mm / build.up
        zone = "upper" if level > 15 else "middle" if level > -55 else "lower"
        return (
            zone,
            "anterior" if y < -5 else "posterior" if y > 25 else "mid-coronal",
            "central" if abs(x) < 58 * build.across else "lateral",
        )


def _paint_fissures(build: Build, scene: Scene, air: Plane) -> None:
    """The oblique fissures: faint curved lines that move to the front further down."""
    x, y = scene.canvas.grid
    bend = np.float32(0.0045) * (np.abs(x) - np.float32(70 * build.across)) ** 2
    behind = y - np.float32(18) - np.float32(0.85) * np.float32(scene.z + 25 * build.up) + bend
    line: Plane = np.clip(1 - np.abs(behind) / np.float32(max(1.0, 0.9 * scene.canvas.spacing_mm)), 0, 1)
    blend(air, np.float32(0.35) * line, -600.0)


def _region(cover: Plane, finding: Finding) -> NDArray[np.bool_]:
    """The lesion's pixels: one connected region, but all holes of an emphysema."""
    mask = cover > 0.5
    if finding in ("none", "emphysema") or not mask.any():
        return mask
    labels, count = ndimage.label(mask)
    if count > 1:
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        mask = labels == sizes.argmax()
    return mask if mask.sum() >= _LEAST_PIXELS else np.zeros_like(mask)


def _box(mask: NDArray[np.bool_]) -> SliceBox | None:
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    return SliceBox(float(cols[0]), float(rows[0]), float(cols[-1] + 1), float(rows[-1] + 1))


def _long_side(box: SliceBox | None, spacing_mm: float) -> float | None:
    return None if box is None else max(box.x1 - box.x0, box.y1 - box.y0) * spacing_mm


def sample_slice(
    rng: np.random.Generator,
    *,
    finding: Finding | None = None,
    matrix: int = 256,
    setting: Setting = "standard",
) -> PhantomSlice:
    """One slice of a new random phantom.

    Parameters
    ----------
    rng : Generator
        Advanced by a fixed number of draws per phantom tried.
    finding : Finding, optional
        Drawn evenly from the eight classes if not given; the slice always shows it.
    matrix : int
        Rows and columns.
    setting : "standard", "shifted" or "small"
    """
    wanted = finding or FINDINGS[int(rng.integers(len(FINDINGS)))]
    while True:
        phantom = Phantom(int(rng.integers(2**32)), wanted, setting)
        shown = phantom.slice_at(phantom.view_z(rng), matrix)
        if _typical(shown, wanted):
            return shown


def _typical(shown: PhantomSlice, wanted: Finding) -> bool:
    """Whether the slice shows what it is to show, in a size its name allows."""
    if shown.finding != wanted:
        return False
    size = shown.size_mm or 0.0
    least, most = _SIZES_MM[wanted]
    return least <= size <= most
