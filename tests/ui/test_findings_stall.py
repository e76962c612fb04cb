"""With a disk that takes half a second a sync, the window goes on: what each call costs the GUI thread."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from slow_disk import slow_disk

SYNC_S = 0.5
STALL_MS = 16.0
_READING = """
import json, sys, time
from functools import partial
from pathlib import Path
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from fake_client import FakeClient, MODEL
from small_study import write_study
from verdict_disk import BOX, SETTINGS, Disk
from medreason_viewer import app

folder = Path(sys.argv[1])
application = app.application_with_theme()
disk = Disk(folder)
place = app.build(SETTINGS, FakeClient, MODEL, disk.writer())
place.window.show()
session, view = place.session, place.window.parts.view


def until(true):
    end = time.monotonic() + 60
    while not true():
        QTest.qWait(5)
        assert time.monotonic() < end


def asked(index):
    session.go_to_slice(index)
    session.set_box(BOX)
    place.window.explain_box()
    until(lambda: session.answer is not None and session.answer.explanation is not None)


place.window.open_path(write_study(folder / "study"))
until(lambda: session.volume is not None and session.volume.loaded.all())
asked(0)
taken, longest, pending = [], 0.0, 0
for index in range(1, 5):
    asked(index)
    for key in (Qt.Key.Key_Y, Qt.Key.Key_U):
        cpu, clock = time.thread_time(), time.perf_counter()
        QTest.keyClick(view, key)
        taken.append(1000 * (time.thread_time() - cpu))
        longest = max(longest, time.perf_counter() - clock)
        pending = max(pending, place.findings.link.pending)
place.close()
verdicts = [finding.judgement is None for finding in disk.findings()]
print(json.dumps({"taken_ms": taken, "longest_s": longest, "pending": pending, "undone": verdicts}))
"""


def test_a_slow_disk_does_not_stall_the_window(tmp_path: Path) -> None:
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": paths, **slow_disk(tmp_path, SYNC_S)}
    done = subprocess.run(
        [sys.executable, "-c", _READING, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        timeout=120,
    )
    found = json.loads(done.stdout)
    assert found["pending"] >= 1  # the disk really was slow
    assert sorted(found["taken_ms"])[len(found["taken_ms"]) // 2] < STALL_MS
    assert found["longest_s"] < SYNC_S / 2
    assert found["undone"] == [True] * 5
