"""One decoding process as the viewer sees it: started, asked, listened to, ended."""

from __future__ import annotations

import contextlib
import math
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..series import Frame
from .pixels import NotCtPixels, Stored, check_fits, check_layout
from .wire import Reply, Request, Ring, Start, read_reply

DEPTH: Final = 2  # frames in a child's hands: one being decoded, one waiting for it
_ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
_ROOT: Final = Path(__file__).parents[3]  # where this very program is imported from


@dataclass(frozen=True, slots=True)
class Limits:
    """What one frame may cost.

    Attributes
    ----------
    deadline_s : float
        Seconds for one frame.
    start_s : float
        Seconds that a child may take to start, beside its first frame.
    memory_bytes : int
        Address space that a child may add to what its libraries take; 16 times the frame comes on top.
    """

    deadline_s: float = 10.0
    start_s: float = 20.0
    memory_bytes: int = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A frame to decode into ``out`` (int16 or uint16, shape (row, col)); ``index`` is the caller's own."""

    index: int
    frame: Frame
    out: Stored


Replies = queue.SimpleQueue[tuple["Child", Reply | None]]


class Child:
    """A decoding process. Its replies, and None when it is gone, arrive in ``replies``.

    Parameters
    ----------
    slot_bytes : int
        Bytes of the largest decoded frame.
    """

    def __init__(self, slot_bytes: int, limits: Limits, replies: Replies) -> None:
        self._limits = limits
        self._ring = Ring(DEPTH, slot_bytes)
        self._free = list(range(DEPTH))
        self._asked: deque[tuple[Request, Job]] = deque()
        self._due = time.monotonic() + limits.start_s
        self.ready = False
        memory = limits.memory_bytes + 16 * slot_bytes
        start = Start(self._ring.name, DEPTH, slot_bytes, memory, os.getpid())
        self._process = spawn("decoders", (start.encode(),), self._ring.descriptor)
        self._listener = threading.Thread(target=self._listen, args=(replies,), daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def busy(self) -> int:
        """How many frames it has in its hands."""
        return len(self._asked)

    @property
    def has_room(self) -> bool:
        """Whether it can be given another frame."""
        return bool(self._free)

    @property
    def due(self) -> float:
        """When (monotonic seconds) its next reply is overdue; infinite while it has nothing to do."""
        return self._due if self._asked or not self.ready else math.inf

    def ask(self, ticket: int, job: Job, place: tuple[int | None, int]) -> None:
        """Give it a frame; ``place`` is as of :func:`.decode.place_of`.

        Raises
        ------
        NotCtPixels
            If the frame is none that could be decoded into ``job.out``; nothing is asked then.
        """
        layout = job.frame.layout
        check_layout(layout)
        check_fits(layout, job.out)
        if layout.rows * layout.cols * 2 != job.out.nbytes or job.out.nbytes > self._ring.slot_bytes:
            raise NotCtPixels("its size differs from the other slices'")
        offset, count = place
        patience = self._limits.deadline_s + self._limits.start_s
        request = Request(
            ticket, self._free.pop(), str(job.frame.path), offset, job.frame.number, count, patience, layout
        )
        if not self._asked and self.ready:
            self._due = time.monotonic() + self._limits.deadline_s
        self._asked.append((request, job))
        self._send(request.encode())

    def _send(self, message: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it is gone, and its listener says so
            self._process.stdin.write(message)
            self._process.stdin.flush()

    def started(self) -> None:
        """It has said that it runs: time its first frame from now."""
        self.ready = True
        self._due = time.monotonic() + self._limits.deadline_s + self._limits.start_s  # a codec is imported

    def take(self, reply: Reply) -> tuple[Job, str] | None:
        """Copy the oldest frame's pixels out, if the reply is its; returns the job and why it failed.

        None if the reply makes no sense: then the child is not to be trusted any more.
        """
        if not self._asked or self._asked[0][0].ticket != reply.ticket:
            return None
        request, job = self._asked[0]
        if reply.good and reply.size != job.out.nbytes:
            return None
        if reply.good:
            with self._ring.slot(request.slot, reply.size) as slot:
                pixels = np.frombuffer(slot, job.out.dtype).reshape(job.out.shape)
                np.copyto(job.out, pixels)
                del pixels
        self._asked.popleft()
        self._free.append(request.slot)
        self._due = time.monotonic() + self._limits.deadline_s
        return job, "" if reply.good else reply.text or "its pixels are damaged"

    def end(self) -> list[Job]:
        """Kill it and give back all it held; returns the frames it still had, oldest first."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._ring.close()
        return [job for _, job in self._asked]

    def _listen(self, replies: Replies) -> None:
        assert self._process.stdout is not None
        while True:
            reply = read_reply(self._process.stdout.fileno())
            replies.put((self, reply))
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
