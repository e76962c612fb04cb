"""The store receiver while the window is open: listens where it is switched on, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Literal

from PySide6.QtCore import QObject, Qt, Signal

from ...errors import MedReasonError
from ...network.inbox import Inbox
from ...servers import Receiver, Server

log = logging.getLogger(__name__)

State = Literal["off", "starting", "on", "failed"]

_FAULT: Final = "The store receiver cannot listen, because of a fault in the program."
_ASIDE_S: Final = 40.0  # longer than the receiver itself waits for those it is talking to


class Listening(QObject):
    """Switches the receiver on and off.

    Parameters
    ----------
    inbox : callable
        Gives the folder for what arrives; called in the thread.

    Attributes
    ----------
    state : str
    receiver : Receiver
        The one it is about.
    problem : str
        Why it failed.

    Signals
    -------
    changed
        Another state.
    arrived(Pushed)
        An object is on disk.
    """

    changed = Signal()
    arrived = Signal(object)
    _became = Signal(str, str)

    def __init__(self, inbox: Callable[[], Inbox], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._inbox = inbox
        self.state: State = "off"
        self.problem = ""
        self.receiver = Receiver()
        self._wanted = Receiver()  # what follows is shared with the thread, under the condition
        self._turn = threading.Condition()
        self._aside, self._open, self._closing = 0, False, False
        self._thread: threading.Thread | None = None
        self._became.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def use(self, receiver: Receiver) -> None:
        """Listen as this one says, or not."""
        self.receiver = receiver
        if receiver.on and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="archive listening", daemon=True)
            self._thread.start()
        with self._turn:
            self._wanted = receiver
            self._turn.notify_all()
        self._show("starting" if receiver.on else "off", "")

    @contextmanager
    def stepping_aside(self, server: Server) -> Iterator[None]:
        """For threads: free the port while that server sends to us in answer to C-MOVE."""
        if server.kind != "dimse" or server.retrieve_by != "move":
            yield
            return
        with self._turn:
            self._aside += 1
            self._turn.notify_all()
            self._turn.wait_for(lambda: not self._open, _ASIDE_S)
        try:
            yield
        finally:
            with self._turn:
                self._aside -= 1
                self._turn.notify_all()

    def close(self) -> None:
        """Listen no more, and wait for the thread."""
        with self._turn:
            self._closing = True
            self._turn.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (receiver := self._next()) is not None:
            try:
                self._listen(receiver)
            except (MedReasonError, OSError) as error:
                self._give_up(receiver, str(error))
            except Exception as error:  # the thread's boundary
                log.error("Listening failed: %s", type(error).__name__)  # noqa: TRY400
                self._give_up(receiver, _FAULT)
            self._be_closed()

    def _next(self) -> Receiver | None:
        """The receiver to listen as; None where it is time to end."""
        with self._turn:
            self._turn.wait_for(lambda: self._closing or (self._wanted.on and not self._aside))
            self._open = not self._closing
            return None if self._closing else self._wanted

    def _listen(self, receiver: Receiver) -> None:
        from ...network.dimse.push import receiving  # pynetdicom is loaded where somebody listens

        with receiving(receiver, self._inbox(), self.arrived.emit):
            self._became.emit("on", "")
            with self._turn:
                self._turn.wait_for(lambda: self._over(receiver))

    def _give_up(self, receiver: Receiver, problem: str) -> None:
        """Say so, and wait until something else is wanted."""
        self._became.emit("failed", problem)
        self._be_closed()
        with self._turn:
            self._turn.wait_for(lambda: self._over(receiver))

    def _be_closed(self) -> None:
        with self._turn:
            self._open = False
            self._turn.notify_all()

    def _over(self, receiver: Receiver) -> bool:
        return self._closing or bool(self._aside) or self._wanted != receiver

    def _show(self, state: State, problem: str) -> None:
        if state in ("on", "failed") and not self.receiver.on:
            return  # it was switched off meanwhile
        self.state, self.problem = state, problem
        self.changed.emit()
