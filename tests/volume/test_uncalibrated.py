"""Images that say where they lie but not how large a pixel is: order and sides, and never a millimetre."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_writer import ct_slice, stack, write

from medreason_viewer.drawing.compose import compose
from medreason_viewer.volume.describe import info
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.load import load_volume
from medreason_viewer.volume.measure import body_side, box_statistics
from medreason_viewer.volume.scan import scan
from medreason_viewer.volume.slices import PlaneName3, native_plane, plane_image
from medreason_viewer.volume.window import PRESETS

CORONAL = [1, 0, 0, 0, 0, -1]


@pytest.mark.parametrize("spacing", [None, [0, 0], "", [-1, 1]])
def test_slices_without_a_pixel_size_are_placed_but_not_measured(tmp_path: Path, spacing: Any) -> None:
    slices = stack(5, PixelSpacing=spacing)
    for dataset, number in zip(slices, (3, 1, 5, 2, 4), strict=True):
        dataset.InstanceNumber = number
    path = write(tmp_path / "series", *reversed(slices))
    [series] = scan(path).series
    assert [frame.sop_uid for frame in series.frames] == [dataset.SOPInstanceUID for dataset in slices]
    assert series.spacing_mm is None
    assert {frame.plane for frame in series.frames} == {None}
    [described] = info(scan(path))["studies"][0]["series"]
    assert (described["warnings"], described["loadable"]) == (["uncalibrated"], True)
    volume = load_volume(series)
    stored = np.frombuffer(slices[2].PixelData, "<u2").reshape(16, 16)
    np.testing.assert_array_equal(volume.hu(2), stored - 1024.0)

    image = plane_image(volume, "axial", 2)
    assert image.plane is None
    assert "uncalibrated" in {note.code for note in image.notes}
    found = box_statistics(image.hu(), image.padding(), SliceBox(2, 2, 6, 6), image.plane)
    assert (found.area_mm2, found.long_axis_mm) == (None, None)
    assert body_side(image.hu(), image.padding(), image.plane, 3, 3) is None


@pytest.mark.parametrize(
    ("orientation", "name", "letters"),
    [
        ([1, 0, 0, 0, 1, 0], "axial", ("R", "L", "A", "P")),
        ([-1, 0, 0, 0, -1, 0], "axial", ("L", "R", "P", "A")),
        (CORONAL, "coronal", ("R", "L", "H", "F")),
        ([0, 1, 0, 0, 0, -1], "sagittal", ("A", "P", "H", "F")),
    ],
)
def test_sides_are_told_without_a_pixel_size(
    tmp_path: Path, orientation: list[int], name: str, letters: tuple[str, ...]
) -> None:
    normal = np.cross(orientation[:3], orientation[3:])
    slices = [
        ct_slice(
            number=index,
            seed=index,
            PixelSpacing=None,
            ImageOrientationPatient=orientation,
            ImagePositionPatient=[float(mm) for mm in normal * index * 2.0],
        )
        for index in range(1, 5)
    ]
    [series] = scan(write(tmp_path / "series", *slices)).series
    volume = load_volume(series)
    assert series.plane_name == native_plane(series) == name
    image = plane_image(volume, native_plane(series), 1)
    scene = compose(series, image, PRESETS["bone"])
    assert scene.letters is not None
    assert tuple(scene.letters) == letters
    assert scene.spacing_mm is None
    other: PlaneName3 = "coronal" if name != "coronal" else "axial"
    assert compose(series, plane_image(volume, other, 1), PRESETS["bone"]).letters is None


def test_one_slice_without_a_pixel_size_is_set_apart(tmp_path: Path) -> None:
    slices = stack(5)
    del slices[2].PixelSpacing
    main, odd = scan(write(tmp_path / "series", *slices)).series
    assert (len(main.frames), len(odd.frames)) == (4, 1)
    assert {"mixed_matrix", "gap"} <= {note.code for note in main.warnings}
    assert {"mixed_matrix", "uncalibrated"} <= {note.code for note in odd.warnings}
