"""The main job as a radiologist does it: a real chest, the real window, the real model in its own process."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from test_window import coloured_pixels, coloured_without_regions, drag_box

from medreason_viewer import app
from medreason_viewer.app import Workplace
from medreason_viewer.reasoning.bundles.bundle import DEMO_BUNDLE
from medreason_viewer.reasoning.process.client import ModelClient
from medreason_viewer.settings import Settings
from medreason_viewer.ui.explanation.answer import Answer
from medreason_viewer.volume.geometry import SliceBox

LOADED_MS = 60_000
ANSWERED_MS = 120_000


class StallProbe:
    """Ticks every 5 ms on the GUI thread and remembers the longest silence."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.worst_ms = 0.0
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(5)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.worst_ms = max(self.worst_ms, 1000 * (now - self._last) - 5)
        self._last = now

    def reset(self) -> None:
        self._last, self.worst_ms = time.perf_counter(), 0.0


@pytest.fixture(scope="module")
def place(qapp: QApplication) -> Iterator[Workplace]:
    """The whole window with the demo bundle: chest and model, once loaded, serve every test here.

    Each asks about a slice of its own, where nothing has been answered yet.
    """
    application = app.application_with_theme()
    made = app.build_for(Settings(window_width=1280, window_height=800), DEMO_BUNDLE)
    made.window.resize(1280, 800)
    made.window.show()
    assert QTest.qWaitForWindowExposed(made.window)
    made.explainer.start()
    yield made
    made.close()
    made.window.deleteLater()
    assert isinstance(application, QApplication)
    application.setStyleSheet("")


def test_reading_a_real_chest(place: Workplace, qtbot: QtBot, real_ct: Path) -> None:
    """Open, scroll, drag a box, explain; overlay, zoom and steps; scroll away and back."""
    session, view = place.session, place.window.parts.view
    index, box = _nodule(real_ct, place, qtbot)
    assert session.slice_count == 275
    session.go_to_slice(index - 3)
    for _ in range(30):
        if session.slice_index == index:
            break
        _wheel(place, towards=index)
    assert session.slice_index == index

    drag_box(place, qtbot, box)
    assert session.box_slice is not None
    assert session.box_slice.iou(box) > 0.7
    session.set_box(box)
    qtbot.keyClick(view, Qt.Key.Key_E)
    answer = _answered(place, qtbot)
    assert answer.explanation is not None
    assert answer.region is not None
    assert (answer.region.box_slice, answer.region.source) == (box, "reader")
    page = place.window.parts.explain.page
    qtbot.waitUntil(lambda: page.zoom.model_input.image is not None)
    qtbot.waitUntil(lambda: len(page.reasoning.rows) == len(answer.steps))
    assert answer.steps
    assert answer.explanation.key == session.image_key()
    assert answer.evidence is not None
    assert answer.evidence.side == "right"
    assert answer.warnings, "a patient's chest is outside the demo model's scope, and that must be said"

    session.set_box(None)
    bare = coloured_without_regions(place)
    assert coloured_pixels(place) > bare + 20
    _wheel(place, towards=index + 1)
    assert session.answer is None
    _wheel(place, towards=index)
    assert session.answer is answer or session.answer.request.id == answer.request.id
    assert coloured_pixels(place) > bare + 20


def test_model_killed_in_the_middle_of_an_answer(place: Workplace, qtbot: QtBot, real_ct: Path) -> None:
    """SIGKILL: said within 2 s, no stall above 100 ms, and the next request is answered."""
    session = place.session
    index, box = _nodule(real_ct, place, qtbot)
    session.go_to_slice(index + 1)
    assert session.answer is None
    session.set_box(box)
    _ready(place, qtbot)
    said: list[tuple[float, str]] = []
    session.message.connect(lambda text: said.append((time.perf_counter(), text)))
    place.window.explain_box()
    qtbot.waitUntil(lambda: session.answer is not None and bool(session.answer.text), timeout=ANSWERED_MS)
    probe = StallProbe()
    qtbot.wait(50)
    probe.reset()
    pid = _client(place).worker_pid
    assert pid is not None
    killed = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: bool(said), timeout=2000)
    assert said[0][0] - killed < 2.0
    assert said[0][1].endswith(".")
    qtbot.waitUntil(lambda: session.answer is None or not session.answer.running, timeout=2000)
    place.window.explain_box()
    assert _answered(place, qtbot).explanation is not None
    assert probe.worst_ms < 100, f"the window stalled for {probe.worst_ms:.0f} ms"


def test_switching_series_in_the_middle_of_an_answer(
    place: Workplace, qtbot: QtBot, real_ct: Path, tmp_path: Path
) -> None:
    session = place.session
    index, box = _nodule(real_ct, place, qtbot)
    session.go_to_slice(index + 2)
    assert session.answer is None
    session.set_box(box)
    _ready(place, qtbot)
    place.window.explain_box()
    qtbot.waitUntil(lambda: session.answer is not None and bool(session.answer.text), timeout=ANSWERED_MS)
    asked = session.answer
    assert asked is not None
    _open(place, qtbot, real_ct / "crlm-ct-1004")
    qtbot.wait(1500)
    assert session.answer is None
    page = place.window.parts.explain.page
    assert not page.reasoning.rows
    assert page.zoom.model_input.image is None
    assert session.series is not None
    assert session.series.identity.series_uid != asked.request.key.series_uid


def _nodule(real_ct: Path, place: Workplace, qtbot: QtBot) -> tuple[int, SliceBox]:
    """Open the chest unless it is; where its readers saw the nodule: slice index and a box 3 pixels wider."""
    series = real_ct / "lidc-0314"
    if place.session.slice_count != 275:
        _open(place, qtbot, series)
    outlines = json.loads((series / "nodules.json").read_text())["annotations"][0]["slices"]
    outline = outlines[len(outlines) // 2]
    volume = place.session.volume
    assert volume is not None
    index = next(i for i, frame in enumerate(volume.series.frames) if frame.sop_uid == outline["sop"])
    box = SliceBox(outline["col0"] - 3, outline["row0"] - 3, outline["col1"] + 3, outline["row1"] + 3)
    return index, box


def _open(place: Workplace, qtbot: QtBot, path: Path) -> None:
    before = place.session.volume
    place.window.open_path(path)
    qtbot.waitUntil(
        lambda: (
            place.session.volume is not None
            and place.session.volume is not before
            and bool(place.session.volume.loaded.all())
        ),
        timeout=LOADED_MS,
    )


def _ready(place: Workplace, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: _client(place).state.state == "ready", timeout=LOADED_MS)


def _answered(place: Workplace, qtbot: QtBot) -> Answer:
    session = place.session
    qtbot.waitUntil(
        lambda: session.answer is not None and session.answer.status == "answered", timeout=ANSWERED_MS
    )
    place.window.parts.explain.refresh()
    assert session.answer is not None
    return session.answer


def _client(place: Workplace) -> ModelClient:
    client = place.explainer._client
    assert isinstance(client, ModelClient)
    return client


def _wheel(place: Workplace, *, towards: int) -> None:
    """One notch of the wheel in the direction of that slice."""
    session, view = place.session, place.window.parts.view
    up = (towards > session.slice_index) == session.reads_upward
    centre = QPointF(view.width() / 2, view.height() / 2)
    event = QWheelEvent(
        centre,
        view.mapToGlobal(centre),
        QPoint(),
        QPoint(0, 120 if up else -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)
