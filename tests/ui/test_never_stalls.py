"""What *Explain region* and a first image cost the GUI thread, on slices of 1024 x 1024 pixels.

CPU time of the thread is counted, not the clock: other programs may be busy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

import numpy as np
import pytest
from ct_in_memory import make_series, make_volume
from fake_client import FakeClient
from pytestqt.qtbot import QtBot

from medreason_viewer.errors import RegionError
from medreason_viewer.ui.explanation.answer import ExplainTarget
from medreason_viewer.ui.explanation.explain import Explainer
from medreason_viewer.ui.session import Session
from medreason_viewer.ui.viewport.latest import LatestWins
from medreason_viewer.volume.geometry import SliceBox

STALL_MS = 16.0
SHAPE = (6, 1024, 1024)
BOX = ExplainTarget(box_slice=SliceBox(400, 400, 440, 440))


@pytest.fixture
def session(qapp: object) -> Session:
    """A session on a large series without a window of its own."""
    made = Session()
    series = make_series(SHAPE, window=None, padding=(-100, -100))
    made.select_series(series)
    made.set_volume(make_volume(series))
    return made


@pytest.fixture
def explainer(session: Session) -> Iterator[Explainer]:
    """What explains it, with a scripted model."""
    made = Explainer(session, FakeClient)
    yield made
    made.close()


def cpu_ms(call: Callable[[], object]) -> float:
    """CPU time of one call in this thread."""
    start = time.thread_time()
    call()
    return 1000 * (time.thread_time() - start)


def test_asking_takes_no_time(session: Session, explainer: Explainer, qtbot: QtBot) -> None:
    taken, heard = [], []
    for index in range(5):
        session.go_to_slice(index)
        taken.append(cpu_ms(lambda: explainer.explain(BOX)))
        qtbot.waitUntil(lambda count=index + 1: len(session.answers) == count)  # type: ignore[misc]
        heard.append(cpu_ms(lambda: session.answer))
        assert session.answer is not None
    assert median(taken) < STALL_MS
    assert median(heard) < STALL_MS


def test_first_and_automatic_window_take_no_time(session: Session) -> None:
    assert session.volume is not None
    first = [cpu_ms(partial(session.active._choose_first_window, index)) for index in range(5)]
    again = [cpu_ms(session.set_automatic_window) for _ in range(5)]
    assert session.window_name == "automatic"
    assert max(median(first), median(again)) < STALL_MS


def test_a_thinned_image_has_the_pixels_it_should(session: Session) -> None:
    image = session.image()
    assert image is not None
    thin = image.thinned(256)
    np.testing.assert_array_equal(thin.hu(), image.hu()[::4, ::4])
    assert image.thinned(1024).stored.shape == image.stored.shape


def test_only_the_newest_question_is_sent(session: Session, explainer: Explainer, qtbot: QtBot) -> None:
    for index in (1, 2, 3):
        session.go_to_slice(index)
        explainer.explain(BOX)
    qtbot.waitUntil(lambda: bool(session.answers))
    qtbot.wait(50)
    assert [answer.request.slice_index for answer in session.answers] == [3]


def test_a_question_that_was_stopped_before_it_was_sent_is_not_sent(
    session: Session, explainer: Explainer, qtbot: QtBot
) -> None:
    explainer.explain(BOX)
    explainer.stop()
    qtbot.waitUntil(lambda: not explainer._freezer.busy)
    qtbot.wait(20)
    assert session.answers == ()


def test_a_job_that_fails_says_so_and_the_next_one_runs(qapp: object, qtbot: QtBot) -> None:
    worker, said = LatestWins("test"), []

    def refused() -> None:
        raise RegionError("No such place.")

    def broken() -> None:
        raise KeyError("PATIENT^NAME")

    for job in (refused, broken):
        worker.run(job, said.append, said.append)
        qtbot.waitUntil(lambda: not worker.busy)
        qtbot.wait(10)
    worker.run(lambda: 7, said.append, said.append)
    qtbot.waitUntil(lambda: len(said) == 3)
    assert said[0] == "No such place."
    assert said[1].startswith("This could not be worked out")
    assert said[2] == 7
    worker.close()


def test_older_jobs_that_have_not_begun_are_never_done(qapp: object, qtbot: QtBot) -> None:
    worker, gate = LatestWins("test"), threading.Event()
    done: list[int] = []
    told: list[object] = []
    worker.run(lambda: gate.wait(5), told.append, told.append)
    for number in range(5):
        worker.run(partial(done.append, number), told.append, told.append)
    gate.set()
    qtbot.waitUntil(lambda: bool(told))
    worker.close()
    assert done == [4]
    assert told == [None]
