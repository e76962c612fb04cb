"""Headers of NIfTI, NRRD and MetaImage files, read by one child process for a whole scan, under limits.

A header that kills the child, or keeps it longer than the deadline, costs its own file only.
"""

from __future__ import annotations

import contextlib
import queue
import time
from pathlib import Path
from types import TracebackType
from typing import Final

from ...cancel import Cancel
from ...errors import UnreadableFile
from ..grids.facts import FACTS_BYTES, GridFacts
from ..series import Format
from .grid_header_child import encode_question
from .process import ListenedProcess
from .wire import Reply

_DEADLINE_S: Final = 10.0
_START_S: Final = 20.0  # an interpreter and SimpleITK, on a machine that is busy
_MEMORY_BYTES: Final = 512 * 1024 * 1024
_CHECK_S: Final = 0.05


class GridHeaders:
    """Reads headers one after the other; a context manager, whose end ends the child.

    The child is started by the first header. Use it in one thread.

    Parameters
    ----------
    cancel : Cancel, optional
        Heard within a twentieth of a second, whatever the child does.
    """

    def __init__(self, cancel: Cancel | None = None, deadline_s: float = _DEADLINE_S) -> None:
        self._cancel, self._deadline_s = cancel or Cancel(), deadline_s
        self._child: _Child | None = None

    def __enter__(self) -> GridHeaders:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.end()
            self._child = None

    def read(self, path: Path, kind: Format) -> GridFacts:
        """What the header says.

        Raises
        ------
        UnreadableFile
            If it is damaged, or costs more memory or time than it may.
        Cancelled
            If a stop was requested.
        """
        first = self._child is None
        self._child = self._child or _Child()
        deadline_s = self._deadline_s + (_START_S if first else 0.0)
        try:
            reply = self._child.ask(path, kind, deadline_s, self._cancel)
            facts = self._child.take(reply)
        except ValueError:
            self.close()
            raise UnreadableFile(path, "reading its header took more memory or time than it may") from None
        if facts is None:
            raise UnreadableFile(path, reply.text or "its header is damaged")
        return facts


class _Child:
    """The process, and the order of questions and answers."""

    def __init__(self) -> None:
        self._replies: queue.SimpleQueue[Reply | None] = queue.SimpleQueue()
        self._ticket = 0
        self._process = ListenedProcess("grid_header_child", 1, FACTS_BYTES, _MEMORY_BYTES, self._replies.put)

    def ask(self, path: Path, kind: Format, deadline_s: float, cancel: Cancel) -> Reply:
        """One answer; ValueError if none comes in time, or one to another question."""
        self._ticket += 1
        self._process.send(encode_question(self._ticket, path, kind, deadline_s))
        due = time.monotonic() + deadline_s
        while time.monotonic() < due:
            cancel.check()
            with contextlib.suppress(queue.Empty):
                reply = self._replies.get(timeout=_CHECK_S)
                if reply is None or reply.ticket != self._ticket:
                    break
                return reply
        raise ValueError("no answer")

    def take(self, reply: Reply) -> GridFacts | None:
        """The facts of an answer; None where it is a refusal, ValueError where it makes no sense."""
        if not reply.good:
            return None
        with self._process.ring.slot(0, FACTS_BYTES) as slot:
            return GridFacts.decode(bytes(slot))

    def end(self) -> None:
        """Kill it and give back all it held."""
        self._process.end()
