"""The mirror test from file to screen: whatever a scanner writes, nothing lands on the wrong side.

Series of random make (orientation, tilt, spacing, bits, rescale, padding, syntax, names, folders) are written
with pydicom; what is loaded must be what was written, and the letters at the edges must agree with where the
pixels lie by the digits in the header.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from random_series import COMPRESSED, NATIVE, POSITIONS, Recipe, Slice, write_series

from medreason_viewer.volume.ct import CtVolume
from medreason_viewer.volume.load import load_volume
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.slices import native_plane, plane_count, plane_image

ENDS = (("R", "L"), ("A", "P"), ("F", "H"))  # of each LPS axis: where it is small, where it is large
SURE = 0.15  # a direction with two components closer than this may be called by either
QUICK: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "database": None}
CHILDREN: dict[str, Any] = {**QUICK, "phases": [Phase.generate]}  # each try starts processes: no shrinking


def _turned(quaternion: tuple[float, ...]) -> NDArray[np.float64]:
    """A rotation matrix from a quaternion."""
    w, x, y, z = np.array(quaternion) / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _upright() -> st.SearchStrategy[NDArray[np.float64]]:
    """Right and down along patient axes, either way: supine, prone, decubitus, head or feet first, and all
    coronal and sagittal ones."""

    def axes(order: tuple[int, int], right: int, down: int) -> NDArray[np.float64]:
        plane = np.zeros((2, 3))
        plane[0, order[0]], plane[1, order[1]] = right, down
        return plane

    sign, pairs = st.sampled_from((1, -1)), [(a, b) for a in range(3) for b in range(3) if a != b]
    return st.builds(axes, st.sampled_from(pairs), sign, sign)


def _oblique() -> st.SearchStrategy[NDArray[np.float64]]:
    part = st.floats(-1, 1)
    far = st.tuples(part, part, part, part).filter(lambda q: sum(x * x for x in q) > 0.1)
    return far.map(lambda quaternion: _turned(quaternion)[:2])


def _with_normal(plane: NDArray[np.float64], way: int) -> NDArray[np.float64]:
    return np.array([*plane, way * np.cross(*plane)])


MM = st.floats(0.3, 3.0)
STORED = st.one_of(st.tuples(st.just(16), st.just(15)), st.tuples(st.just(12), st.sampled_from((11, 15))))
RESCALES = st.sampled_from(((1.0, -1024.0), (1.0, 0.0), (0.5, -1000.0), (2.0002442, -8192.0), (0.1, -3.7)))


def recipes(syntaxes: tuple[str, ...]) -> st.SearchStrategy[Recipe]:
    """Series that a scanner, a workstation or an anonymiser might have written."""
    compressed = bool(set(syntaxes) & set(COMPRESSED))
    side = st.integers(64, 70) if compressed else st.integers(5, 14)  # wavelets need room
    return st.builds(
        Recipe,
        shape=st.tuples(st.integers(1, 5), side, side),
        axes=st.builds(_with_normal, st.one_of(_upright(), _oblique()), st.sampled_from((1, -1))),
        drift_mm=st.one_of(st.just((0.0, 0.0)), st.tuples(st.floats(-1, 1), st.floats(-1, 1))),
        spacing_mm=st.tuples(st.floats(0.5, 6.0), MM, MM),
        centre_mm=st.tuples(*[st.floats(-400, 400)] * 3),
        bits=st.tuples(st.just(16), st.just(15)) | st.just((12, 11)) if compressed else STORED,
        signed=st.booleans(),
        rescale=st.one_of(RESCALES.map(lambda one: (one,)), st.lists(RESCALES, min_size=2, max_size=4)),
        padding=st.booleans(),
        syntax=st.sampled_from(syntaxes),
        position=st.sampled_from(POSITIONS),
        multiframe=st.booleans(),
        container=st.sampled_from(("folder", "nested", "zip")),
        seed=st.integers(0, 2**31),
    )


def check(recipe: Recipe) -> None:
    with tempfile.TemporaryDirectory(prefix="medreason-test-") as folder:
        path, truth = write_series(Path(folder), recipe)
        found = scan(path)
        [series] = found.series
        assert not found.unreadable
        assert {note.code for note in series.warnings} <= {"padding", "tilt"}, series.warnings
        volume = load_volume(series)
    assert not volume.failed
    _check_slices(volume, recipe, truth)
    for name in ("axial", "coronal", "sagittal"):
        _check_picture(volume, name, truth)
    if not any(recipe.drift_mm):
        _check_reformats(volume, truth)


def _check_slices(volume: CtVolume, recipe: Recipe, truth: list[Slice]) -> None:
    """HU, order, spacing and place of every slice are as written."""
    normal = np.cross(truth[0].right, truth[0].down)
    normal *= np.sign(normal[np.abs(normal).argmax()])
    ordered = sorted(truth, key=lambda written: float(written.origin_mm @ normal))
    frames = volume.series.frames
    if recipe.multiframe:
        assert [frame.number for frame in frames] == [written.number for written in ordered]
    assert [frame.sop_uid for frame in frames] == [written.uid for written in ordered]
    for index, written in enumerate(ordered):
        np.testing.assert_array_equal(volume.hu(index), written.hu)
        plane = frames[index].plane
        assert plane is not None
        for row, col in ((0, 0), (written.hu.shape[0] - 1, written.hu.shape[1] - 1)):
            place = plane.to_mm(col + 0.5, row + 0.5)
            np.testing.assert_allclose(place, written.at_mm(row, col), rtol=0, atol=1e-4)
    assert volume.series.spacing_mm is not None
    assert volume.series.spacing_mm[1:] == truth[0].spacing_mm
    if len(truth) > 1:
        assert volume.series.spacing_mm[0] == pytest.approx(recipe.spacing_mm[0], abs=1e-4)


def _check_picture(volume: CtVolume, name: Any, truth: list[Slice]) -> None:
    """The letters at the edges say where the pixels there lie, by the header's digits."""
    image = plane_image(volume, name, plane_count(volume, name) // 2)
    assert image.plane is not None
    letters = image.plane.letters()
    rows, cols = image.stored.shape
    if image.native:
        slices = {(written.uid, written.number): written for written in truth}
        frame = volume.series.frames[image.index]
        written = slices[frame.sop_uid, frame.number]
        across = written.at_mm(0, cols - 1) - written.at_mm(0, 0)
        down = written.at_mm(rows - 1, 0) - written.at_mm(0, 0)
    else:
        across = image.plane.to_mm(cols, 0) - image.plane.to_mm(0, 0)
        down = image.plane.to_mm(0, rows) - image.plane.to_mm(0, 0)
    _check_letters(across, (letters.left, letters.right))
    _check_letters(down, (letters.top, letters.bottom))


def _check_letters(way_mm: NDArray[np.float64], letters: tuple[str, str]) -> None:
    """``letters`` stand at the beginning and the end of the way."""
    way = way_mm / np.linalg.norm(way_mm)
    largest, second = np.argsort(-np.abs(way))[:2]
    start, end = ENDS[largest] if way[largest] > 0 else ENDS[largest][::-1]
    assert start in letters[0], (way, letters)
    assert end in letters[1], (way, letters)
    if abs(way[largest]) - abs(way[second]) > SURE:
        assert (letters[0][0], letters[1][0]) == (start, end)


def _check_reformats(volume: CtVolume, truth: list[Slice]) -> None:
    """A pixel of a reformatted plane is the voxel that was written where the picture says it lies."""
    first = truth[0]
    step = truth[-1].origin_mm - first.origin_mm
    count = len(truth)
    step = step / (count - 1) if count > 1 else np.cross(first.right, first.down)
    columns = np.array([step, first.down * first.spacing_mm[0], first.right * first.spacing_mm[1]]).T
    for name in {"axial", "coronal", "sagittal"} - {native_plane(volume.series)}:
        image = plane_image(volume, name, plane_count(volume, name) // 3)  # type: ignore[arg-type]
        assert image.plane is not None
        hu = image.hu()
        for row, col in (
            (0, 0),
            (0, hu.shape[1] - 1),
            (hu.shape[0] - 1, 0),
            (hu.shape[0] // 2, hu.shape[1] // 2),
        ):
            place = image.plane.to_mm(col + 0.5, row + 0.5)
            voxel = np.linalg.solve(columns, place - first.origin_mm)
            nearest = np.rint(voxel).astype(int)
            if count > 1:
                assert np.abs(voxel - nearest).max() < 0.01
            assert hu[row, col] == truth[nearest[0]].hu[nearest[1], nearest[2]]


@settings(max_examples=60, **QUICK)
@given(recipe=recipes(NATIVE[:3]))
def test_what_is_written_is_what_is_seen(recipe: Recipe) -> None:
    check(recipe)


@settings(max_examples=6, **CHILDREN)
@given(recipe=recipes((*COMPRESSED, NATIVE[3])))
def test_what_is_compressed_is_what_is_seen(recipe: Recipe) -> None:
    check(recipe)


@pytest.mark.slow
@settings(max_examples=3000, **QUICK)
@given(recipe=recipes(NATIVE[:3]))
def test_campaign_of_plain_series(recipe: Recipe) -> None:
    check(recipe)


@pytest.mark.slow
@settings(max_examples=300, **CHILDREN)
@given(recipe=recipes((*COMPRESSED, NATIVE[3])))
def test_campaign_of_compressed_series(recipe: Recipe) -> None:
    check(recipe)
