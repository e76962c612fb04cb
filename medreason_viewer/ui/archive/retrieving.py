"""Retrieving off the GUI thread, one at a time: what is wanted now goes first, the rest later."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from ...cancel import Cancel
from ...errors import Cancelled, MedReasonError
from ...network.archive import SeriesFound, StudyFound
from ...network.inbox import Inbox
from ...network.retrieving import retrieve, retrieved
from ...servers import Server
from .advice import sentence
from .errands import FAULT
from .retrieval import Retrieval
from .sources import Sources

log = logging.getLogger(__name__)

_INTERVAL_MS: Final = 60
_MOST_REMEMBERED: Final = 50

Aside = Callable[[Server], AbstractContextManager[None]]
"""What must step aside while that server sends to us."""


class Retrieving(QObject):
    """The retrievals of this session, the one that runs and those that wait.

    Parameters
    ----------
    inbox : callable
        Gives the private folder; called in threads.
    aside : callable
        Entered around each retrieve, in its thread.

    Signals
    -------
    changed(Retrieval)
        One is new, further on, or over.
    """

    changed = Signal(object)
    _over = Signal(object, str)

    def __init__(
        self,
        sources: Sources,
        inbox: Callable[[], Inbox],
        aside: Aside = lambda _server: nullcontext(),
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._sources, self._inbox, self._aside = sources, inbox, aside
        self._all: dict[int, Retrieval] = {}
        self._number = 0
        self._running: tuple[int, Cancel] | None = None
        self._thread: threading.Thread | None = None
        self._now: tuple[Cancel, int, int, Path] | None = None  # as the thread has it
        self._clock = QTimer(self)
        self._clock.setInterval(_INTERVAL_MS)
        self._clock.timeout.connect(self._progress)
        self._over.connect(self._end, Qt.ConnectionType.QueuedConnection)

    @property
    def all(self) -> tuple[Retrieval, ...]:
        """Every retrieval that is remembered, oldest first."""
        return tuple(sorted(self._all.values(), key=lambda each: each.number))

    def get(self, number: int) -> Retrieval | None:
        """That one; None if it is not remembered."""
        return self._all.get(number)

    def want(
        self, server: Server, study: StudyFound, series: SeriesFound | None = None, *, first: bool = False
    ) -> Retrieval:
        """Retrieve it: now if it is to be ``first``, else after those that wait."""
        wanted = Retrieval(0, server, study, series).wanted
        known = next((r for r in self._all.values() if r.wanted == wanted and not r.over), None)
        if known is None:
            self._number += 1
            known = Retrieval(self._number, server, study, series)
            self._put(known)
            self._forget_old()
        if first and known.state == "waiting":
            self._displace(known)
        self._next()
        return self._all[known.number]

    def cancel(self, number: int) -> None:
        """Retrieve it no further; what came stays."""
        known = self._all.get(number)
        if known is None or known.over:
            return
        self._put(replace(known, state="stopped"))
        if self._running is not None and self._running[0] == number:
            self._running[1].request()

    def retry(self, number: int) -> None:
        """Go on with the rest of one that was stopped or failed."""
        known = self._all.get(number)
        if known is not None and known.state in ("stopped", "failed"):
            self._put(replace(known, state="waiting", reason=""))
            self._next()

    def close(self) -> None:
        """Stop, and wait for the thread."""
        for number in self._all:
            self.cancel(number)
        if self._thread is not None:
            self._thread.join(5)

    def _displace(self, known: Retrieval) -> None:
        """To the front of the queue; the one that runs goes back to it."""
        rest = {number: r for number, r in self._all.items() if number != known.number}
        self._all = {known.number: known, **rest}
        if self._running is not None:
            running, cancel = self._running
            cancel.request()
            if (other := self._all.get(running)) is not None and other.state == "running":
                self._put(replace(other, state="waiting"))

    def _next(self) -> None:
        """Begin with the first that waits, once nothing runs."""
        waiting = next((r for r in self._all.values() if r.state == "waiting"), None)
        if self._running is not None or waiting is None:
            return
        cancel = Cancel()
        self._running = waiting.number, cancel
        self._put(replace(waiting, state="running"))
        self._clock.start()
        arguments = (waiting, cancel)
        self._thread = threading.Thread(target=self._run, args=arguments, name="retrieving", daemon=True)
        self._thread.start()

    def _run(self, wanted: Retrieval, cancel: Cancel) -> None:
        try:
            self._bring(wanted, cancel)
            self._over.emit(cancel, "")
        except Cancelled:
            self._over.emit(cancel, "")
        except MedReasonError as error:
            self._over.emit(cancel, sentence(error))
        except OSError as error:
            reason = error.strerror or "no reason given"
            self._over.emit(cancel, f"What arrives cannot be kept on this workstation ({reason}).")
        except Exception as error:  # the thread's boundary; a traceback could hold a patient's name
            log.error("A retrieve failed: %s", type(error).__name__)  # noqa: TRY400
            self._over.emit(cancel, FAULT)

    def _bring(self, wanted: Retrieval, cancel: Cancel) -> None:
        inbox, study, uid = self._inbox(), wanted.study, wanted.series_uid
        here = retrieved(inbox, wanted.server.name, study).path
        if next(here.glob("*.dcm"), None) is not None:
            self._now = cancel, 0, 0, here  # what was brought earlier can be looked at meanwhile
        archive = self._sources.archive(wanted.server)
        with self._aside(wanted.server):
            for arrived in retrieve(archive, study, inbox, series_uid=uid, cancel=cancel):
                self._now = cancel, arrived.done, arrived.total, here

    def _progress(self) -> None:
        """How far the thread is, looked at now and then: it may well be faster than a window is painted."""
        now, running = self._now, self._running
        if now is None or running is None or now[0] is not running[1]:
            return
        known = self._all.get(running[0])
        if known is not None and known.state == "running" and known != (later := known.at(*now[1:])):
            self._put(later)

    @Slot(object, str)
    def _end(self, cancel: Cancel, reason: str) -> None:
        if self._running is None or self._running[1] is not cancel:
            return
        self._progress()
        known = self._all.get(self._running[0])
        self._running = None
        self._clock.stop()
        if known is not None and known.state == "running":
            self._put(replace(known, state="failed" if reason else "done", reason=reason))
        self._next()

    def _put(self, retrieval: Retrieval) -> None:
        self._all[retrieval.number] = retrieval
        self.changed.emit(retrieval)

    def _forget_old(self) -> None:
        over = [number for number, each in self._all.items() if each.over]
        for number in over[: max(len(self._all) - _MOST_REMEMBERED, 0)]:
            del self._all[number]
