"""The journal's own thread: a window hands over an event and goes on.

The event is *pending* until it is on disk. Whoever calls never waits for a disk or a keyring. Events that
gather while the disk is busy are written in one go, so that a slow disk does not build up a queue.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from ...errors import JournalError
from .journal import Journal, Receipt
from .subject import Event

T = TypeVar("T")
_KEEP_AFTER_S: Final = 1.0
_KEEP_AT_LEAST_S: Final = 10.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Write:
    event: Event
    done: Future[Receipt]


@dataclass(frozen=True, slots=True)
class _Ask:
    question: Callable[[Journal], Any]
    done: Future[Any]


class JournalWriter:
    """Writes and reads a journal on a thread of its own; every method may be called from any thread.

    Futures are fulfilled, and their callbacks run, on the journal's thread: a window passes them on by a
    signal.

    Parameters
    ----------
    open_journal : callable
        Opens the journal; called on the journal's thread, for a keyring may ask for its password.

    Attributes
    ----------
    opened : Future of None
        Fulfilled once the journal is open; fails with the JournalError that a reader should see. Everything
        handed over then fails with it too.
    """

    def __init__(self, open_journal: Callable[[], Journal] = Journal.open) -> None:
        self.opened: Future[None] = Future()
        self._open = open_journal
        self._queue: queue.SimpleQueue[_Write | _Ask | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pending = 0
        self._closed = False
        self._kept_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def pending(self) -> int:
        """How many events were handed over and are not on the disk yet."""
        return self._pending

    def write(self, event: Event) -> Future[Receipt]:
        """Hand over an event; returns at once.

        Returns
        -------
        Future of Receipt
            Done once the event is on the disk. Fails with JournalError if it cannot be written: it is then
            not in the journal, and may be handed over again.

        Raises
        ------
        JournalError
            If the journal was closed.
        """
        done: Future[Receipt] = _future()
        with self._lock:
            self._refuse_closed()
            self._pending += 1
            self._queue.put(_Write(event, done))
        return done

    def ask(self, question: Callable[[Journal], T]) -> Future[T]:
        """Read (or erase) on the journal's thread, after everything that was handed over before.

        ``writer.ask(lambda journal: journal.findings(unfinished=True))``

        Raises
        ------
        JournalError
            If the journal was closed.
        """
        done: Future[T] = _future()
        with self._lock:
            self._refuse_closed()
            self._queue.put(_Ask(question, done))
        return done

    def close(self, timeout_s: float | None = None) -> bool:
        """Write what is pending, keep the head, close the file; returns whether that was done in time."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise JournalError("The journal is closed.")

    def _run(self) -> None:
        try:
            journal = self._open()
        except Exception as error:
            self._refuse_all(error)
            return
        self.opened.set_result(None)
        try:
            while self._serve(journal):
                pass
        finally:
            journal.close()

    def _serve(self, journal: Journal) -> bool:
        """One turn: writes that have gathered, or one question; False at the end."""
        try:
            first = self._queue.get(timeout=_KEEP_AFTER_S)
        except queue.Empty:
            self._keep(journal)
            return True
        writes: list[_Write] = []
        item: _Write | _Ask | None = first
        while isinstance(item, _Write):
            writes.append(item)
            item = self._next()
        self._write(journal, writes)
        if isinstance(item, _Ask):
            _answer(item, journal)
        if time.monotonic() - self._kept_at > _KEEP_AT_LEAST_S:
            self._keep(journal)
        return not (item is None and self._closed and self._queue.empty())

    def _next(self) -> _Write | _Ask | None:
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            return None

    def _write(self, journal: Journal, writes: list[_Write]) -> None:
        if not writes:
            return
        outcomes: list[Receipt | Exception]
        try:
            outcomes = journal.append_all([write.event for write in writes])
        except Exception as error:
            outcomes = [error] * len(writes)
        for write, outcome in zip(writes, outcomes, strict=True):
            self._settle(write, outcome)

    def _settle(self, write: _Write, outcome: Receipt | Exception) -> None:
        with self._lock:
            self._pending -= 1
        if isinstance(outcome, Exception):
            write.done.set_exception(outcome)
        else:
            write.done.set_result(outcome)

    def _keep(self, journal: Journal) -> None:
        self._kept_at = time.monotonic()
        try:
            journal.keep_head()
        except JournalError as error:
            _log.warning("The journal's head was not kept: %s", error)

    def _refuse_all(self, error: Exception) -> None:
        """The journal did not open: tell everybody who hands something over, until it is closed."""
        self.opened.set_exception(error)
        while (item := self._queue.get()) is not None:
            if isinstance(item, _Write):
                self._settle(item, error)
            else:
                item.done.set_exception(error)


def _future() -> Future[Any]:
    """One that cannot be cancelled: what was handed over is written."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    return future


def _answer(item: _Ask, journal: Journal) -> None:
    try:
        item.done.set_result(item.question(journal))
    except Exception as error:
        item.done.set_exception(error)
