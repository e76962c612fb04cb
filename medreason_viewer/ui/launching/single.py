"""One window per user and desktop: a lock says who it is, a socket of the user's own reaches it.

No network: a Unix socket in a folder that only the user can enter, on Windows a pipe for the user alone.
"""

from __future__ import annotations

import json
import logging
import time
from typing import Final

from PySide6.QtCore import QLockFile, QObject, QTimer, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from ...errors import LaunchRefused
from .place import MeetingPlace
from .request import LARGEST, LaunchRequest

log = logging.getLogger(__name__)

_STARTING_S: Final = 30.0  # for a window that is just starting to listen, on a slow machine
_ANSWER_S: Final = 5.0  # for one that listens
_PAUSE_S: Final = 0.05
_SLOWEST_MS: Final = 5000  # for a caller to say what it wants
_MOST_CALLERS: Final = 8
_NO_ANSWER: Final = (
    "MedReason Viewer is open already, but its window does not answer: close it, or start with --new-window."
)
_YES: Final = b'{"ok": true}\n'


class Claim:
    """That this process has the one window; held until :meth:`release`."""

    def __init__(self, place: MeetingPlace, lock: QLockFile) -> None:
        self.place, self._lock = place, lock

    def release(self) -> None:
        """Let another start have the window."""
        self._lock.unlock()


def claim_or_hand_over(
    request: LaunchRequest,
    place: MeetingPlace,
    *,
    starting_s: float = _STARTING_S,
    answer_s: float = _ANSWER_S,
) -> Claim | None:
    """Become the one window, or hand the request to the one there is (None).

    Waits ``starting_s`` for one that is just starting or ending, and ``answer_s`` for its answer.

    Raises
    ------
    LaunchRefused
        If it does not answer, or refuses.
    """
    lock = QLockFile(str(place.lock))
    lock.setStaleLockTime(0)  # however old: only that its process is gone makes it stale
    until = time.monotonic() + starting_s
    while True:
        if lock.tryLock(0):
            return Claim(place, lock)
        if lock.error() != QLockFile.LockError.LockFailedError:
            raise LaunchRefused("No lock file could be written, so that this program cannot be started once.")
        if _handed_over(request, place, answer_s):
            return None
        if time.monotonic() > until:
            raise LaunchRefused(_NO_ANSWER)
        time.sleep(_PAUSE_S)


def _handed_over(request: LaunchRequest, place: MeetingPlace, answer_s: float) -> bool:
    """Whether the running window has taken the request; False where nobody listens (yet)."""
    caller = QLocalSocket()
    caller.connectToServer(place.socket)
    if not caller.waitForConnected(500):
        return False
    caller.write(request.to_line())
    heard, until = b"", time.monotonic() + answer_s
    while b"\n" not in heard and len(heard) < LARGEST:
        left_ms = round(1000 * (until - time.monotonic()))
        if left_ms <= 0 or not (caller.bytesAvailable() or caller.waitForReadyRead(left_ms)):
            break
        heard += bytes(caller.readAll().data())
    caller.abort()
    if heard == _YES:
        return True
    raise LaunchRefused(_NO_ANSWER if not heard else _reason(heard))


def _reason(heard: bytes) -> str:
    try:
        return str(json.loads(heard)["refused"])
    except (ValueError, KeyError, TypeError):
        return _NO_ANSWER


class Doorkeeper(QObject):
    """Listens for other starts of the program while the window is open.

    Signals
    -------
    asked : LaunchRequest
    """

    asked = Signal(object)

    def __init__(self, claim: Claim, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._claim = claim
        self._callers: dict[QLocalSocket, bytes] = {}
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._answer_the_door)
        QLocalServer.removeServer(claim.place.socket)  # what a killed window left; the lock says it is gone
        if not self._server.listen(claim.place.socket):
            log.warning("other starts cannot reach this window: %s", self._server.serverError().name)

    def close(self) -> None:
        """Listen no more, and let another start have the window."""
        self._server.close()
        for caller in list(self._callers):
            self._part_from(caller)
        self._claim.release()

    def _answer_the_door(self) -> None:
        while (caller := self._server.nextPendingConnection()) is not None:
            if len(self._callers) >= _MOST_CALLERS:
                caller.abort()
                continue
            self._callers[caller] = b""
            caller.readyRead.connect(lambda caller=caller: self._hear(caller))
            caller.disconnected.connect(lambda caller=caller: self._part_from(caller))
            QTimer.singleShot(_SLOWEST_MS, caller, caller.abort)
            self._hear(caller)

    def _hear(self, caller: QLocalSocket) -> None:
        if caller not in self._callers:
            return
        self._callers[caller] += bytes(caller.read(LARGEST).data())
        heard = self._callers[caller]
        if b"\n" not in heard and len(heard) < LARGEST:
            return
        try:
            request = LaunchRequest.of_line(heard[:LARGEST])
        except LaunchRefused as refusal:
            self._reply(caller, json.dumps({"refused": str(refusal)}).encode("ascii") + b"\n")
            return
        self._reply(caller, _YES)
        self.asked.emit(request)

    def _reply(self, caller: QLocalSocket, line: bytes) -> None:
        self._callers.pop(caller, None)
        caller.write(line)
        caller.flush()
        caller.disconnectFromServer()

    def _part_from(self, caller: QLocalSocket) -> None:
        self._callers.pop(caller, None)
        caller.deleteLater()
