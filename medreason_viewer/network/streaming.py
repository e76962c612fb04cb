"""Files that arrive in a thread of their own -> a generator that also notices silence and a wish to stop."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ..cancel import Cancel
from ..errors import NetworkError

Put = Callable[[Path | None], None]
Work = Callable[[Put, Cancel], None]
"""Brings files: puts each, or None as a sign of life; ends soon after the token asks."""

_POLL_S: Final = 0.05


class _End:
    """The work is over, well or not."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def streamed(work: Work, cancel: Cancel, silence_s: float, silent: NetworkError) -> Iterator[Path]:
    """Yield what the work brings.

    The thread ends before this does, also where the generator is closed early.

    Raises
    ------
    NetworkError
        ``silent``, if nothing came for ``silence_s`` seconds; and whatever the work raises.
    Cancelled
        If a stop was requested.
    """
    arrivals: queue.SimpleQueue[Path | _End | None] = queue.SimpleQueue()
    stop = Cancel()

    def run() -> None:
        try:
            work(arrivals.put, stop)
        except BaseException as error:  # raised again where it is read
            arrivals.put(_End(error))
        else:
            arrivals.put(_End(None))

    thread = threading.Thread(target=run, name="arrivals", daemon=True)
    thread.start()
    try:
        yield from _read(arrivals, cancel, silence_s, silent)
    finally:
        stop.request()
        thread.join()


def _read(
    arrivals: queue.SimpleQueue[Path | _End | None], cancel: Cancel, silence_s: float, silent: NetworkError
) -> Iterator[Path]:
    heard = time.monotonic()
    while True:
        cancel.check()
        try:
            arrival = arrivals.get(timeout=_POLL_S)
        except queue.Empty:
            if time.monotonic() - heard > silence_s:
                raise silent from None
            continue
        heard = time.monotonic()
        if isinstance(arrival, _End):
            if arrival.error is not None:
                raise arrival.error
            return
        if arrival is not None:
            yield arrival
