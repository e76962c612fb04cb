"""What others drew, painted: lines where they lie, points as dots, and words that stand by them."""

from __future__ import annotations

import numpy as np
import pytest
from ct_in_memory import make_series, make_volume
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter

from medreason_viewer.drawing import style
from medreason_viewer.drawing.compose import compose
from medreason_viewer.drawing.marks import Labels
from medreason_viewer.drawing.overlay import Drawn
from medreason_viewer.drawing.scene import render
from medreason_viewer.volume.slices import plane_image
from medreason_viewer.volume.window import Window

pytestmark = pytest.mark.usefixtures("qapp")
SIDE = 480  # ten pixels of the picture for one of the slice, which is 40 x 48


def coloured(*items: Drawn) -> NDArray[np.intp]:
    """(row, col) of the pixels painted in the colour of others' marks."""
    series = make_series()
    scene = compose(series, plane_image(make_volume(series), "axial", 3), Window(40, 400), items=items)
    drawn = render(scene, (SIDE, SIDE)).convertToFormat(QImage.Format.Format_RGB888)
    pixels = np.frombuffer(drawn.constBits(), np.uint8).reshape(SIDE, -1)[:, : SIDE * 3]
    own = (pixels.reshape(SIDE, SIDE, 3) == style.OTHERS.getRgb()[:3]).all(axis=2)
    return np.argwhere(own)


def test_a_closed_line_ends_where_it_begins_and_an_open_one_does_not() -> None:
    points = ((10.0, 10.0), (30.0, 10.0), (30.0, 30.0))
    closed, open_ = coloured(Drawn((points,), closed=True)), coloured(Drawn((points,), closed=False))
    assert len(closed) > 1.2 * len(open_) > 0
    low, high = closed.min(axis=0), closed.max(axis=0)
    assert np.abs(low - (40 + 100, 100)).max() <= 2  # the slice is 8 rows lower than the picture, halved
    assert np.abs(high - (40 + 300, 300)).max() <= 2


def test_a_point_is_a_dot() -> None:
    dot = coloured(Drawn((((20.0, 20.0),),), closed=False))
    assert 5 <= len(dot) <= 60
    assert np.abs(dot.mean(axis=0) - (40 + 200, 200)).max() < 1.5


def test_words_stand_only_where_their_lines_are_in_view() -> None:
    inside = Drawn((((10.0, 10.0), (20.0, 20.0)),), closed=False)
    outside = Drawn((((-90.0, -90.0), (-80.0, -80.0)),), closed=False, label="Nodule · Ada")
    named = Drawn(inside.outlines_slice, closed=False, label="Nodule · Ada")
    assert len(coloured(outside)) == 0
    assert len(coloured(named)) > len(coloured(inside))


def test_words_do_not_stand_over_each_other() -> None:
    """Labels of boxes at one place: as many lines of words as there are boxes."""
    labels = Labels((400.0, 300.0))
    picture = QImage(400, 300, QImage.Format.Format_RGB32)
    painter = QPainter(picture)
    for _ in range(5):
        labels.write(painter, QPointF(100, 150), "reader", style.OTHERS)
    for corner in (QPointF(-50, 0), QPointF(900, 900), QPointF(900, 900)):
        labels.write(painter, corner, "reader", style.OTHERS)
    painter.end()
    taken = labels._taken
    assert len(taken) == 8
    for place, box in enumerate(taken):
        assert QRectF(0, 0, 400, 300).contains(box)
        assert not any(box.intersects(other) for other in taken[:place])


def test_where_all_is_taken_words_are_written_all_the_same() -> None:
    labels = Labels((60.0, 20.0))
    painter = QPainter(picture := QImage(60, 20, QImage.Format.Format_RGB32))
    for _ in range(3):
        labels.write(painter, QPointF(5, 15), "reader", style.OTHERS)
    painter.end()
    assert len(labels._taken) == 3
    assert not picture.isNull()
