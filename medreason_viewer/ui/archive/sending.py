"""The queue of what is to be sent, at work while the window is open and resumed at its start."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Qt, Signal, Slot

from ...cancel import Cancel
from ...errors import Cancelled, MedReasonError
from ...network.outbox.delivery import deliver
from ...network.outbox.outbox import Batch, Outbox, Queued
from ...servers import Server
from .errands import FAULT, Errands
from .sources import Sources

log = logging.getLogger(__name__)

_POLL_S: Final = 1.0
_INTERVAL_S: Final = 0.1
_LAST_WORDS_S: Final = 10.0  # for copies that are being made when the window closes


class Sending(QObject):
    """Sends what is due, and tells how far it is.

    Parameters
    ----------
    root : Path, optional
        Of the queue; by default the user's.

    Attributes
    ----------
    batches : tuple of Batch
        Those that are not through, and those that came through since the window was opened; newest first.
    titles : dict of str to str
        What a batch is, in words, by its name; known of this session's alone, for the queue names nobody.

    Signals
    -------
    changed
        Other batches, or further on.
    copied
        One lot less is being copied into the queue.
    told, failed(str)
        What was queued; why something was not.
    """

    changed = Signal()
    copied = Signal()
    told = Signal(str)
    failed = Signal(str)
    _seen = Signal(object)

    def __init__(self, sources: Sources, root: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sources, self._root = sources, root
        self._errands = Errands(self)
        self._stop, self._wake = Cancel(), threading.Event()
        self._thread: threading.Thread | None = None
        self._of_session: set[str] = set()
        self._copying = 0
        self._no_copies = Cancel()
        self.batches: tuple[Batch, ...] = ()
        self.titles: dict[str, str] = {}
        self._seen.connect(self._take, Qt.ConnectionType.QueuedConnection)

    @property
    def copying(self) -> int:
        """Lots that are still being copied into the queue, and wanted there."""
        return 0 if self._no_copies.requested else self._copying

    @property
    def waiting(self) -> int:
        """Objects that wait."""
        return sum(batch.waiting for batch in self.batches)

    @property
    def refused(self) -> int:
        """Objects that an archive does not want."""
        return sum(batch.refused for batch in self.batches)

    def start(self) -> None:
        """Go on with what waits; without a queue there is nothing to do."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="archive sending", daemon=True)
            self._thread.start()

    def send(self, server: Server, files: Sequence[Path], title: str, *, again: bool = False) -> None:
        """Put files into the queue; told once they are in it."""

        def add() -> Queued:
            with Outbox(self._root) as outbox:
                return outbox.add(server.name, files, again=again, cancel=self._no_copies)

        self._copying += 1
        self._errands.run(add, partial(self._queued, server, title), self._not_queued)

    def give_up_copying(self) -> None:
        """Let nothing more come into the queue: a lot that is not in it as a whole is not sent."""
        self._no_copies.request()

    def retry(self, batch: str) -> None:
        """Try at once, also what was refused."""
        self._change(lambda outbox: outbox.retry(batch))

    def drop(self, batch: str) -> None:
        """Give up what of it was not sent."""
        self._change(lambda outbox: outbox.drop(batch))

    def close(self) -> None:
        """Let copies be finished, stop, and wait for the threads; what waits goes on waiting."""
        closing = threading.Timer(_LAST_WORDS_S, self.give_up_copying)
        closing.start()
        self._errands.close()
        closing.cancel()
        self._stop.request()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _change(self, change: Callable[[Outbox], None]) -> None:

        def work() -> None:
            with Outbox(self._root) as outbox:
                change(outbox)

        self._errands.run(work, lambda _none: self._wake.set(), self.failed.emit)

    def _queued(self, server: Server, title: str, queued: Queued) -> None:
        self.titles[queued.batch] = title
        self._of_session.add(queued.batch)
        self.start()
        self._wake.set()
        self.told.emit(_words(server, queued))
        self._one_less()

    def _not_queued(self, text: str) -> None:
        self.failed.emit(text)
        self._one_less()

    def _one_less(self) -> None:
        self._copying -= 1
        self.copied.emit()

    def _run(self) -> None:
        try:
            with Outbox(self._root) as outbox:
                self._serve(outbox)
        except (MedReasonError, OSError) as error:
            self.failed.emit(str(error))

    def _serve(self, outbox: Outbox) -> None:
        while not self._stop.requested:
            try:
                self._deliver(outbox)
            except Cancelled:
                return
            except MedReasonError as error:
                self.failed.emit(str(error))
            except Exception as error:  # the thread's boundary
                log.error("Sending failed: %s", type(error).__name__)  # noqa: TRY400
                self.failed.emit(FAULT)
            self._wake.wait(_POLL_S)
            self._wake.clear()

    def _deliver(self, outbox: Outbox) -> None:
        self._seen.emit(outbox.batches())
        due = outbox.next_due()
        if due is None or due > time.time():
            return
        told = 0.0
        for _ in deliver(outbox, self._sources.named, self._stop):
            if time.monotonic() - told >= _INTERVAL_S:
                self._seen.emit(outbox.batches())
                told = time.monotonic()
        self._seen.emit(outbox.batches())

    @Slot(object)
    def _take(self, batches: list[Batch]) -> None:
        self._of_session |= {batch.batch for batch in batches if batch.waiting or batch.refused}
        shown = tuple(batch for batch in batches if batch.batch in self._of_session)
        if shown != self.batches:
            self.batches = shown
            self.changed.emit()


def _words(server: Server, queued: Queued) -> str:
    passed = len(queued.unreadable)
    parts = [f"{queued.waiting} to be sent to {server.name}"] if queued.waiting else []
    parts += [f"{queued.known} it has already, or they wait"] if queued.known else []
    parts += [f"{passed} passed over: no DICOM"] if passed else []
    return "; ".join(parts) + "." if parts else "There was nothing to send."
