"""The window without hands: open a study, explain one region, wait for the answer, take a picture.

Nothing here reaches past the window: it does what a reader does, so a demonstration shows the real thing.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import QEventLoop, QTimer

from ..errors import MedReasonError, ModelError, RegionError, VolumeError
from ..reasoning.request import Explanation, ZoomReady
from ..volume.ct import CtVolume
from ..volume.series import Series
from .explanation.answer import Answer, ExplainTarget
from .main_window import MainWindow

_POLL_MS: Final = 15
_SETTLE_S: Final = 0.4  # thumbnails, panel and scroll strip catch up before the picture is taken


@dataclass(frozen=True)
class Explained:
    """What a window got from a model, with all that the result files need."""

    explanation: Explanation
    zoom: ZoomReady
    volume: CtVolume


class Unattended:
    """Drives one window.

    Parameters
    ----------
    timeout_s : float
        Patience for each thing waited for: opening, loading, the answer.
    """

    def __init__(self, window: MainWindow, *, timeout_s: float = 900.0) -> None:
        self._window = window
        self._session = window.parts.session
        self._timeout_s = timeout_s
        self._problems: list[str] = []
        self._session.message.connect(self._problems.append)

    def open(self, path: Path, series_uid: str | None = None) -> None:
        """Open a path and wait until the series is loaded whole.

        Raises
        ------
        VolumeError
            If it cannot be opened or shown.
        """
        session = self._session
        self._problems.clear()
        before = session.scan
        self._window.open_path(path)
        self._wait(lambda: session.scan is not before, VolumeError)
        if series_uid is not None:
            session.select_series(self._series(series_uid))
        self._wait(lambda: session.volume is not None, VolumeError)
        volume = session.volume
        self._wait(lambda: volume is None or _filled(volume), VolumeError)

    def explain(self, slice_index: int, target: ExplainTarget, preset: str = "lung") -> Explained:
        """Ask about one region and wait for the answer.

        Raises
        ------
        ModelError, RegionError
            If there is no answer, with the reason. A reply that cannot be read is one: its text is kept.
        """
        session = self._session
        self._problems.clear()
        if not 0 <= slice_index < session.slice_count:
            raise RegionError(f"There is no slice {slice_index}: the series has {session.slice_count}.")
        session.go_to_slice(slice_index)
        session.set_preset(preset)
        if target.box_slice is not None:
            session.set_box(target.box_slice)
        earlier = session.answers
        self._window.parts.explainer.explain(target)
        self._wait(lambda: session.answer is not None and session.answers != earlier, ModelError)
        self._wait(lambda: session.answer is None or not session.answer.running, ModelError, heed=False)
        return self._explained(session.answer)

    def picture(self, path: Path) -> None:
        """Save the whole window as PNG; written beside, then renamed."""
        self.settle()
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(dir=path.parent, suffix=".png")
        os.close(descriptor)
        if not self._window.grab().save(beside, "PNG"):
            Path(beside).unlink()
            raise MedReasonError(f"The picture of the window could not be saved to {path}.")
        os.replace(beside, path)

    def settle(self) -> None:
        """Let what is still being painted finish."""
        end = time.monotonic() + _SETTLE_S
        _loop_until(lambda: time.monotonic() >= end, self._timeout_s)

    def _series(self, uid: str) -> Series:
        scan = self._session.scan
        for series in scan.series if scan else ():
            if series.identity.series_uid == uid:
                return series
        raise VolumeError(f"There is no series {uid} here.")

    def _explained(self, answer: Answer | None) -> Explained:
        volume = self._session.volume
        if answer is None or volume is None:
            raise ModelError("The model ended without an answer; please try again.")
        if answer.explanation is None or answer.zoom is None:
            raise ModelError(answer.problem or "The model was stopped before it answered.")
        return Explained(answer.explanation, answer.zoom, volume)

    def _wait(self, done: Callable[[], bool], error: type[MedReasonError], *, heed: bool = True) -> None:
        """Wait; where ``heed`` is set, a message of the window says why it will not come to be."""
        _loop_until(lambda: done() or (heed and bool(self._problems)), self._timeout_s)
        if not done():
            raise error(self._problems[0] if self._problems else "This took too long and was given up.")


def _filled(volume: CtVolume) -> bool:
    return int(volume.loaded.sum()) + len(volume.failed) == len(volume.loaded)


def _loop_until(done: Callable[[], bool], timeout_s: float) -> None:
    """Run Qt's event loop until ``done`` or too late."""
    loop, poll = QEventLoop(), QTimer()
    end = time.monotonic() + timeout_s

    def look() -> None:
        if done() or time.monotonic() > end:
            loop.quit()

    poll.timeout.connect(look)
    poll.start(_POLL_MS)
    if not done():
        loop.exec()
    poll.stop()
