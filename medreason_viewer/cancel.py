"""One way to stop long work: the worker asks, the user requests."""

from __future__ import annotations

import threading

from .errors import Cancelled


class Cancel:
    """A token shared by whoever started a piece of work and whoever does it; safe across threads."""

    def __init__(self) -> None:
        self._event = threading.Event()

    @property
    def requested(self) -> bool:
        """Whether the user wants the work to stop."""
        return self._event.is_set()

    def request(self) -> None:
        """Ask the work to stop at its next check."""
        self._event.set()

    def check(self) -> None:
        """Raise :class:`~medreason_viewer.errors.Cancelled` if a stop was requested."""
        if self.requested:
            raise Cancelled
