"""Tissues in a small part of a slice: their HU, the noise, and which pixels belong to which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_CONTRAST_HU: Final = 45.0  # less than this is texture, even without noise
_RING_SHARE: Final = 0.2  # a tissue must fill this part of the surroundings to count
_BIN_HU: Final = 5.0
_VALLEY: Final = 0.75  # of the lower of two humps: no deeper, and they are one tissue
_OTHER_SHARE: Final = 0.08  # of the pixels beyond a valley, for another tissue
_EMPHYSEMA_HU: Final = -950.0  # of CT densitometry: lung below it has lost its walls
_EMPHYSEMA_SHARE: Final = 0.2  # of a piece below it; noise puts a few per cent of healthy lung there
_AERATED_HU: Final = -750.0  # up to here lung is healthy; ground glass is commonly counted from here
_AIRY_HU: Final = -500.0  # lung that is well aerated lies below, opacities and vessels above
_LEVEL_SHARE: Final = 0.04  # of the pixels, for a tissue of its own


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Tissues around a seed: HU of the nearest darker and brighter one, None where there is none."""

    darker_hu: float | None
    brighter_hu: float | None
    same_share: float


def between(smooth: NDArray[np.float64], seed: float, around: Neighbourhood) -> NDArray[np.bool_]:
    low = -np.inf if around.darker_hu is None else (seed + around.darker_hu) / 2
    high = np.inf if around.brighter_hu is None else (seed + around.brighter_hu) / 2
    return np.asarray((smooth > low) & (smooth < high))


def neighbourhood(ring_hu: NDArray[np.float64], seed: float, contrast: float) -> Neighbourhood:
    darker, brighter = ring_hu[ring_hu < seed - contrast], ring_hu[ring_hu > seed + contrast]
    least = _RING_SHARE * ring_hu.size
    return Neighbourhood(
        darker_hu=float(np.quantile(darker, 0.5)) if darker.size >= least else None,
        brighter_hu=float(np.quantile(brighter, 0.4)) if brighter.size >= least else None,
        same_share=1 - (darker.size + brighter.size) / ring_hu.size,
    )


def smoothed(hu: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Lightly smoothed HU, and the noise that is left in them (standard deviation, HU).

    The noise is the median absolute deviation from a local median: edges hardly count.
    """
    rough = hu - ndimage.median_filter(hu, 3)
    noise = float(np.median(np.abs(rough))) * 1.4826
    return np.asarray(ndimage.gaussian_filter(hu, 0.6), np.float64), noise / 2


def least_contrast(noise_hu: float) -> float:
    """The smallest difference in HU that is not taken for noise or texture."""
    return max(_CONTRAST_HU, 3 * noise_hu)


def levels(values_hu: NDArray[np.float64], contrast_hu: float) -> list[float]:
    """HU of the tissues among some pixels: the peaks of their histogram, at least 1.5 contrasts apart."""
    counts, density, lowest = _histogram(values_hu, contrast_hu)
    reach = max(1, round(1.5 * contrast_hu / _BIN_HU))
    found = []
    while density.max() > 0:
        peak = int(density.argmax())
        if counts[max(0, peak - reach // 2) : peak + reach // 2 + 1].sum() >= _LEVEL_SHARE * values_hu.size:
            found.append((peak + lowest) * _BIN_HU)
        density[max(0, peak - reach) : peak + reach + 1] = 0
    return sorted(found)


def of_its_own(values_hu: NDArray[np.float64], seed_hu: float, contrast_hu: float) -> bool:
    """Whether the tissue around a HU is a hump of its own: a valley parts it from enough other pixels.

    Texture and noise make one hump however wide it is, so that a threshold laid through it parts nothing.
    """
    if not values_hu.size:
        return False
    _, density, lowest = _histogram(values_hu, contrast_hu)
    at = min(max(round(seed_hu / _BIN_HU) - lowest, 0), len(density) - 1)
    reach = round(contrast_hu / _BIN_HU)
    first = max(0, at - reach)
    top = first + int(density[first : at + reach + 1].argmax())
    enough = _OTHER_SHARE * values_hu.size
    return _falls_and_rises(density[top::-1], enough) or _falls_and_rises(density[top:], enough)


def _falls_and_rises(density: NDArray[np.float64], enough: float) -> bool:
    """Whether, from a hump's top outwards, a valley comes and then another hump."""
    lowest = np.minimum.accumulate(density)
    beyond = np.cumsum(density[::-1])[::-1]
    risen = lowest < _VALLEY * np.minimum(density, density[0])
    return bool((risen & (beyond >= enough)).any())


def _histogram(
    values_hu: NDArray[np.float64], contrast_hu: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Pixels in each bin, the same smoothed to a third of the contrast, and the number of the first bin."""
    bins = np.rint(values_hu / _BIN_HU).astype(np.intp)
    lowest = int(bins.min())
    counts = np.bincount(bins - lowest).astype(np.float64)
    return counts, ndimage.gaussian_filter1d(counts, contrast_hu / 3 / _BIN_HU, mode="constant"), lowest


def emphysematous(values_hu: NDArray[np.float64]) -> bool:
    """Whether much of it lies below -950 HU, the threshold of emphysema in CT densitometry."""
    return bool((values_hu < _EMPHYSEMA_HU).mean() > _EMPHYSEMA_SHARE)


def aerated(values_hu: NDArray[np.float64]) -> bool:
    """Whether it has, on the whole, the density of healthy lung."""
    return bool(values_hu.mean() < _AERATED_HU)


def airy(smooth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Pixels of a small part of a slice that hold more air than tissue; edges of denser things left out."""
    return np.asarray(ndimage.maximum_filter(smooth, 3) < _AIRY_HU)
