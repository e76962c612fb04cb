"""The phantom tells the truth about what it shows, and shows what a chest CT shows."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from medreason_viewer.volume.phantom import (
    FINDINGS,
    Finding,
    Phantom,
    PhantomSlice,
    Setting,
    sample_slice,
)

MATRIX = 192
LESIONS: tuple[Finding, ...] = tuple(finding for finding in FINDINGS if finding != "none")


@cache
def slices(finding: Finding, setting: Setting = "standard", count: int = 6) -> tuple[PhantomSlice, ...]:
    """Some slices of a finding, drawn once for all tests."""
    rng = np.random.default_rng([FINDINGS.index(finding), setting == "shifted"])
    return tuple(sample_slice(rng, finding=finding, matrix=MATRIX, setting=setting) for _ in range(count))


def body(hu: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The patient without couch and outer air: the largest thing above -500 HU, holes filled."""
    labels, _ = ndimage.label(ndimage.binary_opening(hu > -500, iterations=2))
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    filled = ndimage.binary_fill_holes(labels == sizes.argmax())
    return np.asarray(filled, bool)


def test_same_seed_same_slice() -> None:
    first = sample_slice(np.random.default_rng(3), matrix=MATRIX)
    second = sample_slice(np.random.default_rng(3), matrix=MATRIX)
    assert np.array_equal(first.hu, second.hu)
    assert np.array_equal(first.mask, second.mask)
    again = Phantom(first.seed, first.finding, first.setting).slice_at(first.z_mm, MATRIX)
    assert np.array_equal(again.hu, first.hu)
    assert again.box_slice == first.box_slice


def test_other_seed_other_slice() -> None:
    one, other = (sample_slice(np.random.default_rng(s), finding="none", matrix=MATRIX) for s in (1, 2))
    assert not np.array_equal(one.hu, other.hu)


def test_unknown_finding_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown finding"):
        Phantom(1, "fracture")  # type: ignore[arg-type]


def test_classes_are_balanced() -> None:
    rng = np.random.default_rng(8)
    seen = Counter(sample_slice(rng, matrix=64).finding for _ in range(160))
    assert set(seen) == set(FINDINGS)
    expected = 160 / len(FINDINGS)
    chi_square = sum((n - expected) ** 2 / expected for n in seen.values())
    assert chi_square < 24.3  # 0.1 % point with 7 degrees of freedom


def test_nothing_is_marked_where_nothing_is() -> None:
    for shown in slices("none"):
        assert not shown.mask.any()
        assert (shown.box_slice, shown.side, shown.size_mm, shown.mean_hu) == (None, None, None, None)
        assert shown.density == "none"
        assert shown.place == ()


@pytest.mark.parametrize("finding", LESIONS)
@pytest.mark.parametrize("setting", ["standard", "shifted"])
def test_box_is_the_masks(finding: Finding, setting: Setting) -> None:
    for shown in slices(finding, setting):
        rows, cols = np.nonzero(shown.mask)
        assert shown.box_slice is not None
        box = cols.min(), rows.min(), cols.max() + 1, rows.max() + 1
        assert shown.box_slice.as_tuple() == box
        assert shown.box_slice.fits(*shown.hu.shape)
        assert shown.size_mm == pytest.approx(max(box[2] - box[0], box[3] - box[1]) * shown.spacing_mm)
        assert shown.mean_hu == pytest.approx(float(shown.hu[shown.mask].mean()), abs=0.01)


@pytest.mark.parametrize("finding", LESIONS)
def test_side_agrees_with_the_body_midline(finding: Finding) -> None:
    """The patient's right is the picture's left: measured against the middle of the body's outline."""
    for shown in (*slices(finding), *slices(finding, "shifted")):
        cols = np.nonzero(body(shown.hu).any(0))[0]
        midline = (cols.min() + cols.max() + 1) / 2
        lesion = np.nonzero(shown.mask)[1].mean() + 0.5
        assert shown.side == ("right" if lesion < midline else "left")


@pytest.mark.parametrize("finding", LESIONS)
def test_lesion_lies_inside_of_the_body(finding: Finding) -> None:
    for shown in slices(finding):
        assert body(shown.hu)[shown.mask].mean() > 0.99


@pytest.mark.parametrize("finding", [f for f in LESIONS if f != "emphysema"])
def test_lesion_is_one_region(finding: Finding) -> None:
    for shown in slices(finding):
        assert ndimage.label(shown.mask)[1] == 1


HU_INSIDE: dict[Finding, tuple[float, float]] = {
    "nodule": (-60, 90),
    "mass": (-25, 80),
    "consolidation": (-20, 75),
    "ground-glass": (-740, -430),
    "effusion": (-8, 28),
    "emphysema": (-1010, -930),
    "pneumothorax": (-1010, -975),
}


@pytest.mark.parametrize("finding", LESIONS)
def test_lesion_has_the_hu_of_its_kind(finding: Finding) -> None:
    """The median of the lesion without its rim, where partial volume reigns."""
    low, high = HU_INSIDE[finding]
    for shown in slices(finding):
        core = ndimage.binary_erosion(shown.mask)
        core = core if core.sum() >= 5 else shown.mask
        assert low <= np.median(shown.hu[core]) <= high


SIZES: dict[Finding, tuple[float, float]] = {
    "nodule": (5, 30),
    "mass": (30, 75),
    "consolidation": (14, 90),
    "ground-glass": (14, 90),
    "effusion": (40, 200),
    "emphysema": (25, 110),
    "pneumothorax": (30, 230),
}


@pytest.mark.parametrize("finding", LESIONS)
def test_lesion_has_the_size_of_its_kind(finding: Finding) -> None:
    least, most = SIZES[finding]
    for shown in (*slices(finding), *slices(finding, "shifted")):
        assert shown.size_mm is not None
        assert least <= shown.size_mm <= most


def test_effusion_is_dependent_and_free_air_is_not() -> None:
    for shown in slices("effusion"):
        rows, inside = np.nonzero(shown.mask)[0], np.nonzero(body(shown.hu).any(1))[0]
        assert rows.mean() > inside.mean()
    for shown in slices("pneumothorax"):
        rows, inside = np.nonzero(shown.mask)[0], np.nonzero(body(shown.hu).any(1))[0]
        assert rows.mean() < inside.mean()


def test_vessels_show_through_ground_glass() -> None:
    """Soft-tissue dots lie inside of the patches."""
    brightest = [shown.hu[shown.mask].max() for shown in slices("ground-glass")]
    assert max(brightest) > -250


def test_tissues_have_their_hu() -> None:
    """Outer air, lung, fat, soft tissue and bone are all there, at their usual HU."""
    for shown in slices("none"):
        inside = body(shown.hu)
        hu = shown.hu[ndimage.binary_erosion(inside, iterations=2)]
        lung = hu[(hu < -600) & (hu > -950)]
        assert -920 < np.median(lung) < -780
        assert lung.size > 0.05 * hu.size
        fat, soft = hu[(hu > -200) & (hu < -50)], hu[(hu > 0) & (hu < 100)]
        assert -125 < np.median(fat) < -80
        assert 25 < np.median(soft) < 75
        assert min(fat.size, soft.size) > 0.05 * hu.size
        assert (hu > 300).sum() > 0.005 * hu.size
        assert -1005 < np.median(shown.hu[:8]) < -990
        assert shown.hu.min() >= -1024


def test_lungs_look_alike_at_every_matrix() -> None:
    """The same phantom at 192 and 384: the coarser picture is the finer one averaged, noise apart."""
    phantom = Phantom(5, "mass")
    assert phantom.lesion is not None
    z = sum(phantom.lesion.heights) / 2
    (coarse, coarse_mask), (fine, fine_mask) = phantom.hu(z, 192), phantom.hu(z, 384)
    averaged = fine.reshape(192, 2, 192, 2).mean((1, 3))
    difference = np.abs(averaged - coarse)
    assert np.median(difference) < 30
    assert np.corrcoef(averaged.ravel(), coarse.ravel())[0, 1] > 0.99
    assert fine_mask.sum() / coarse_mask.sum() == pytest.approx(4, rel=0.1)


def test_neighbouring_slices_agree() -> None:
    phantom = Phantom(11, "nodule")
    assert phantom.lesion is not None
    z = sum(phantom.lesion.heights) / 2
    (here, _), (near, _), (far, _) = (phantom.hu(z + step, 128) for step in (0, 1, 40))
    assert np.abs(near - here).mean() < 0.5 * np.abs(far - here).mean()


def noise_sd(shown: PhantomSlice) -> float:
    """Spread in the outer air of the picture's upper corners."""
    return float(np.concatenate([shown.hu[4:16, 4:16], shown.hu[4:16, -16:-4]]).std())


def test_shifted_differs_from_standard() -> None:
    """Noisier, and solid lesions are less dense."""
    noise = [np.mean([noise_sd(s) for f in LESIONS for s in slices(f, setting)]) for setting in SETTINGS]
    assert noise[1] > 1.4 * noise[0]
    density = [np.mean([s.mean_hu or 0 for s in slices("mass", setting)]) for setting in SETTINGS]
    assert density[1] < density[0] - 15


SETTINGS: tuple[Setting, Setting] = ("standard", "shifted")
