"""Compressed frames, decoded by child processes under limits; the parent checks every reply and copies.

A child that dies, hangs or talks nonsense costs its frame, which is named with a reason, and is replaced.
Pixels come back through shared memory whose size the parent chose; nothing is unpickled.
"""

from __future__ import annotations

import logging
import os
import queue
import time
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final, NamedTuple

from ..cancel import Cancel
from ..errors import UnreadableFile
from .decoding.child import Child, Job, Limits, Replies
from .decoding.pixels import NotCtPixels
from .decoding.wire import READY, Reply
from .dicom.names import DEFLATED, FRAME_COUNT
from .dicom.tags import NotDicom, read_tags
from .series import Frame

__all__ = ["DecodePool", "Job", "Limits", "Result", "place_of"]

log = logging.getLogger(__name__)

_MOST_DEATHS: Final = 20  # of one pool; after that its frames fail without another try
_CHECK_S: Final = 0.05  # how often a stop is looked for while nothing arrives
_DIED: Final = "its pixels could not be decoded (the decoder stopped)"


class Result(NamedTuple):
    """What became of a job: ``reason`` is None where ``job.out`` now holds the pixels, else a clause."""

    job: Job
    reason: str | None


def place_of(frame: Frame) -> tuple[int | None, int]:
    """Where the value of a frame's Pixel Data begins, and how many frames its file has.

    The place is None where only a full parser finds it.

    Raises
    ------
    UnreadableFile
        If the file is gone or cut.
    """
    if frame.layout.transfer_syntax == DEFLATED:
        return None, frame.number
    try:
        tags = read_tags(frame.path, frozenset((FRAME_COUNT,)))
    except (NotDicom, OSError):
        raise UnreadableFile(frame.path, "it cannot be read any more") from None
    count = max(frame.number, tags.integer(FRAME_COUNT) or 1)
    return (tags.pixels.offset if tags.pixels else None), count


class DecodePool:
    """Decodes frames in parallel.

    A context manager; leaving it ends the children. Use it in one thread: on Linux the children end with
    the thread that started them.

    Parameters
    ----------
    rows, cols : int
        Size of the largest frame; one that is larger is refused.
    workers : int, optional
        How many processes; by default as many as there are processors, at most 8.
    limits : Limits, optional
    """

    def __init__(
        self, rows: int, cols: int, workers: int | None = None, limits: Limits | None = None
    ) -> None:
        self._limits = limits or Limits()
        self._slot_bytes = rows * cols * 2
        self._workers = workers or max(1, min(os.cpu_count() or 1, 8))
        self._children: list[Child] = []
        self._replies: Replies = queue.SimpleQueue()
        self._again: deque[Job] = deque()
        self._ticket = 0
        self._deaths = 0

    def __enter__(self) -> DecodePool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the children."""
        for child in self._children:
            child.end()
        self._children.clear()

    @property
    def pids(self) -> list[int]:
        """Process ids of the children that are running."""
        return [child.pid for child in self._children]

    def decode(self, jobs: Iterable[Job], cancel: Cancel | None = None) -> Iterator[Result]:
        """Decode frames; results come as they are ready, about in the order of the jobs.

        ``jobs`` is drawn from only when a child has room, so that their order may change meanwhile. A
        requested stop raises Cancelled within a twentieth of a second.
        """
        waiting, cancel = iter(jobs), cancel or Cancel()
        while True:
            yield from self._give_out(waiting)
            if not any(child.busy for child in self._children):
                return
            cancel.check()
            yield from self._settle()

    def _give_out(self, waiting: Iterator[Job]) -> Iterator[Result]:
        """Fill the children's hands; yields the jobs that no child needs to see."""
        while self._has_room():
            job = self._again.popleft() if self._again else next(waiting, None)
            if job is None:
                return
            if self._gave_up:
                yield Result(job, _DIED)
                continue
            try:
                self._ticket += 1
                self._with_room().ask(self._ticket, job, place_of(job.frame))
            except NotCtPixels as refused:
                yield Result(job, str(refused))
            except UnreadableFile as unreadable:
                yield Result(job, unreadable.reason)

    @property
    def _gave_up(self) -> bool:
        return self._deaths > _MOST_DEATHS

    def _has_room(self) -> bool:
        roomy = len(self._children) < self._workers or any(child.has_room for child in self._children)
        return roomy or self._gave_up

    def _with_room(self) -> Child:
        """An idle child, a new one, or the least busy one."""
        least = min(self._children, key=lambda child: child.busy, default=None)
        if least is None or (least.busy and len(self._children) < self._workers):
            least = Child(self._slot_bytes, self._limits, self._replies)
            self._children.append(least)
        return least

    def _settle(self) -> Iterator[Result]:
        """Wait for one reply, or for a child to be overdue."""
        try:
            child, reply = self._replies.get(timeout=_CHECK_S)
        except queue.Empty:
            yield from self._end_overdue()
            return
        if child not in self._children:
            return  # the last words of one that was ended
        if reply is None:
            yield from self._bury(child, _DIED)
        elif reply.ticket == READY:
            child.started()
        else:
            yield from self._take(child, reply)

    def _take(self, child: Child, reply: Reply) -> Iterator[Result]:
        taken = child.take(reply)
        if taken is None:
            yield from self._bury(child, _DIED)
            return
        job, reason = taken
        yield Result(job, reason or None)

    def _end_overdue(self) -> Iterator[Result]:
        now = time.monotonic()
        late = f"its pixels took longer than {self._limits.deadline_s:g} s to decode"
        for child in [child for child in self._children if child.due < now]:
            yield from self._bury(child, late)

    def _bury(self, child: Child, reason: str) -> Iterator[Result]:
        """End a child: the frame it was at has failed, those it had not begun are given out again."""
        self._children.remove(child)
        left = child.end()
        self._deaths += 1
        log.warning("A decoder was ended (%d so far)", self._deaths)
        if child.ready and left:
            yield Result(left.pop(0), reason)
        self._again.extend(left)
