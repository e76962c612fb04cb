"""Whether every bar and panel that follows the active viewport tells of that one, and of no other."""

from __future__ import annotations

import re

from medreason_viewer.ui.explanation import wording
from medreason_viewer.ui.main_window import MainWindow
from medreason_viewer.ui.series.rows import SERIES
from medreason_viewer.ui.viewport.view_bar import ViewBar

_LOADED = re.compile(r"Loaded \d+ of (\d+) slices")


def check_panels_agree(window: MainWindow) -> None:
    """Without waiting or refreshing: what is said of another series or window lingers for no moment."""
    _check_series_list(window)
    _check_footer(window)
    _check_view_bar(window)


def _check_series_list(window: MainWindow) -> None:
    active, panel = window.parts.session.active, window.parts.series
    patient = active.series.identity.patient_name if active.series else None
    assert panel.patient.text() == (patient.replace("^", ", ") if patient else "No study open")
    if active.series is not None:
        chosen = panel.list.currentItem()
        assert chosen is not None
        assert chosen.data(SERIES) is active.series


def _check_footer(window: MainWindow) -> None:
    active, told = window.parts.session.active, _LOADED.match(window.parts.footer.activity.text())
    if told is not None:
        assert active.volume is not None
        assert int(told[1]) == active.progress[1]


def _check_view_bar(window: MainWindow) -> None:
    active, actions = window.parts.session.active, window.actions_of_view
    bar = window.findChild(ViewBar)
    assert isinstance(bar, ViewBar)
    width, centre = wording.number(active.window.width_hu), wording.number(active.window.centre_hu)
    assert bar.window_button.text().endswith(f"  {width} / {centre}")
    for name, preset in actions.presets.items():
        assert preset.isChecked() == (name == active.window_name)
    for name, plane in actions.planes.items():
        assert plane.isChecked() == (name == active.plane_name)
    for slab, choice in actions.slab_menu.choices.items():
        assert choice.isChecked() == (slab == active.slabs.chosen)
