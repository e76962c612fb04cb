"""What is painted: the very grey values, the right letters, true scale, and plain words."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from ct_in_memory import make_series, make_volume
from numpy.typing import NDArray
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from medreason_viewer.drawing import style
from medreason_viewer.drawing.annotations import scale_bar
from medreason_viewer.drawing.compose import compose, explanation_items, flags, patient_corner
from medreason_viewer.drawing.image import colour_image, slice_image
from medreason_viewer.drawing.overlay import Angle, Distance, Outline, OverlayItem, RegionBox
from medreason_viewer.drawing.placement import View, place
from medreason_viewer.drawing.scene import Corners, SliceScene, render
from medreason_viewer.reasoning.request import Region, Step
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.series import Note
from medreason_viewer.volume.slices import PlaneName3, plane_count, plane_image
from medreason_viewer.volume.window import PRESETS, Window, to_grey

pytestmark = pytest.mark.usefixtures("qapp")
WINDOW = Window(40, 400)
FLIPS = [
    ((float(x), 0.0, 0.0), (0.0, float(y), 0.0))
    if not turned
    else ((0.0, float(x), 0.0), (float(y), 0.0, 0.0))
    for x, y, turned in product((1, -1), (1, -1), (False, True))
]


def pixels(image: QImage) -> NDArray[np.uint8]:
    """RGB of a rendered image, shape (row, col, 3)."""
    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    return lines[:, : rgb.width() * 3].reshape(rgb.height(), rgb.width(), 3).copy()


def bare(scene: SliceScene) -> SliceScene:
    """The image alone."""
    return replace(scene, letters=None, corners=Corners(), footer="", spacing_mm=None, warnings=())


@pytest.mark.parametrize("window", [WINDOW, PRESETS["lung"], Window(-37.5, 3)])
@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_at_one_to_one_every_painted_pixel_is_its_grey_value(window: Window, ratio: float) -> None:
    series = make_series((3, 42, 50), slope=1.5, intercept=-20.25)
    image = plane_image(make_volume(series), "axial", 1)
    drawn = pixels(
        render(bare(compose(series, image, window)), (round(50 / ratio), round(42 / ratio)), ratio)
    )
    expected = to_grey(image.hu(), window)
    assert (drawn == expected[:, :, None]).all()


def test_at_one_to_one_a_panned_slice_is_not_blurred() -> None:
    series = make_series((3, 42, 50))
    image = plane_image(make_volume(series), "axial", 1)
    scene = bare(compose(series, image, WINDOW, view=View(1, (0.5 + 0.3 / 50, 0.5))))
    drawn = pixels(render(scene, (50, 42)))
    assert (drawn == to_grey(image.hu(), WINDOW)[:, :, None]).all()


def test_monochrome1_is_inverted_after_the_window() -> None:
    series = make_series(inverted=True)
    image = plane_image(make_volume(series), "axial", 1)
    drawn = pixels(render(bare(compose(series, image, WINDOW)), (48, 40)))
    assert (drawn == 255 - to_grey(image.hu(), WINDOW)[:, :, None]).all()


@pytest.mark.parametrize("axes", FLIPS)
@pytest.mark.parametrize("plane_name", ["axial", "coronal", "sagittal"])
def test_mirror(plane_name: PlaneName3, axes: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    """A bright spot put on a known side of the patient is painted on the side that bears that letter."""
    series = make_series((24, 40, 48), (2.0, 1.0, 1.5), axes)  # type: ignore[arg-type]
    volume = make_volume(series, np.full((24, 40, 48), -1000, np.int16))
    slices, rows, cols = np.indices(volume.shape)
    frames = [frame.plane for frame in series.frames]
    origins = np.array([plane.origin_mm for plane in frames if plane])
    mm = (
        origins[slices]
        + rows[..., None] * 1.0 * np.array(axes[1])
        + cols[..., None] * 1.5 * np.array(axes[0])
    )
    middle = mm.reshape(-1, 3).mean(axis=0)
    towards = (mm - middle > 0).all(axis=-1)  # left, posterior, head of the middle
    volume.stored[towards] = 1000

    image = plane_image(volume, plane_name, int(plane_count(volume, plane_name) * 0.75))
    scene = compose(series, image, PRESETS["bone"])
    assert scene.letters is not None
    drawn = pixels(render(bare(scene), (300, 300)))[:, :, 0]
    left, right = drawn[:, :150].mean(), drawn[:, 150:].mean()
    top, bottom = drawn[:150].mean(), drawn[150:].mean()
    across = scene.letters.right if right > left else scene.letters.left
    down = scene.letters.bottom if bottom > top else scene.letters.top
    assert across in "LPH"
    assert down in "LPH"
    assert {across, down} == {"axial": {"L", "P"}, "coronal": {"L", "H"}, "sagittal": {"P", "H"}}[plane_name]


def test_letters_stand_at_their_edges() -> None:
    series = make_series()
    scene = compose(series, plane_image(make_volume(series), "axial", 0), WINDOW)
    black = replace(scene, image=None, spacing_mm=None, footer="")
    letter = np.array(style.LETTER.getRgb()[:3])
    where = np.argwhere((pixels(render(black, (400, 300))) == letter).all(axis=-1))
    at_left, at_right = where[where[:, 1] < 40], where[where[:, 1] > 360]
    at_top, at_bottom = where[where[:, 0] < 40], where[where[:, 0] > 260]
    assert all(len(side) for side in (at_left, at_right, at_top, at_bottom))
    assert (abs(at_left[:, 0] - 150) < 15).all()
    assert scene.letters == ("R", "L", "A", "P")


@pytest.mark.parametrize("zoom", [0.5, 1.0, 3.7, 12.0])
def test_the_scale_bar_is_as_long_as_it_says(zoom: float) -> None:
    spacing, size = (0.5, 0.8), (600.0, 500.0)
    placement = place(View(zoom), (512, 512), spacing, size)
    mm, length = scale_bar(placement, spacing, size)
    assert placement.to_slice(length, 0)[0] - placement.to_slice(0, 0)[0] == pytest.approx(mm / 0.8)
    assert length <= size[0] / 4


def test_without_geometry_there_is_neither_scale_bar_nor_letter() -> None:
    series = make_series(geometry=False)
    scene = compose(series, plane_image(make_volume(series), "axial", 0), WINDOW)
    assert scene.letters is None
    assert scene.spacing_mm is None
    assert Distance((0, 0), (3, 4)).text(None) == "5.0 px (not calibrated)"


def test_measurements_are_in_millimetres_of_unsquare_pixels() -> None:
    spacing = (2.0, 0.5)
    assert Distance((0, 0), (8, 1.5)).text(spacing) == "5.0 mm"
    assert Angle((8, 0), (0, 0), (8, 2)).text(spacing) == "45.0°"
    assert Angle((8, 0), (0, 0), (-8, 0)).text(spacing) == "180.0°"


@pytest.mark.parametrize("source", ["reader", "model", "grown"])
def test_a_region_is_drawn_on_its_edges_in_its_own_way(source: str) -> None:
    box = RegionBox(SliceBox(10, 10, 40, 30), source)  # type: ignore[arg-type]
    scene = SliceScene(slice_image(np.full((50, 50), 120, np.uint8)), (50, 50), items=(box,), footer="")
    drawn = pixels(render(scene, (500, 500))).astype(int)
    edge = drawn[200, 120:380]  # inside the left and right edges nothing is drawn
    assert (edge == 120).all()
    colour = np.array(style.SOURCES[source].getRgb()[:3])  # type: ignore[index]
    near = np.abs(drawn - colour).sum(axis=-1) < 60
    along = near[98:103, 110:390].any(axis=0)
    assert along.mean() > (0.97 if source == "reader" else 0.3)
    assert along.all() == (source == "reader")  # the others are dashed
    rows, cols = np.nonzero(near[130:280, 130:480])
    assert (np.abs(cols + 130 - 400) < 4).all()
    assert len(rows)


def test_items_show_only_when_given() -> None:
    plain = SliceScene(slice_image(np.full((50, 50), 120, np.uint8)), (50, 50), footer="")
    items: tuple[OverlayItem, ...] = (
        Outline(((10, 10), (20, 10), (20, 20))),
        Distance((5, 5), (9, 9)),
        Angle((30, 5), (35, 9), (40, 5)),
    )
    bare_pixels = pixels(render(plain, (200, 200)))
    assert (bare_pixels == 120).all()
    for item in items:
        assert (pixels(render(replace(plain, items=(item,)), (200, 200))) != 120).any()


def test_words_at_the_edge_are_moved_into_view_whole() -> None:
    colour, inked = np.array(style.MEASURE.getRgb()[:3]), []
    for x in (5.0, 39.9):
        line = Distance((x, 25), (x + 10, 25))
        drawn = pixels(render(SliceScene(None, (50, 50), items=(line,), footer=""), (500, 500))).astype(int)
        inked.append(int((np.abs(drawn - colour).sum(axis=-1) < 90).sum()))
    assert inked[1] == pytest.approx(inked[0], rel=0.1)  # the words alone are more than half of it


def test_headers_are_plain_words() -> None:
    hostile = "DOE^JOHN<img src=x>\n\u202eevil\u200b\x00"
    assert style.plain(hostile) == "DOE^JOHN<img src=x>  evil"
    series = make_series()
    identity = replace(series.identity, patient_name="MÜLLER^ANNA^^DR=ミュラー")
    assert patient_corner(identity)[0] == "MÜLLER, ANNA, DR"


def test_long_words_leave_the_middle_free() -> None:
    scene = SliceScene(None, (50, 50), corners=Corners(("W" * 400,), ("M" * 400,)), footer="")
    drawn = pixels(render(scene, (600, 400)))[:30]
    assert (drawn[:, 270:330] == 0).all()
    assert (drawn[:, :250] != 0).any()
    assert (drawn[:, 350:] != 0).any()


def test_flags_are_short_and_say_the_tilt() -> None:
    series = replace(make_series(), tilt_deg=18.52)
    notes = (Note("tilt", "a sentence"), Note("uneven_spacing", "another"), Note("tilt", "again"))
    assert flags(series, notes) == ("▲ tilt 18.5°", "▲ uneven spacing")


def test_a_step_with_its_own_region_stands_out_beside_the_answers() -> None:
    region = Region(SliceBox(1, 2, 30, 40), "model", "nodule")
    own = SliceBox(5, 6, 9, 10)
    whole, step = explanation_items(region, None, Step("There", own))
    assert isinstance(whole, RegionBox)
    assert isinstance(step, RegionBox)
    assert (whole.strong, step.strong, step.box_slice) == (False, True, own)
    (alone,) = explanation_items(region, None, Step("No region of its own"))
    assert isinstance(alone, RegionBox)
    assert alone.strong


def test_images_own_their_pixels() -> None:
    grey = np.arange(35, dtype=np.uint8).reshape(5, 7)
    drawn = slice_image(grey[:, ::-1])
    colours = colour_image(np.stack([grey, grey + 1, grey + 2], axis=-1))
    grey[:] = 0
    assert drawn.pixelColor(0, 0).red() == 6
    assert colours.pixelColor(6, 4).getRgb()[:3] == (34, 35, 36)


def test_research_use_is_always_said(qtbot: QtBot) -> None:
    empty = SliceScene(None, (10, 10))
    assert "Research use only" in empty.footer
    assert (pixels(render(empty, (400, 300)))[270:] != 0).any()
