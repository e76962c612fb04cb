"""Pages: every word is on one, inside the paper, and nothing lies on anything else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ct_in_memory import make_series, make_volume
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from medreason_viewer.drawing import page_text
from medreason_viewer.drawing.compose import compose
from medreason_viewer.drawing.image import colour_image
from medreason_viewer.drawing.overlay import KeyMark
from medreason_viewer.drawing.page import Page, Pictures, Placed, Sheet, Table, lay_out, paint_page
from medreason_viewer.drawing.page_text import Text
from medreason_viewer.drawing.scene import RESEARCH_USE, SliceScene, render
from medreason_viewer.volume.slices import plane_image
from medreason_viewer.volume.window import Window

pytestmark = pytest.mark.usefixtures("qapp")
LANDSCAPE, PORTRAIT = (1030.0, 700.0), (700.0, 1030.0)
LONG = "The nodule has a spiculated margin and lies beside the major fissure of the right lung. " * 3


def scene() -> SliceScene:
    series = make_series()
    return compose(series, plane_image(make_volume(series), "axial", 3), Window(40, 400))


def picture(side: int = 40) -> QImage:
    return colour_image(np.full((side, side, 3), 90, np.uint8))


def words(pages: tuple[Page, ...]) -> list[str]:
    return [word for page in pages for line in page.lines for word in line.text.split()]


def boxes(page: Page) -> list[QRectF]:
    """What every line and picture takes."""
    lines = [
        QRectF(
            line.at.x(),
            line.at.y() - page_text.ascent(line.look),
            page_text.width(line.text, line.look),
            page_text.ascent(line.look),
        )
        for line in page.lines
        if line.text
    ]
    return [*lines, *(placed.rect for placed in page.placed)]


def whole_sheet(steps: int = 60) -> Sheet:
    table = Table((("", "Box", "Lesion"), ("Mean", "−824 ± 69 HU", "−4 ± 42 HU")))
    pictures = Pictures(((picture(), "Zoom: 31 × 31 mm"), (picture(200), "What the model sees")))
    texts = [
        Text(f"{LONG} end{n}", label=f"{n}.") if n % 2 else Text(f"end{n}", "caution") for n in range(steps)
    ]
    blocks = (Text("Explanation", "heading"), pictures, table, *texts)
    return Sheet(("DOE, JOHN", "P1 · 2020-01-31"), scene(), blocks, note="printed today")


@pytest.mark.parametrize("size", [LANDSCAPE, PORTRAIT, (500.0, 360.0)])
def test_nothing_is_cut_or_lies_on_anything_else(size: tuple[float, float]) -> None:
    pages = lay_out(whole_sheet(), size)
    paper = QRectF(-0.5, -0.5, size[0] + 1, size[1] + 1)
    for page in pages:
        taken = boxes(page)
        assert all(paper.contains(box) for box in taken)
        for place, box in enumerate(taken):
            assert not any(box.adjusted(0.1, 0.1, -0.1, -0.1).intersects(other) for other in taken[:place])


@pytest.mark.parametrize("size", [LANDSCAPE, PORTRAIT])
def test_every_word_is_on_a_page_in_order(size: tuple[float, float]) -> None:
    pages = lay_out(whole_sheet(), size)
    assert len(pages) > 1
    said = [word for word in words(pages) if word.startswith("end")]
    assert said == [f"end{n}" for n in range(60)]
    assert words(pages).count("spiculated") == 30 * 3


def test_every_page_says_whose_it_is_which_it_is_and_research_use_only() -> None:
    pages = lay_out(whole_sheet(), LANDSCAPE)
    for number, page in enumerate(pages, start=1):
        texts = [line.text for line in page.lines]
        assert texts[0] == "DOE, JOHN"
        assert RESEARCH_USE in texts
        assert f"printed today · Page {number} of {len(pages)}" in texts


def test_an_image_alone_takes_one_page_and_no_number() -> None:
    (page,) = lay_out(Sheet(("DOE, JOHN",), scene(), note="printed today"), LANDSCAPE)
    assert page.lines[-1].text == "printed today"
    assert page.placed[0].rect.width() == LANDSCAPE[0]


def test_a_heading_of_any_length_leaves_room_for_the_image() -> None:
    name = "W" * 4000
    pages = lay_out(Sheet((name, "P1"), scene()), LANDSCAPE)
    assert pages[0].placed[0].rect.height() > LANDSCAPE[1] / 2
    head = sum(line.text.count("W") for line in pages[0].lines if line.look == "title")
    rest = sum(line.text.count("W") for page in pages for line in page.lines if line.look == "small")
    assert head + rest == len(name)


@given(text=st.text(max_size=120), room=st.floats(20, 400))
@settings(max_examples=30, deadline=None)
def test_no_character_is_lost_when_text_breaks(text: str, room: float) -> None:
    found = page_text.lines(text, "body", room)
    kept = "".join(c for c in "".join(found) if not c.isspace())
    assert kept == "".join(c for c in text if c.isprintable() and not c.isspace())


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_a_page_holds_the_very_scene_at_the_scale_of_the_device(scale: float) -> None:
    (page,) = lay_out(Sheet(("DOE",), scene()), (400.0, 300.0))
    rect = page.placed[0].rect
    page = replace(page, placed=(Placed(QRectF(10, 20, 300, 200), page.placed[0].what),))
    drawn = QImage(round(400 * scale), round(300 * scale), QImage.Format.Format_RGB32)
    drawn.fill(0xFFFFFFFF)
    painter = QPainter(drawn)
    painter.scale(scale, scale)
    paint_page(painter, page, scale)
    painter.end()
    inside = grey(drawn)[round(20 * scale) : round(220 * scale), round(10 * scale) : round(310 * scale)]
    expected = grey(render(scene(), (300, 200), scale))
    assert rect.width() == 400
    assert np.abs(inside.astype(int) - expected).mean() < 1.0
    assert np.abs(np.flip(inside, 1).astype(int) - expected).mean() > 3.0  # not mirrored


def test_the_mark_of_a_key_image_is_drawn_beside_the_upper_letter() -> None:
    plain = scene()
    marked = replace(plain, items=(KeyMark(),))
    for size in ((420, 400), (1000, 800)):
        changed = grey(render(marked, size)) != grey(render(plain, size))
        rows, cols = np.nonzero(changed)
        assert rows.size > 40
        assert rows.max() < 40
        assert size[0] / 2 + 14 < cols.min()
        assert cols.max() < size[0] * 0.6  # free of the corner's lines


def grey(image: QImage) -> NDArray[np.uint8]:
    plain = image.convertToFormat(QImage.Format.Format_Grayscale8)
    lines = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return lines[:, : plain.width()].copy()
