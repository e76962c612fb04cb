"""One decoding process as the viewer sees it: started, asked, listened to, ended."""

from __future__ import annotations

import math
import queue
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..series import Frame
from .pixels import NotCtPixels, Stored, check_fits, check_layout
from .process import ListenedProcess
from .wire import Reply, Request

DEPTH: Final = 2  # frames in a child's hands: one being decoded, one waiting for it


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
        self._free = list(range(DEPTH))
        self._asked: deque[tuple[Request, Job]] = deque()
        self._due = time.monotonic() + limits.start_s
        self.ready = False
        memory = limits.memory_bytes + 16 * slot_bytes
        self._process = ListenedProcess(
            "decoders", DEPTH, slot_bytes, memory, lambda reply: replies.put((self, reply))
        )

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
        if layout.rows * layout.cols * 2 != job.out.nbytes or job.out.nbytes > self._process.ring.slot_bytes:
            raise NotCtPixels("its size differs from the other slices'")
        offset, count = place
        patience = self._limits.deadline_s + self._limits.start_s
        request = Request(
            ticket, self._free.pop(), str(job.frame.path), offset, job.frame.number, count, patience, layout
        )
        if not self._asked and self.ready:
            self._due = time.monotonic() + self._limits.deadline_s
        self._asked.append((request, job))
        self._process.send(request.encode())

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
            with self._process.ring.slot(request.slot, reply.size) as slot:
                pixels = np.frombuffer(slot, job.out.dtype).reshape(job.out.shape)
                np.copyto(job.out, pixels)
                del pixels
        self._asked.popleft()
        self._free.append(request.slot)
        self._due = time.monotonic() + self._limits.deadline_s
        return job, "" if reply.good else reply.text or "its pixels are damaged"

    def end(self) -> list[Job]:
        """Kill it and give back all it held; returns the frames it still had, oldest first."""
        self._process.end()
        return [job for _, job in self._asked]
