"""Boxes in healthy tissue hold no lesion: neither its texture nor the lung between its vessels is one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from medreason_viewer.volume import measure
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.load import load_volume
from medreason_viewer.volume.phantom import sample_slice
from medreason_viewer.volume.scan import scan

Slice = NDArray[np.float64]
Mask = NDArray[np.bool_]

LUNG_HU = (-950.0, -700.0)
FAR_FROM_THE_NODULE = (40, 60, 80, 100, 120, 190, 210)  # it lies on slices 151 to 169
MOST_LUNG = 0.1  # of boxes in healthy lung may give the lung as lesion; 0.4 to 0.7 did


def found_mean(hu: Slice, box: SliceBox) -> float | None:
    mask = measure.segment_lesion(hu, np.zeros(hu.shape, np.bool_), box)
    return None if mask is None else float(hu[mask].mean())


def textured_lung(sd_hu: float, grain: float, seed: int) -> Slice:
    """Lung whose density varies over some pixels, as real lung's does, with a little noise on top."""
    rng = np.random.default_rng(seed)
    texture = ndimage.gaussian_filter(rng.normal(size=(160, 200)), grain)
    return np.asarray(-850 + texture * (sd_hu / texture.std()) + rng.normal(0, 15, texture.shape))


@pytest.mark.parametrize("grain", [2.0, 4.0, 6.0])
def test_texture_of_lung_is_no_lesion(grain: float) -> None:
    box = SliceBox(75, 55, 125, 105)
    given = [found_mean(textured_lung(60, grain, seed), box) for seed in range(10)]
    assert given.count(None) >= 9


@pytest.mark.parametrize("wall_from", [110, 90])
def test_lung_beside_wall_and_vessels_is_no_lesion(wall_from: int) -> None:
    hu = textured_lung(30, 2, 1)
    hu[wall_from:] = 40
    for col in (60, 84, 112, 131):
        hu[:wall_from, col : col + 4] = 30
    assert found_mean(hu, SliceBox(70, 45, 130, 105)) is None


def test_what_stands_out_of_texture_is_found() -> None:
    """The same lung with a lesion: a rule that refuses everything would pass the tests above."""
    y, x = np.mgrid[:160, :200] + 0.5
    truth = np.hypot(x - 100, y - 80) <= 18
    for mean_hu in (30.0, -500.0, -990.0):
        hu = np.where(
            truth, np.random.default_rng(4).normal(mean_hu, 20, truth.shape), textured_lung(60, 4, 2)
        )
        mask = measure.segment_lesion(hu, np.zeros(hu.shape, np.bool_), SliceBox(80, 60, 120, 100))
        assert mask is not None
        assert (mask & truth).sum() / (mask | truth).sum() > 0.8


def test_part_of_a_large_opacity_is_marked_off_by_the_lung_beyond() -> None:
    """The box cuts it, so that it runs on beyond: its own density marks it off."""
    hu = textured_lung(40, 3, 3)
    hu[70:, :] = np.random.default_rng(5).normal(10, 12, hu[70:].shape)
    mean_hu = found_mean(hu, SliceBox(70, 50, 130, 110))
    assert mean_hu is not None
    assert mean_hu == pytest.approx(10, abs=30)


def lung_of(hu: Slice) -> Mask:
    """The lungs with their vessels: air inside the body, trachea and bowel left out by size."""
    labels, _ = ndimage.label(ndimage.binary_opening(hu > -300, iterations=3))
    body = ndimage.binary_fill_holes(labels == int(np.bincount(labels.ravel())[1:].argmax()) + 1)
    pieces, count = ndimage.label(ndimage.binary_opening(body & (hu < -500), iterations=2))
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    large = np.isin(pieces, np.flatnonzero(sizes > 0.01 * hu.size)) & (pieces > 0)
    return np.asarray(ndimage.binary_fill_holes(ndimage.binary_closing(large, iterations=5)), np.bool_)


def boxes_in(lung: Mask, rng: np.random.Generator, count: int) -> Iterator[SliceBox]:
    """Boxes of 10 to 64 pixels that hold nearly nothing but lung."""
    middles = np.argwhere(ndimage.binary_erosion(lung, iterations=5))
    for _ in range(50 * count if len(middles) else 0):
        if not count:
            return
        row, col = middles[rng.integers(len(middles))]
        high, wide = (int(np.exp(rng.uniform(np.log(10), np.log(64)))) for _ in range(2))
        top, left = row - high // 2, col - wide // 2
        inside = lung[max(0, top) : top + high, max(0, left) : left + wide]
        if inside.size == high * wide and inside.mean() > 0.97:
            count -= 1
            yield SliceBox(float(left), float(top), float(left + wide), float(top + high))


def share_called_lesion(slices: list[Slice], count: int) -> float:
    """Share of random boxes in healthy lung whose lesion is lung."""
    rng = np.random.default_rng(6)
    given = [found_mean(hu, box) for hu in slices for box in boxes_in(lung_of(hu), rng, count)]
    assert len(given) > 60, "too few boxes to tell"
    return sum(mean is not None and LUNG_HU[0] < mean < LUNG_HU[1] for mean in given) / len(given)


def test_healthy_lung_of_phantoms_is_no_lesion() -> None:
    rng = np.random.default_rng(8)
    slices = [sample_slice(rng, matrix=256, finding="none").hu.astype(np.float64) for _ in range(8)]
    assert share_called_lesion(slices, 12) < MOST_LUNG / 2


@pytest.mark.real_ct
def test_healthy_lung_of_a_real_chest_is_no_lesion(real_ct: Path) -> None:
    series = scan(real_ct / "lidc-0314" / "dicom").series[0]
    frames = tuple(series.frames[index] for index in FAR_FROM_THE_NODULE)
    volume = load_volume(replace(series, frames=frames))
    slices = [volume.hu(index) for index in range(len(frames))]
    assert share_called_lesion(slices, 20) < MOST_LUNG
