"""Cine: the images of a series one after another, at a rate the reader sets, until they do anything."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from ..session import Session

RATES_FPS: Final = (1, 2, 5, 8, 10, 12, 15, 20, 25, 30, 40, 60)
_PAUSE_S: Final = 0.5  # after one as long the cine goes on where it was, rather than leap


class Cine(QObject):
    """Turns the images over while it runs.

    The next image is shown only once the one before was painted. A display that cannot keep up therefore sees
    fewer images, at the same pace, and nothing is queued.

    Signals
    -------
    changed
        Started, stopped, or set otherwise.

    Attributes
    ----------
    rate_fps : int
        Images per second.
    bounces : bool
        Whether it turns round at the ends, instead of beginning again.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.rate_fps, self.bounces = 15, False
        self._step, self._due, self._painted, self._turning = 1, 0.0, True, False
        self._clock = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        session.series_changed.connect(self.stop)
        session.slice_changed.connect(self._slice_changed)

    @property
    def running(self) -> bool:
        """Whether the images are being turned over."""
        return self._timer.isActive()

    def toggle(self) -> None:
        """Start at the image shown, or stop there."""
        if self.running:
            self.stop()
        elif self._session.slice_count > 1:
            self._step, self._due, self._painted = 1, 0.0, True
            self._clock.start()
            self._timer.start(self._interval_ms())
            self.changed.emit()

    def stop(self) -> None:
        """Stay at the image shown."""
        if self.running:
            self._timer.stop()
            self.changed.emit()

    def set_rate(self, fps: int) -> None:
        """Show so many images per second, 1 to 60."""
        fps = min(max(fps, RATES_FPS[0]), RATES_FPS[-1])
        if fps != self.rate_fps:
            self.rate_fps = fps
            self._timer.setInterval(self._interval_ms())
            self.changed.emit()

    def faster(self) -> None:
        """Take the next rate up."""
        self.set_rate(next((rate for rate in RATES_FPS if rate > self.rate_fps), self.rate_fps))

    def slower(self) -> None:
        """Take the next rate down."""
        self.set_rate(next((rate for rate in reversed(RATES_FPS) if rate < self.rate_fps), self.rate_fps))

    def set_bounces(self, bounces: bool) -> None:
        """Run back and forth, or in a loop."""
        if bounces != self.bounces:
            self.bounces, self._step = bounces, 1
            self.changed.emit()

    def painted(self) -> None:
        """The viewport has painted what the session shows: the next image may come."""
        self._painted = True

    def _interval_ms(self) -> int:
        return 1000 // self.rate_fps

    def _tick(self) -> None:
        passed_s = self._clock.restart() / 1000
        self._due += 1.0 if passed_s > _PAUSE_S else passed_s * self.rate_fps
        if not self._painted or (images := round(self._due)) < 1:
            return
        self._due -= images
        self._turning = True
        try:
            self._session.go_to_reading_place(self._after(images))
        finally:
            self._turning = False

    def _after(self, images: int) -> int:
        """The place in reading order so many images on."""
        count, place = self._session.slice_count, self._session.reading_place
        if not self.bounces:
            return (place + images) % count
        turn = 2 * (count - 1)  # there and back
        at = (place if self._step > 0 else turn - place) + images
        at %= turn
        self._step = 1 if at < count - 1 else -1
        return at if at < count else turn - at

    def _slice_changed(self) -> None:
        if self._turning:
            self._painted = False
        else:
            self.stop()  # somebody else went elsewhere
