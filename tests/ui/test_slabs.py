"""A slab in view: worked out beside the GUI thread, named on the image, and not explained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from ct_in_memory import make_series, make_volume
from fake_client import FakeClient
from pytestqt.qtbot import QtBot
from test_never_stalls import STALL_MS, cpu_ms

from medreason_viewer.ui.explanation.answer import ExplainTarget
from medreason_viewer.ui.explanation.explain import SLAB, Explainer
from medreason_viewer.ui.keys.bindings import InputBindings
from medreason_viewer.ui.keys.profile import DEFAULT_PROFILE
from medreason_viewer.ui.output.shown import shown_now
from medreason_viewer.ui.session import Session
from medreason_viewer.ui.viewport.slab_menu import SlabMenu
from medreason_viewer.ui.viewport.slice_scene import SceneSource
from medreason_viewer.volume.geometry import SliceBox
from medreason_viewer.volume.slab import Slab

SIZE = (500.0, 500.0)
MIP = Slab("max", 10.0)
BOX = SliceBox(2, 2, 8, 8)


@pytest.fixture
def session(qapp: object) -> Iterator[Session]:
    """A session on a small even stack, 2 mm apart."""
    made = Session()
    series = make_series((12, 40, 48))
    made.select_series(series)
    made.set_volume(make_volume(series))
    yield made
    made.slabs.close()


def shown(session: Session, qtbot: QtBot) -> None:
    """Wait for the slab about the slice shown."""
    qtbot.waitUntil(lambda: session.slabs.image is not None)


def test_the_slab_is_shown_named_and_measured(session: Session, qtbot: QtBot) -> None:
    source = SceneSource(session.active)
    session.slabs.choose(MIP)
    shown(session, qtbot)
    scene = source.scene(SIZE)
    assert "MIP 10 mm (5 images)" in scene.corners.bottom_right
    assert session.volume is not None
    highest = int(session.volume.stored[4:9, 3, 5].max())
    assert source.probe(5.5, 3.5).startswith(f"{highest} HU")
    session.slabs.choose(None)
    assert not any("MIP" in line for line in source.scene(SIZE).corners.bottom_right)


def test_the_image_in_the_middle_has_the_scanner_s_number(session: Session, qtbot: QtBot) -> None:
    source = SceneSource(session.active)
    assert session.series is not None
    frames = tuple(replace(frame, instance_number=100 + i) for i, frame in enumerate(session.series.frames))
    session.select_series(replace(session.series, frames=frames))
    session.set_volume(make_volume(session.series))
    session.go_to_slice(7)
    session.slabs.choose(MIP)
    shown(session, qtbot)
    assert source.scene(SIZE).corners.bottom_right[-2:] == ("Axial · 12 images", "About image 107")
    now = shown_now(source)
    assert now is not None
    assert now.number == "axial-slab-image-107"
    session.set_plane("coronal")
    shown(session, qtbot)
    assert source.scene(SIZE).corners.bottom_right[-1] == f"Coronal {session.slice_index + 1} / 40"


def test_while_scrolling_the_slab_before_stays_with_its_own_place(session: Session, qtbot: QtBot) -> None:
    source = SceneSource(session.active)
    session.slabs.choose(MIP)
    shown(session, qtbot)
    before = source.scene(SIZE)
    session.scroll(1)
    assert session.slabs.pending
    assert source.scene(SIZE).corners.bottom_right == before.corners.bottom_right
    shown(session, qtbot)
    assert source.scene(SIZE).corners.bottom_right != before.corners.bottom_right


def test_only_the_last_of_many_is_shown(session: Session, qtbot: QtBot) -> None:
    session.slabs.choose(MIP)
    for index in range(12):
        session.go_to_slice(index)
    shown(session, qtbot)
    assert session.volume is not None
    image = session.image()
    assert image is not None
    np.testing.assert_array_equal(image.stored, session.volume.stored[9:].max(0))


def test_a_slab_is_not_explained_and_shows_no_region(session: Session, qtbot: QtBot) -> None:
    explainer = Explainer(session, FakeClient)
    explainer.explain(ExplainTarget(box_slice=BOX))
    qtbot.waitUntil(lambda: session.answer is not None and not session.answer.running)
    session.slabs.choose(MIP)
    said: list[str] = []
    session.message.connect(said.append)
    explainer.explain(ExplainTarget(box_slice=BOX))
    assert said == [SLAB]
    assert session.answer is None
    session.slabs.choose(None)
    assert session.answer is not None
    explainer.close()


def test_a_series_without_geometry_says_why_there_is_no_slab(qapp: object, qtbot: QtBot) -> None:
    session = Session()
    series = make_series((6, 20, 20), geometry=False)
    session.select_series(series)
    session.set_volume(make_volume(series))
    source = SceneSource(session.active)
    session.slabs.choose(MIP)
    qtbot.waitUntil(lambda: bool(session.slabs.problem))
    warnings = source.scene(SIZE).warnings
    assert "No slab here: the slices are tilted, unevenly spaced or without geometry." in " ".join(
        " ".join(warnings).split()
    )
    assert max(map(len, warnings)) < 45, "or its end would be cut off"
    session.slabs.close()


def test_the_key_goes_through_thicknesses_and_back_to_single_images(session: Session) -> None:
    names = []
    for _ in range(4):
        session.slabs.next()
        names.append(session.slabs.chosen.name if session.slabs.chosen else "")
    assert names == ["MIP 5 mm", "MIP 10 mm", "MIP 20 mm", ""]


def test_the_menu_follows(session: Session) -> None:
    menu = SlabMenu(session, InputBindings(DEFAULT_PROFILE))
    menu.choices[MIP].trigger()
    assert session.slabs.chosen == MIP
    session.slabs.choose(None)
    assert menu.choices[None].isChecked()


def test_scrolling_slabs_of_a_large_stack_takes_the_gui_thread_no_time(qapp: object, qtbot: QtBot) -> None:
    session = Session()
    series = make_series((24, 1024, 1024), (1.0, 0.5, 0.5))
    session.select_series(series)
    session.set_volume(make_volume(series, np.zeros((1, 1, 1), np.int16)))
    session.slabs.choose(Slab("mean", 20.0))
    taken = sorted(cpu_ms(lambda: session.scroll(1)) for _ in range(5))
    assert taken[2] < STALL_MS
    shown(session, qtbot)
    session.slabs.close()
