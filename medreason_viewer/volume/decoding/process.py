"""Child processes that read for the viewer: started with memory shared, listened to, ended."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from .wire import Reply, Ring, Start, read_reply

_ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
_ROOT: Final = Path(__file__).parents[3]  # where this very program is imported from


class ListenedProcess:
    """A child that answers questions, and a ring of memory shared with it.

    Parameters
    ----------
    module : str
        Of this package; it is told a :class:`.wire.Start`.
    slots, slot_bytes : int
        Of the ring.
    memory_bytes : int
        Address space that the child may add to what its libraries take.
    heard : callable
        Given each reply, and None when the child is gone, in a thread of their own.
    """

    def __init__(
        self,
        module: str,
        slots: int,
        slot_bytes: int,
        memory_bytes: int,
        heard: Callable[[Reply | None], None],
    ) -> None:
        self.ring = Ring(slots, slot_bytes)
        start = Start(self.ring.name, slots, slot_bytes, memory_bytes, os.getpid())
        self._process = spawn(module, (start.encode(),), self.ring.descriptor)
        self._listener = threading.Thread(target=self._listen, args=(heard,), daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def send(self, message: bytes) -> None:
        """Ask it; where it is gone, its listener says so."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(message)
            self._process.stdin.flush()

    def end(self) -> None:
        """Kill it and give back all it held."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.ring.close()

    def _listen(self, heard: Callable[[Reply | None], None]) -> None:
        assert self._process.stdout is not None
        while True:
            reply = read_reply(self._process.stdout.fileno())
            heard(reply)
            if reply is None:
                return


def spawn(module: str, arguments: tuple[str, ...], shared: int) -> subprocess.Popen[bytes]:
    """Run a module of this package in a fresh interpreter, with a descriptor of shared memory.

    No fork of a process that has threads, and no module out of the current folder, which may be anyone's.
    """
    system: dict[str, Any] = {"pass_fds": (shared,)}
    if sys.platform == "win32":
        system = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS}
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
    one = dict.fromkeys(_ONE_THREAD, "1")
    return subprocess.Popen(
        [sys.executable, "-P", "-m", f"{__package__}.{module}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what codecs print may hold what they read
        env={**os.environ, **one, "PYTHONPATH": path},
        **system,
    )
