"""One search at a time: the last wish wins, a disk that hangs holds nothing up, a fault is a sentence."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import pytest
from pytestqt.qtbot import QtBot

from medreason_viewer.cancel import Cancel
from medreason_viewer.errors import VolumeError
from medreason_viewer.ui.series.searching import Searching

FAULT = "A fault in the program."
Told = Callable[[int, int], None]


@pytest.fixture
def searching() -> Iterator[Searching]:
    made = Searching(FAULT)
    yield made
    made.close()


def heard(searching: Searching) -> list[object]:
    """Everything that it says."""
    told: list[object] = []
    searching.started.connect(lambda what: told.append(("started", what)))
    searching.finished.connect(told.append)
    searching.failed.connect(told.append)
    searching.ended.connect(lambda: told.append("ended"))
    return told


def test_what_hangs_does_not_hold_up_what_is_asked_for_next(searching: Searching, qtbot: QtBot) -> None:
    disk, told = threading.Event(), heard(searching)
    searching.search("slow", lambda _cancel, _tell: disk.wait(10))
    searching.search("fast", lambda _cancel, _tell: "found")
    qtbot.waitUntil(lambda: "found" in told)
    assert not searching.busy
    disk.set()
    qtbot.wait(50)
    assert told == [("started", "slow"), "ended", ("started", "fast"), "ended", "found"]


def test_a_cancel_is_heard_and_nothing_more_is_said(searching: Searching, qtbot: QtBot) -> None:
    told, asked, stopped = heard(searching), threading.Event(), threading.Event()

    def job(cancel: Cancel, tell: Told) -> None:
        assert asked.wait(10)
        tell(1, 2)
        stopped.set()
        cancel.check()

    counts: list[int] = []
    searching.progressed.connect(lambda done, _total: counts.append(done))
    searching.search("it", job)
    searching.cancel()
    asked.set()
    assert stopped.wait(10)
    qtbot.wait(50)
    assert told == [("started", "it"), "ended"]
    assert counts == []


def test_what_fails_is_a_sentence_and_the_log_names_nobody(
    searching: Searching, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    told = heard(searching)

    def raising(error: Exception) -> Callable[[Cancel, Told], object]:
        def job(_cancel: Cancel, _tell: Told) -> object:
            raise error

        return job

    for error, sentence in (
        (VolumeError("The file is damaged."), "The file is damaged."),
        (KeyError("DOE^JANE"), FAULT),
    ):
        with caplog.at_level(logging.DEBUG):
            searching.search("it", raising(error))
            qtbot.waitUntil(lambda said=sentence: said in told)  # type: ignore[misc]
    assert "KeyError" in caplog.text
    assert "DOE" not in caplog.text
