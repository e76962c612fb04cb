"""Why the model's process ended, said in a sentence, and whether it may be started again."""

from __future__ import annotations

import collections
import re
import signal
import time
from pathlib import Path
from typing import Final

from .link import Gone

_TOO_LITTLE_MEMORY: Final = (
    "The system ended the model's process because memory ran out: close other programs, "
    "or choose a smaller model."
)
_COUNTERS: Final = (Path("/proc/vmstat"), Path("/sys/fs/cgroup/memory.events"))
_OOM_KILLS: Final = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


def oom_kills() -> int:
    """How many processes the Linux kernel has killed for want of memory; 0 where nobody counts."""
    kills = 0
    for path in _COUNTERS:
        try:
            found = _OOM_KILLS.search(path.read_text())
        except OSError:
            continue
        kills += int(found[1]) if found else 0
    return kills


def why_gone(gone: Gone, oom_kills_before: int) -> str:
    """What happened to the process, for the reader.

    Parameters
    ----------
    oom_kills_before : int
        :func:`oom_kills` when the process was started.
    """
    if gone.garbage:
        return gone.garbage
    if gone.returncode == -signal.Signals.SIGTERM:
        return "The model's process was ended by another program."
    if gone.returncode == -9:  # SIGKILL, which Windows does not have
        ran_out = oom_kills() > oom_kills_before
        return _TOO_LITTLE_MEMORY if ran_out else "The model's process was killed by another program."
    if gone.returncode < 0:
        return f"The model's process crashed ({_signal_name(-gone.returncode)})."
    said = f": {gone.last_words}" if gone.last_words else ""
    return f"The model's process ended unexpectedly (code {gone.returncode}{said})."


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Restarts:
    """A circuit breaker: so many restarts within so many seconds, then no more.

    Parameters
    ----------
    most : int
    within_s : float
    """

    def __init__(self, most: int, within_s: float) -> None:
        self._most, self._within_s = most, within_s
        self._times: collections.deque[float] = collections.deque()

    def allow(self) -> bool:
        """Whether one more restart is allowed; if so, it is counted."""
        now = time.monotonic()
        while self._times and now - self._times[0] > self._within_s:
            self._times.popleft()
        if len(self._times) >= self._most:
            return False
        self._times.append(now)
        return True

    def forget(self) -> None:
        """Begin to count anew: the user asked for it."""
        self._times.clear()
