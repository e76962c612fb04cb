"""Asking an archive off the GUI thread: what it finds comes in pieces, and only the last search counts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from PySide6.QtCore import QObject, Qt, Signal, Slot

from ...cancel import Cancel
from ...errors import Cancelled, MedReasonError
from .advice import sentence
from .errands import FAULT

log = logging.getLogger(__name__)

Ask = Callable[[Cancel], Iterator[object]]
_INTERVAL_S: Final = 0.05


class Searching(QObject):
    """One search at a time; one that is no longer wanted ends unheard.

    Signals
    -------
    found(list)
        More of the search under way.
    ended(str)
        The search is over: a sentence why it failed, or empty. Not told of one that was cancelled.
    """

    found = Signal(list)
    ended = Signal(str)
    _came = Signal(object, list)
    _over = Signal(object, str)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._cancel: Cancel | None = None
        self._threads: list[threading.Thread] = []
        self._came.connect(self._take, Qt.ConnectionType.QueuedConnection)
        self._over.connect(self._end, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether a search is under way."""
        return self._cancel is not None

    def search(self, ask: Ask) -> None:
        """Ask, instead of whatever is being asked; ``ask`` is called in the thread."""
        self.cancel()
        self._cancel = Cancel()
        thread = threading.Thread(target=self._run, args=(ask, self._cancel), name=self._name, daemon=True)
        self._threads = [*(old for old in self._threads if old.is_alive()), thread]
        thread.start()

    def cancel(self) -> None:
        """Ask no further."""
        if self._cancel is not None:
            self._cancel.request()
            self._cancel = None

    def close(self) -> None:
        """Stop and wait for the threads."""
        self.cancel()
        for thread in self._threads:
            thread.join(5)

    def _run(self, ask: Ask, cancel: Cancel) -> None:
        try:
            self._pass_on(ask(cancel), cancel)
            self._over.emit(cancel, "")
        except Cancelled:
            pass
        except MedReasonError as error:
            self._over.emit(cancel, sentence(error))
        except Exception as error:  # the thread's boundary; a traceback could hold a patient's name
            log.error("A search failed: %s", type(error).__name__)  # noqa: TRY400
            self._over.emit(cancel, FAULT)

    def _pass_on(self, answers: Iterator[object], cancel: Cancel) -> None:
        batch: list[object] = []
        told = 0.0
        for answer in answers:
            cancel.check()
            batch.append(answer)
            if time.monotonic() - told >= _INTERVAL_S:
                self._came.emit(cancel, batch)
                batch, told = [], time.monotonic()
        self._came.emit(cancel, batch)

    @Slot(object, list)
    def _take(self, cancel: Cancel, batch: list[object]) -> None:
        if cancel is self._cancel and batch:
            self.found.emit(batch)

    @Slot(object, str)
    def _end(self, cancel: Cancel, text: str) -> None:
        if cancel is self._cancel:
            self._cancel = None
            self.ended.emit(text)
