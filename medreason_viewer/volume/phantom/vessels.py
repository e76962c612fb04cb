"""Arteries, veins and bronchi of the phantom: trees in space that branch from the hila and taper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .tubes import Tubes

_GENERATIONS: Final = 8
_NARROWING: Final = 0.79  # Murray's law for a symmetric fork: 2 ** (-1 / 3)
# Directions of the segmental vessels of the right lung (x left, y back, z head); the left is its mirror.
_SEGMENTS: Final = np.array(
    [
        (-0.35, -0.15, 0.92), (-0.50, 0.40, 0.77), (-0.55, -0.72, 0.42), (-0.90, -0.10, 0.42),
        (-0.50, -0.82, -0.28), (-0.85, -0.45, -0.27), (-0.40, 0.80, 0.35), (-0.85, 0.50, 0.05),
        (-0.50, -0.25, -0.83), (-0.78, 0.15, -0.60), (-0.45, 0.60, -0.66), (-0.12, 0.45, -0.88),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trees:
    """Blood vessels, and the bronchi's outer walls and lumens."""

    vessels: Tubes
    walls: Tubes
    lumens: Tubes


def grow(rng: np.random.Generator, hila: NDArray[np.float64], scale: float, density: float) -> Trees:
    """Grow both lungs' trees.

    Parameters
    ----------
    hila : array of float, shape (2, 3)
        Right and left hilum, body coordinates in mm.
    scale : float
        Size of the chest; 1 is an average man.
    density : float
        Share of the small branches kept, 0 to 1.
    """
    heads, ways = _roots(rng, hila)
    reach = scale / np.sqrt(((ways / (82, 88, 150)) ** 2).sum(1))
    arteries = _tree(rng, heads, ways, 3.4 * scale, 0.26 * reach, hila, density)
    apart = ways + rng.normal(0, 0.22, ways.shape)
    apart /= np.linalg.norm(apart, axis=1, keepdims=True)
    veins = _tree(rng, heads + np.array((0.0, -7.0, -9.0)), apart, 3.1 * scale, 0.27 * reach, hila, density)
    bronchi = _accompany(rng, arteries)
    joined = _join([arteries, veins, _twigs(rng, hila, scale, density)])
    return Trees(joined, bronchi.grown(0.75, 1.1), bronchi)


def _roots(
    rng: np.random.Generator, hila: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ways = np.concatenate([_SEGMENTS, _SEGMENTS * (-1, 1, 1)]) + rng.normal(0, 0.13, (2 * len(_SEGMENTS), 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    heads = np.repeat(hila, len(_SEGMENTS), axis=0)
    return heads + ways * (3, 3, 14), ways


def _tree(
    rng: np.random.Generator,
    heads: NDArray[np.float64],
    ways: NDArray[np.float64],
    radius: float,
    lengths: NDArray[np.float64],
    hila: NDArray[np.float64],
    density: float,
) -> Tubes:
    """Fork every branch in two, generation by generation, all branches at once."""
    parts: list[Tubes] = []
    radii = radius * rng.uniform(0.75, 1.2, len(heads))
    for generation in range(_GENERATIONS):
        ends = heads + ways * (lengths * rng.uniform(0.6, 1.35, len(heads)))[:, None]
        parts.append(Tubes(heads, ends, radii, radii * 0.9))
        kept = rng.random(len(heads)) < (1.0 if generation < 3 else density)
        heads, ways, radii = _fork(rng, ends[kept], ways[kept], radii[kept] * 0.88, hila)
        lengths = np.tile(lengths[kept], 2) * 0.81
    return _join(parts)


def _fork(
    rng: np.random.Generator,
    ends: NDArray[np.float64],
    ways: NDArray[np.float64],
    radii: NDArray[np.float64],
    hila: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Two children per branch, on opposite sides of it, a main one and a smaller one, drawn outwards."""
    across = np.cross(ways, rng.normal(size=ways.shape))
    across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-9
    hub = np.where(ends[:, :1] < 0, hila[0], hila[1])
    outwards = (ends - hub) / (np.linalg.norm(ends - hub, axis=1, keepdims=True) + 1e-9)
    main, side = rng.uniform(0.15, 0.5, (len(ends), 1)), rng.uniform(0.6, 1.1, (len(ends), 1))
    children = np.concatenate([ways + across * main, ways - across * side])
    children += 0.3 * np.concatenate([outwards, outwards]) + rng.normal(0, 0.1, children.shape)
    children /= np.linalg.norm(children, axis=1, keepdims=True)
    share = rng.uniform(0.86, 1.0, len(radii))
    narrower = np.concatenate([radii * _NARROWING * 1.1 * share, radii * _NARROWING * 0.85 * share])
    return np.concatenate([ends, ends]), children, narrower


def _twigs(rng: np.random.Generator, hila: NDArray[np.float64], scale: float, density: float) -> Tubes:
    """The smallest vessels, everywhere in the lungs, pointing away from the hila."""
    count = int(7500 * density)
    hub = hila[rng.integers(2, size=count)]
    outwards = rng.normal(size=(count, 3))
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    far = rng.random((count, 1)) ** 0.38
    start = hub + outwards * far * (92 * scale, 100 * scale, 145 * scale)
    ways = outwards + rng.normal(0, 0.45, (count, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    radius = rng.uniform(0.35, 1.0, count) * np.sqrt(scale)
    return Tubes(start, start + ways * rng.uniform(6, 20, (count, 1)), radius, radius * 0.6)


def _accompany(rng: np.random.Generator, arteries: Tubes) -> Tubes:
    """Bronchi run beside the larger arteries, about as wide as they are."""
    wide = arteries.take(arteries.radius_end > 1.5)
    beside = rng.normal(size=3) * (0.3, 1.0, 0.2)
    beside /= np.linalg.norm(beside)
    shift = (wide.radius_start * 2.3)[:, None] * beside
    lumen = wide.radius_start * 0.72, wide.radius_end * 0.72
    return Tubes(wide.start + shift, wide.end + shift, *lumen)


def _join(parts: list[Tubes]) -> Tubes:
    return Tubes(
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.end for part in parts]),
        np.concatenate([part.radius_start for part in parts]),
        np.concatenate([part.radius_end for part in parts]),
    )
