"""A window lower or narrower than its parts like: texts keep their height, and the bar says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot
from test_window import explain

from medreason_viewer.app import Workplace
from medreason_viewer.settings import Settings
from medreason_viewer.ui.plain import PlainLabel
from medreason_viewer.volume.window import PRESETS, Window

Opened = Callable[..., Workplace]
FLAGS = (
    "The model was trained on the body part CHEST; this study's is BRAIN, which is not the same.",
    "The model was trained on the reconstruction kernel PHANTOM; this study's is UB, not the same.",
)


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("size", [(1280, 800), (1280, 700), (1066, 600)])
def test_every_text_has_the_height_it_needs(
    opened: Opened, qtbot: QtBot, size: tuple[int, int], folded: bool
) -> None:
    width, height = size
    place = opened(
        settings=Settings(window_width=width, window_height=height, read_first=folded), warnings=FLAGS
    )
    explain(place, qtbot)
    qtbot.wait(50)
    page = place.window.parts.explain.page
    texts = [text for text in page.findChildren(PlainLabel) if text.isVisible() and text.text()]
    assert len(texts) > 10
    short = [
        t.text() for t in texts if t.height() < max(t.heightForWidth(t.width()), t.fontMetrics().height())
    ]
    assert short == []
    if folded:
        assert (
            page.reasoning.own_read.line.height() >= page.reasoning.own_read.line.minimumSizeHint().height()
        )


@pytest.mark.parametrize("name", ["automatic", "", *PRESETS])
def test_the_whole_bar_fits_a_screen_of_1280(opened: Opened, name: str) -> None:
    place = opened()
    place.session.set_window(PRESETS.get(name, Window(-600, 1500)), name)
    QApplication.processEvents()
    more = place.window.findChild(QToolButton, "qt_toolbar_ext_button")
    assert isinstance(more, QToolButton)
    assert not more.isVisible()


def test_a_narrow_bar_shows_that_there_is_more(opened: Opened) -> None:
    place = opened(settings=Settings(window_width=1000, window_height=700))
    more = place.window.findChild(QToolButton, "qt_toolbar_ext_button")
    assert isinstance(more, QToolButton)
    assert more.isVisible()
    image = more.grab().toImage()
    brightest = max(
        image.pixelColor(x, y).lightness() for x in range(image.width()) for y in range(image.height())
    )
    assert brightest > 150, "its sign must be seen on the dark bar"
