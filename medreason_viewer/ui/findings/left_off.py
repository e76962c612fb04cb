"""A study that is opened again comes back where it was left: the journal alone knows where that was."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from ...findings.journal import Subject, Views, WindowArranged
from ...volume.series import Scan
from ..session import Session
from .link import JournalLink
from .standing import Standing, shown_subjects, stand_again, standing_in, subjects_of
from .steady import SteadyWriting

_EVERY_MS: Final = 60_000  # the journal keeps every line for good: a kill loses a minute of where one was
_Left = tuple[Standing, datetime]


class LeftOff(QObject):
    """Notes where the reader is, and goes there when the study is opened again.

    It is written when the study is left and when the window closes, and once a minute where it has changed. A
    reader who has moved by then, or was brought to an image by another program, stays there.

    Signals
    -------
    told : str
        The study is shown as it was left.
    """

    told = Signal(str)

    def __init__(self, session: Session, link: JournalLink, writing: SteadyWriting) -> None:
        super().__init__(writing)
        self._session, self._link, self._writing = session, link, writing
        self._now: WindowArranged | None = None
        self._written: WindowArranged | None = None
        self._opened: Scan | None = None
        self._place: object = None
        self._words = ""
        self._soon, self._minute = _timer(self, 0, self._look), _timer(self, _EVERY_MS, self.write)
        session.study_opened.connect(self._changed)
        session.volume_progress.connect(self._tell)
        for changed in (session.layout_changed, session.activated):
            changed.connect(self._soon.start)
        for viewport in session.every_viewport:
            for changed in (viewport.slice_changed, viewport.view_changed, viewport.window_changed):
                changed.connect(self._soon.start)

    def stay(self) -> None:
        """Do not go where this study was left: the reader was brought to a place in it."""
        self._opened = None

    def write(self) -> None:
        """Note where the reader is, if that is not noted yet."""
        self._minute.stop()
        if self._now is not None and self._now != self._written:
            self._writing.write(self._now)
            self._written = self._now

    def _look(self) -> None:
        standing = standing_in(self._session)
        if standing is not None:
            self._now = WindowArranged(standing.to_text(), shown_subjects(self._session))
            if self._now != self._written and not self._minute.isActive():
                self._minute.start()

    def _changed(self) -> None:
        """Another study is open."""
        session = self._session
        self.write()
        self._now, self._written, self._opened, self._words = None, None, session.scan, ""
        if session.scan is not None:
            QTimer.singleShot(0, self, partial(self._ask, session.scan))

    def _ask(self, scan: Scan) -> None:
        """Once whoever opened the study has turned to one of its series."""
        if scan is self._opened:
            self._place = self._places()
            read = partial(left, of=subjects_of(scan))
            self._link.ask(read, partial(self._go, scan))

    def _go(self, scan: Scan, found: _Left | None) -> None:
        still_there = scan is self._opened and self._places() == self._place
        self._opened = None
        if still_there and found is not None and stand_again(self._session, found[0]):
            self._written = WindowArranged(found[0].to_text(), shown_subjects(self._session))
            self._words = f"Shown as you left it, {found[1].astimezone():%Y-%m-%d %H:%M}"

    def _tell(self, loaded: int, total: int) -> None:
        """Once all is loaded, for until then the footer speaks of that."""
        if self._words and loaded == total > 0:
            QTimer.singleShot(0, self, partial(self.told.emit, self._words))
            self._words = ""

    def _places(self) -> list[object]:
        shown = self._session.viewports
        return [(id(each.series), each.plane_name, each.slice_index, each.view) for each in shown]


def left(journal: Views, of: tuple[Subject, ...]) -> _Left | None:
    """Where some studies were left last, and when; None where nobody noted it, or a later version did."""
    entries = [next(journal.entries("window", of=one, newest_first=True), None) for one in of]
    known = [entry for entry in entries if entry is not None]
    if not known:
        return None
    last = max(known, key=lambda entry: entry.number)
    try:
        return Standing.of_text(last.event.state), last.at
    except ValueError:
        return None


def _timer(parent: QObject, interval_ms: int, do: object) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(interval_ms)
    timer.timeout.connect(do)
    return timer
