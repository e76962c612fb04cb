"""Why a process is gone, in words; and how often it may come back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from medreason_viewer.reasoning.process import restarts
from medreason_viewer.reasoning.process.link import Gone
from medreason_viewer.reasoning.process.restarts import Restarts, why_gone


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (Gone(-9), "The model's process was killed by another program."),
        (Gone(-15), "The model's process was ended by another program."),
        (Gone(-11), "The model's process crashed (SIGSEGV)."),
        (Gone(-99), "The model's process crashed (signal 99)."),
        (Gone(0), "The model's process ended unexpectedly (code 0)."),
        (
            Gone(1, last_words="ImportError: x"),
            "The model's process ended unexpectedly (code 1: ImportError: x).",
        ),
        (Gone(-9, "It sent something unreadable."), "It sent something unreadable."),
    ],
)
def test_each_end_has_its_sentence(gone: Gone, said: str) -> None:
    assert why_gone(gone, restarts.oom_kills()) == said


def test_the_kernels_kill_for_memory_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = tmp_path / "memory.events"
    monkeypatch.setattr(restarts, "_COUNTERS", (events, tmp_path / "missing"))
    assert restarts.oom_kills() == 0
    events.write_text("low 0\noom 3\noom_kill 2\noom_group_kill 9\n")
    assert restarts.oom_kills() == 2
    assert "memory ran out" in why_gone(Gone(-9), 1)
    assert "memory" not in why_gone(Gone(-9), 2)


def test_the_breaker_opens_after_its_number_and_closes_with_time_or_when_told() -> None:
    breaker = Restarts(2, 0.2)
    assert [breaker.allow() for _ in range(3)] == [True, True, False]
    breaker.forget()
    assert breaker.allow()
    assert breaker.allow()
    time.sleep(0.25)
    assert breaker.allow()
